//! Reassembly of a VF's ring statistics out of 120-byte pieces.
//!
//! A set has 32 bytes a ring, cut into pieces that all arrive as writes of one block; they belong together by their
//! sequence number. The VF is not trusted: it says how many rings it has, which sequence and which piece, so every number
//! is checked against the space that is there. A VF that begins and never ends keeps nobody's memory but its own.

use backchannel::NtStatus;

/// Rings a VF may have.
pub(crate) const RINGS: usize = 64;

/// Bytes of one ring's record: received packets and bytes, sent packets and bytes, each a `u64`.
pub(crate) const RECORD: usize = 32;

/// Bytes of a complete set.
pub(crate) const SET: usize = RINGS * RECORD;

/// Bytes of statistics in one piece.
const PIECE: usize = 120;

/// Where the statistics begin in a piece's block.
const HEADER: usize = 8;

/// The pieces of a VF's present set, and its last complete set.
#[derive(Debug)]
pub(crate) struct Statistics {
    sequence: u16,
    /// Bit n: piece n of the present sequence has arrived. 18 pieces at most.
    arrived: u32,
    assembling: [u8; SET],
    complete: [u8; SET],
    /// Sequence number of the last complete set.
    pub(crate) last_sequence: u16,
    /// Rings in the last complete set.
    pub(crate) rings: u16,
    /// Sets that became complete.
    pub(crate) sets: u32,
    /// Pieces accepted.
    pub(crate) pieces: u32,
    /// Pieces refused.
    pub(crate) rejected: u32,
}

impl Statistics {
    /// Nothing received.
    // Inline, so that it exists in constants only: as code it would need a frame of several KiB.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            sequence: 0,
            arrived: 0,
            assembling: [0; SET],
            complete: [0; SET],
            last_sequence: 0,
            rings: 0,
            sets: 0,
            pieces: 0,
            rejected: 0,
        }
    }

    /// Forgets everything, in place.
    pub(crate) fn clear(&mut self) {
        self.assembling.fill(0);
        self.complete.fill(0);
        (self.sequence, self.arrived, self.last_sequence, self.rings) = (0, 0, 0, 0);
        (self.sets, self.pieces, self.rejected) = (0, 0, 0);
    }

    /// Takes one piece of a set of `rings` rings.
    ///
    /// A new sequence number, or piece 0 again, begins anew: a VF repeats a set under the same number after a failed
    /// write.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE` before the VF has announced 1 to [`RINGS`] rings; `STATUS_INVALID_PARAMETER` for a
    /// piece beyond the set's end or a block of another form.
    pub(crate) fn receive(&mut self, rings: u16, block: &[u8]) -> Result<(), NtStatus> {
        let received = self.place(rings, block);
        let count = if received.is_ok() { &mut self.pieces } else { &mut self.rejected };
        *count = count.wrapping_add(1);
        received
    }

    /// Bytes `from..from + 128` of the last complete set; empty beyond its end.
    pub(crate) fn window(&self, from: usize) -> &[u8] {
        let tail = self.complete.get(from..).unwrap_or_default();
        tail.get(..128).unwrap_or(tail)
    }

    fn place(&mut self, rings: u16, block: &[u8]) -> Result<(), NtStatus> {
        let total = usize::from(rings).checked_mul(RECORD).filter(|total| (1..=SET).contains(total));
        let total = total.ok_or(NtStatus::INVALID_DEVICE_STATE)?;
        let (Some(sequence), Some(piece), Some(bytes)) =
            (word(block, 0), word(block, 2), block.get(HEADER..))
        else {
            return Err(NtStatus::INVALID_PARAMETER);
        };
        let last = total.div_ceil(PIECE);
        let start = usize::from(piece).checked_mul(PIECE).filter(|start| *start < total);
        let start = start.ok_or(NtStatus::INVALID_PARAMETER)?;
        if sequence != self.sequence || piece == 0 {
            self.sequence = sequence;
            self.arrived = 0;
        }
        let to = self.assembling.get_mut(start..total).unwrap_or_default();
        for (to, from) in to.iter_mut().zip(bytes.iter().take(PIECE)) {
            *to = *from;
        }
        self.arrived |= 1_u32.checked_shl(u32::from(piece)).unwrap_or(0);
        let count = u32::try_from(last).ok();
        if count.is_some_and(|count| self.arrived.trailing_ones() == count) {
            self.complete.copy_from_slice(&self.assembling);
            self.arrived = 0;
            self.last_sequence = sequence;
            self.rings = rings;
            self.sets = self.sets.wrapping_add(1);
        }
        Ok(())
    }
}

fn word(block: &[u8], at: usize) -> Option<u16> {
    block.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(sequence: u16, number: u16, fill: u8) -> [u8; 128] {
        let mut block = [fill; 128];
        block[0..2].copy_from_slice(&sequence.to_le_bytes());
        block[2..4].copy_from_slice(&number.to_le_bytes());
        block
    }

    fn complete_set(statistics: &mut Statistics, sequence: u16, fill: u8) {
        for number in 0..18 {
            statistics.receive(64, &piece(sequence, number, fill)).unwrap();
        }
    }

    #[test]
    fn eighteen_pieces_make_a_set_of_64_rings() {
        let mut statistics = Statistics::new();
        complete_set(&mut statistics, 7, 0xC3);
        assert_eq!((statistics.sets, statistics.last_sequence, statistics.rings), (1, 7, 64));
        for from in (0..SET).step_by(128) {
            assert_eq!(statistics.window(from), [0xC3; 128]);
        }
        assert!(statistics.window(SET).is_empty());
    }

    #[test]
    fn a_set_with_a_lost_piece_never_becomes_complete() {
        let mut statistics = Statistics::new();
        for number in (0..18).filter(|number| *number != 9) {
            statistics.receive(64, &piece(1, number, 1)).unwrap();
        }
        assert_eq!(statistics.sets, 0);
    }

    #[test]
    fn a_set_under_a_new_sequence_number_does_not_take_pieces_of_the_old_one() {
        let mut statistics = Statistics::new();
        for number in 0..17 {
            statistics.receive(64, &piece(1, number, 1)).unwrap();
        }
        statistics.receive(64, &piece(2, 17, 2)).unwrap();
        assert_eq!(statistics.sets, 0);
    }

    #[test]
    fn the_sequence_number_wraps() {
        let mut statistics = Statistics::new();
        complete_set(&mut statistics, u16::MAX, 1);
        complete_set(&mut statistics, 0, 2);
        assert_eq!((statistics.sets, statistics.last_sequence), (2, 0));
    }

    #[test]
    fn a_repeated_piece_counts_once() {
        let mut statistics = Statistics::new();
        for number in 0..17 {
            statistics.receive(64, &piece(1, number, 1)).unwrap();
            if number > 0 {
                statistics.receive(64, &piece(1, number, 1)).unwrap();
            }
        }
        assert_eq!(statistics.sets, 0);
        statistics.receive(64, &piece(1, 17, 1)).unwrap();
        assert_eq!(statistics.sets, 1);
    }

    #[test]
    fn a_piece_beyond_the_set_is_refused() {
        let mut statistics = Statistics::new();
        assert_eq!(statistics.receive(64, &piece(1, 18, 0)), Err(NtStatus::INVALID_PARAMETER));
        assert_eq!(statistics.receive(64, &piece(1, u16::MAX, 0)), Err(NtStatus::INVALID_PARAMETER));
        assert_eq!(statistics.rejected, 2);
    }

    #[test]
    fn more_rings_than_there_is_space_for_are_refused() {
        let mut statistics = Statistics::new();
        for rings in [0, 65, u16::MAX] {
            assert_eq!(statistics.receive(rings, &piece(1, 0, 0)), Err(NtStatus::INVALID_DEVICE_STATE));
        }
    }

    #[test]
    fn one_ring_is_one_piece_and_its_padding_is_ignored() {
        let mut statistics = Statistics::new();
        statistics.receive(1, &piece(1, 0, 9)).unwrap();
        assert_eq!(statistics.sets, 1);
        assert_eq!(statistics.window(0)[..32], [9; 32]);
        assert_eq!(statistics.window(0)[32..], [0; 96]);
    }
}
