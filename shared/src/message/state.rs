//! What is kept about a VF's messages, and where: numbers, marks of pieces, and a buffer for each direction.

use super::MessageLimits;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::wire::ARRIVED;
use crate::halves::join;
use crate::negotiation::Agreement;
use crate::status::NtStatus;

/// The memory of one VF, taken apart.
#[derive(Debug)]
pub(super) struct Parts<'m> {
    pub(super) state: State,
    pub(super) inbound: Inbound<'m>,
    pub(super) outbound: Outbound<'m>,
}

/// What became of the message that the VF began last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// None was begun.
    #[default]
    None,
    Incomplete,
    Taken,
    Refused,
    TooLate,
}

/// The numbers; all zero is a VF that has agreed on no version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    version: u16,
    pub(super) fate: Fate,
    /// Of the message to the PF that was begun last.
    pub(super) sequence: u16,
    pub(super) arrived: u16,
    pub(super) length: u32,
    pub(super) status: u32,
    pub(super) began: u64,
    /// Of the message to the VF that was sent last.
    pub(super) sent_sequence: u16,
    /// The piece that the VF reads next.
    pub(super) next: u16,
    /// 0 if none is on its way.
    pub(super) sent_length: u32,
    pub(super) sent: u64,
}

/// Bytes that the numbers take.
const STATE: usize = 40;

impl<'m> Parts<'m> {
    /// Bytes of memory for one VF.
    pub(super) fn length(limits: &MessageLimits) -> usize {
        let buffers = [limits.to_pf, limits.to_vf].map(|limit| usize::try_from(limit).unwrap_or(0));
        buffers.iter().fold(STATE + ARRIVED, |sum, length| sum.saturating_add(*length))
    }

    /// Acts on a VF's memory; `None` if there is too little.
    pub(super) fn of<T>(
        memory: &'m mut [u8],
        limits: &MessageLimits,
        time: u64,
        act: impl FnOnce(&mut Parts<'m>) -> T,
    ) -> Option<T> {
        let (kept, memory) = memory.split_first_chunk_mut::<STATE>()?;
        let (arrived, memory) = memory.split_first_chunk_mut::<ARRIVED>()?;
        let (inbound, outbound) = memory.split_at_mut_checked(usize::try_from(limits.to_pf).ok()?)?;
        let mut parts = Parts {
            state: State::load(kept),
            inbound: Inbound { arrived, buffer: inbound, time, limit: limits.time },
            outbound: Outbound { buffer: outbound, time, limit: limits.time },
        };
        let value = act(&mut parts);
        *kept = parts.state.store();
        Some(value)
    }

    /// Begins the conversation, with what was agreed.
    pub(super) fn begin(&mut self, agreement: Result<Agreement, NtStatus>) -> Result<(), NtStatus> {
        // A failed attempt leaves nothing agreed: the VF is not left to guess which of two is in force.
        self.state = State::default();
        self.inbound.arrived.fill(0);
        self.state.version = agreement?.version;
        Ok(())
    }
}

impl State {
    pub(super) const fn version(&self) -> u16 {
        self.version
    }

    pub(super) const fn has_version(&self) -> bool {
        self.version != 0
    }

    /// Says whether a message to the VF is on its way.
    pub(super) const fn is_sending(&self) -> bool {
        self.sent_length != 0
    }

    /// Notes what the handler said to the whole message.
    pub(super) fn concluded(&mut self, answer: Result<(), NtStatus>) {
        (self.fate, self.status) = match answer {
            Ok(()) => (Fate::Taken, 0),
            Err(status) => (Fate::Refused, status.bits()),
        };
    }

    fn load(bytes: &[u8; STATE]) -> Self {
        let mut halves = bytes.as_chunks::<2>().0.iter().map(|half| u16::from_le_bytes(*half));
        let mut half = || halves.next().unwrap_or(0);
        let mut word = || [half(), half()];
        let ([version, fate], [sequence, arrived], [sent_sequence, next]) = (word(), word(), word());
        let mut whole = || whole_of(word());
        let (length, status, sent_length) = (whole(), whole(), whole());
        let mut time = || join(whole(), whole());
        let (began, sent) = (time(), time());
        let fate = Fate::from_number(fate);
        Self {
            version,
            fate,
            sequence,
            arrived,
            length,
            status,
            began,
            sent_sequence,
            next,
            sent_length,
            sent,
        }
    }

    fn store(&self) -> [u8; STATE] {
        let halves =
            [self.version, self.fate.number(), self.sequence, self.arrived, self.sent_sequence, self.next];
        let words = [self.length, self.status, self.sent_length];
        let times = [self.began, self.sent];
        let mut bytes = [0; STATE];
        let from = halves
            .iter()
            .flat_map(|half| half.to_le_bytes())
            .chain(words.iter().flat_map(|word| word.to_le_bytes()))
            .chain(times.iter().flat_map(|time| time.to_le_bytes()));
        for (to, from) in bytes.iter_mut().zip(from) {
            *to = from;
        }
        bytes
    }
}

impl Fate {
    /// The number that the VF reads.
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Incomplete => 1,
            Self::Taken => 2,
            Self::Refused => 3,
            Self::TooLate => 4,
        }
    }

    const fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Incomplete,
            2 => Self::Taken,
            3 => Self::Refused,
            4 => Self::TooLate,
            _ => Self::None,
        }
    }
}

fn whole_of(halves: [u16; 2]) -> u32 {
    let [[a, b], [c, d]] = halves.map(u16::to_le_bytes);
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Fate, State};

    #[test]
    fn numbers_are_kept_as_they_are() {
        let state = State {
            version: 0xA1A2,
            fate: Fate::TooLate,
            sequence: 0xB1B2,
            arrived: 0xC1C2,
            length: 0xD1D2_D3D4,
            status: 0xE1E2_E3E4,
            began: 0xF1F2_F3F4_F5F6_F7F8,
            sent_sequence: 0x0102,
            next: 0x0304,
            sent_length: 0x0506_0708,
            sent: 0x1112_1314_1516_1718,
        };
        assert_eq!(State::load(&state.store()), state);
        assert_eq!(State::default().store(), [0; 40]);
    }
}
