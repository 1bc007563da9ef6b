//! Feature negotiation, for VF drivers that want it: an optional control block with an id of the IHV's choice.
//!
//! The VF writes what it speaks, the PF side answers with what both speak, and the VF reads that. Features go by bit and
//! never by version: two vendors once used the same version numbers for different features. What was agreed belongs to
//! one life of one VF.
//!
//! ```text
//! written by the VF, 32 bytes        read by the VF, 32 bytes
//!   0  lowest version    u16           0  lowest version of the PF    u16
//!   2  highest version   u16           2  highest version of the PF   u16
//!   4  zero              u32           4  agreed version, 0 for none  u16
//!   8  features wanted   u64           6  zero                        u16
//!  16  zero              16 bytes      8  features offered            u64
//!                                     16  features agreed             u64
//!                                     24  zero                        8 bytes
//! ```
//!
//! The agreed version is the highest that both speak. Numbers are little-endian. Reserved bytes that are not zero are
//! refused, so that they can be given a meaning later.
//!
//! ```
//! use backchannel::{BlockId, Negotiation, NegotiationRecord, Offer, Schema};
//!
//! const TSO: u64 = 1;
//! static RECORDS: [NegotiationRecord; 16] = [const { NegotiationRecord::new() }; 16];
//! static CONTROL: Negotiation<'static> =
//!     Negotiation::new(Offer { lowest: 1, highest: 3, features: TSO }, &RECORDS);
//! // Registered like any handler, with the schema that it states.
//! let schema: Schema = Negotiation::schema(BlockId::new(9));
//! assert!(schema.is_written() && schema.is_read());
//! # let _unused = &CONTROL;
//! ```

use crate::block::BlockId;
use crate::halves::join;
use crate::handler::{BlockHandler, Call, Output};
use crate::schema::{RateClass, Schema};
use crate::status::NtStatus;
use crate::sync::counting::{AtomicU64, Ordering, fence};
use crate::vf::{Generation, Vf, VfEvent, VfIndex};

/// What the PF side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The lowest version; at least 1.
    pub lowest: u16,
    /// The highest version.
    pub highest: u16,
    /// One bit a feature.
    pub features: u64,
}

/// What a VF and the PF side agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The version, at least 1.
    pub version: u16,
    /// The features that both have.
    pub features: u64,
}

/// Remembers the agreement of one VF. All-zero is none.
#[derive(Debug)]
#[repr(C)]
pub struct NegotiationRecord {
    /// Generation, version, and a number that is odd while the agreement changes.
    head: AtomicU64,
    features: AtomicU64,
}

/// Serves the control block.
#[derive(Debug)]
pub struct Negotiation<'r> {
    offer: Offer,
    records: &'r [NegotiationRecord],
}

impl Offer {
    /// Finds what a VF that wrote `block` and the PF side both speak.
    pub(crate) fn agree(&self, block: &[u8]) -> Result<Agreement, NtStatus> {
        let Some((&[a, b, c, d, reserved @ ..], rest)) = block.split_first_chunk::<8>() else {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        };
        let Some((features, rest)) = rest.split_first_chunk::<8>() else {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        };
        if reserved != [0; 4] || rest.iter().any(|byte| *byte != 0) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let (lowest, highest) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if lowest == 0 || lowest > highest {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let version = highest.min(self.highest);
        if version < lowest.max(self.lowest) {
            return Err(NtStatus::REVISION_MISMATCH);
        }
        Ok(Agreement { version, features: u64::from_le_bytes(*features) & self.features })
    }

    /// Composes what the VF reads.
    pub(crate) fn answer(&self, agreed: Agreement) -> [u64; 4] {
        let ([a, b], [c, d]) = (self.lowest.to_le_bytes(), self.highest.to_le_bytes());
        let versions = join(u32::from_le_bytes([a, b, c, d]), u32::from(agreed.version));
        [versions, self.features, agreed.features, 0]
    }
}

impl Default for NegotiationRecord {
    fn default() -> Self {
        Self::new()
    }
}

impl NegotiationRecord {
    /// Makes a record of a VF that has not negotiated.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: AtomicU64::new(0), features: AtomicU64::new(0) }
    }

    /// Called inside the VF's gate only.
    fn set(&self, generation: Generation, agreement: Option<Agreement>) {
        let [low, high, ..] = self.head.load(Ordering::Relaxed).to_le_bytes();
        let odd = u16::from_le_bytes([low, high]).wrapping_add(1);
        self.head.store(u64::from(odd), Ordering::Relaxed);
        fence(Ordering::Release);
        self.features.store(agreement.map_or(0, |agreed| agreed.features), Ordering::Relaxed);
        let [a, b] = odd.wrapping_add(1).to_le_bytes();
        let [c, d] = agreement.map_or(0, |agreed| agreed.version).to_le_bytes();
        self.head.store(join(u32::from_le_bytes([a, b, c, d]), generation.value()), Ordering::Release);
    }

    fn read(&self) -> Option<(Generation, Agreement)> {
        let head = self.head.load(Ordering::Acquire);
        let features = self.features.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if head & 1 != 0 || self.head.load(Ordering::Relaxed) != head {
            return None;
        }
        let [_, _, low, high, a, b, c, d] = head.to_le_bytes();
        let version = u16::from_le_bytes([low, high]);
        let generation = Generation::new(u32::from_le_bytes([a, b, c, d]));
        (version != 0).then_some((generation, Agreement { version, features }))
    }
}

impl<'r> Negotiation<'r> {
    /// Makes the handler, with one record for each VF; VFs beyond them cannot negotiate.
    #[must_use]
    pub const fn new(offer: Offer, records: &'r [NegotiationRecord]) -> Self {
        Self { offer, records }
    }

    /// Describes the control block under the id that the IHV chose.
    #[must_use]
    pub const fn schema(id: BlockId) -> Schema {
        Schema::conversed(id, 32, RateClass::Control)
    }

    /// Gives what was agreed with a VF in this life of it.
    #[must_use]
    pub fn agreement(&self, vf: Vf) -> Option<Agreement> {
        let (generation, agreement) = self.record(vf.index)?.read()?;
        (generation == vf.generation).then_some(agreement)
    }

    /// Says whether a VF has a feature. Ask this, never for a version.
    #[must_use]
    pub fn has(&self, vf: Vf, features: u64) -> bool {
        self.agreement(vf).is_some_and(|agreed| agreed.features & features == features)
    }

    fn record(&self, vf: VfIndex) -> Option<&NegotiationRecord> {
        self.records.get(usize::from(vf.value()))
    }
}

impl BlockHandler for Negotiation<'_> {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let record = self.record(call.vf().index).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let agreement = self.offer.agree(block);
        // A failed attempt leaves nothing agreed: the VF is not left to guess which of two is in force.
        record.set(call.vf().generation, agreement.ok());
        agreement.map(|_| ())
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        let agreed = self.agreement(call.vf()).unwrap_or(Agreement { version: 0, features: 0 });
        out.fill(self.offer.answer(agreed).map(u64::to_le_bytes).as_flattened())
    }

    fn vf_event(&self, vf: Vf, event: VfEvent) {
        if let (VfEvent::Reset | VfEvent::Disabled, Some(record)) = (event, self.record(vf.index)) {
            record.set(vf.generation, None);
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Agreement, Negotiation, NegotiationRecord, Offer};
    use crate::status::NtStatus;
    use crate::sync::counting::Ordering;
    use crate::vf::Generation;

    static RECORDS: [NegotiationRecord; 1] = [NegotiationRecord::new()];
    const PF: Negotiation<'static> =
        Negotiation::new(Offer { lowest: 2, highest: 5, features: 0b1011 }, &RECORDS);

    fn agree(lowest: u16, highest: u16, features: u64) -> Result<Agreement, NtStatus> {
        let mut block = [0; 32];
        block[..2].copy_from_slice(&lowest.to_le_bytes());
        block[2..4].copy_from_slice(&highest.to_le_bytes());
        block[8..16].copy_from_slice(&features.to_le_bytes());
        PF.offer.agree(&block)
    }

    #[test]
    fn record_keeps_version_generation_and_features_apart_however_often_it_is_set() {
        let record = NegotiationRecord::new();
        for round in 0..70_000_u32 {
            let agreed = Agreement { version: 0xFFFF, features: u64::from(round) };
            record.set(Generation::new(u32::MAX), Some(agreed));
            assert_eq!(record.read(), Some((Generation::new(u32::MAX), agreed)), "round {round}");
        }
        record.set(Generation::new(5), None);
        assert_eq!(record.read(), None);
    }

    #[test]
    fn record_that_is_being_set_says_nothing() {
        let record = NegotiationRecord::new();
        record.set(Generation::new(0), Some(Agreement { version: 2, features: 1 }));
        let head = record.head.load(Ordering::Relaxed);
        record.head.store(head + 1, Ordering::Relaxed);
        assert_eq!(record.read(), None);
    }

    #[test]
    fn agreed_version_is_the_highest_that_both_speak() {
        for (lowest, highest, version) in
            [(1, 2, 2), (1, 3, 3), (2, 5, 5), (5, 5, 5), (5, 9, 5), (1, 0xFFFF, 5)]
        {
            assert_eq!(
                agree(lowest, highest, 0),
                Ok(Agreement { version, features: 0 }),
                "{lowest} to {highest}"
            );
        }
    }

    #[test]
    fn ranges_that_do_not_meet_are_a_mismatch() {
        assert_eq!(agree(1, 1, 0), Err(NtStatus::REVISION_MISMATCH));
        assert_eq!(agree(6, 9, 0), Err(NtStatus::REVISION_MISMATCH));
    }

    #[test]
    fn range_that_is_none_is_refused() {
        assert_eq!(agree(0, 5, 0), Err(NtStatus::INVALID_PARAMETER));
        assert_eq!(agree(4, 3, 0), Err(NtStatus::INVALID_PARAMETER));
    }

    #[test]
    fn features_are_those_of_both_whatever_the_version() {
        assert_eq!(agree(2, 2, u64::MAX).map(|agreed| agreed.features), Ok(0b1011));
        assert_eq!(agree(5, 5, 0b0110).map(|agreed| agreed.features), Ok(0b0010));
    }

    #[test]
    fn reserved_bytes_must_be_zero() {
        for place in (4..8).chain(16..32) {
            let mut block = [0; 32];
            block[0] = 2;
            block[2] = 2;
            assert!(PF.offer.agree(&block).is_ok());
            block[place] = 1;
            assert_eq!(PF.offer.agree(&block), Err(NtStatus::INVALID_PARAMETER), "byte {place}");
        }
    }
}
