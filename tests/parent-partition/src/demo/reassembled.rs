//! What the PF says arrived from a VF, and how it differs from what was sent.
//!
//! The PF's handler lets each VF read back its own last complete set: a block of counters, then blocks with
//! four rings each.

use bytes::Buf;

use crate::guest::backchannel::{Backchannel, Refused};
use crate::guest::mlx5::Record;
use crate::guest::statistics::{BLOCK, RECORD, RingCounters};

/// The PF's view of one VF's statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reassembled {
    /// How the report begins; other bytes are another handler's.
    pub magic: u32,
    /// Sets that came together.
    pub sets: u32,
    /// Pieces that were taken.
    pub pieces: u32,
    /// Pieces that were refused.
    pub rejected: u32,
    /// Sequence number of the last complete set.
    pub last_sequence: u16,
    /// Rings in it.
    pub rings: u16,
    /// Its counters, as many rings as the blocks hold.
    pub counters: Vec<RingCounters>,
}

/// A value that is not what the guest sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which value.
    pub what: String,
    /// What the guest sent.
    pub sent: u64,
    /// What the PF has.
    pub found: u64,
}

impl Reassembled {
    /// Reads it back as the VF that sent it.
    ///
    /// # Errors
    ///
    /// [`Refused`] when the PF does not serve one of the blocks.
    pub fn read(backchannel: &impl Backchannel) -> Result<Self, Refused> {
        let mut block = [0; BLOCK];
        backchannel.read(REPORT, &mut block)?;
        let mut fields = &block[..];
        let mut reassembled = Self {
            magic: fields.get_u32_le(),
            sets: fields.get_u32_le(),
            pieces: fields.get_u32_le(),
            rejected: fields.get_u32_le(),
            last_sequence: fields.get_u16_le(),
            rings: fields.get_u16_le(),
            counters: Vec::new(),
        };
        for window in 0..WINDOWS {
            backchannel.read(FIRST_WINDOW + window, &mut block)?;
            let rings = block.as_chunks::<RECORD>().0.iter().map(RingCounters::from_bytes);
            reassembled.counters.extend(rings);
        }
        Ok(reassembled)
    }

    /// Every value that differs from what the guest has on record.
    pub fn mismatches(&self, record: &Record) -> Vec<Mismatch> {
        let rings = record.last_set.len() as u64;
        let header = [
            ("magic", u64::from(MAGIC), u64::from(self.magic)),
            ("complete sets", u64::from(record.sets), u64::from(self.sets)),
            ("pieces", u64::from(record.pieces), u64::from(self.pieces)),
            ("rejected pieces", 0, u64::from(self.rejected)),
            ("sequence", u64::from(record.last_sequence), u64::from(self.last_sequence)),
            ("rings", rings, u64::from(self.rings)),
        ];
        let named = header.into_iter().map(|(what, sent, found)| (what.to_owned(), sent, found));
        let missing = RingCounters::default();
        let values = record.last_set.iter().enumerate().flat_map(|(ring, sent)| {
            let found = self.counters.get(ring).unwrap_or(&missing);
            let names = ["rx_packets", "rx_bytes", "tx_packets", "tx_bytes"];
            let pairs = sent.values().into_iter().zip(found.values());
            names
                .into_iter()
                .zip(pairs)
                .map(move |(name, (sent, found))| (format!("ring {ring} {name}"), sent, found))
        });
        named
            .chain(values)
            .filter(|(_, sent, found)| sent != found)
            .map(|(what, sent, found)| Mismatch { what, sent, found })
            .collect()
    }
}

/// Block of the counters that the handler keeps.
pub const REPORT: u32 = 0x0FFF;
/// First of the blocks that hold the last complete set.
pub const FIRST_WINDOW: u32 = 0x1000;
/// How many of them there are.
pub const WINDOWS: u32 = 16;

/// "MLXS", little endian.
const MAGIC: u32 = u32::from_le_bytes(*b"MLXS");

#[cfg(test)]
mod tests {
    use super::{MAGIC, Reassembled};
    use crate::guest::mlx5::Record;
    use crate::guest::statistics::Traffic;

    fn pair() -> (Record, Reassembled) {
        let set = Traffic::new(3, 0, 64).advance().to_vec();
        let record = Record { last_set: set.clone(), last_sequence: 4, sets: 5, pieces: 90 };
        let found = Reassembled {
            magic: MAGIC,
            sets: 5,
            pieces: 90,
            rejected: 0,
            last_sequence: 4,
            rings: 64,
            counters: set,
        };
        (record, found)
    }

    #[test]
    fn same_values_have_no_mismatch() {
        let (record, found) = pair();
        assert_eq!(found.mismatches(&record), []);
    }

    #[test]
    fn each_differing_value_is_named() {
        let (record, mut found) = pair();
        found.counters[63].tx_bytes += 1;
        found.pieces = 89;
        let names: Vec<_> = found.mismatches(&record).into_iter().map(|mismatch| mismatch.what).collect();
        assert_eq!(names, ["pieces", "ring 63 tx_bytes"]);
    }

    #[test]
    fn every_field_is_compared() {
        let (record, found) = pair();
        let wrong = [
            Reassembled { magic: 0, ..found.clone() },
            Reassembled { sets: 4, ..found.clone() },
            Reassembled { rejected: 1, ..found.clone() },
            Reassembled { last_sequence: 3, ..found.clone() },
            Reassembled { rings: 63, ..found.clone() },
        ];
        assert!(wrong.iter().all(|wrong| wrong.mismatches(&record).len() == 1));
        let nothing = Reassembled { counters: Vec::new(), ..found };
        assert_eq!(nothing.mismatches(&record).len(), 256);
    }
}
