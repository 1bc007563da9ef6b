//! Reassembly of a VF's ring statistics out of 120-byte pieces.
//!
//! A set has 32 bytes a ring, cut into pieces that all arrive as writes of one block; they belong together by their
//! sequence number. The VF is not trusted: it says how many rings it has, which sequence and which piece, so every number
//! is checked against the space that is there. A VF that begins and never ends keeps nobody's memory but its own.

use backchannel::NtStatus;
use bytemuck::{Pod, Zeroable};

/// Rings a VF may have.
pub(crate) const RINGS: usize = 128;

/// Bytes of one ring's record: received packets and bytes, sent packets and bytes, each a `u64`.
pub(crate) const RECORD: usize = 32;

/// Bytes of a complete set.
pub(crate) const SET: usize = RINGS * RECORD;

/// Bytes of statistics in one piece.
const PIECE: usize = 120;

/// Set when the present sequence has become a complete set; no piece has this number.
const WHOLE: u64 = 1 << 63;

/// The pieces of a VF's present set, and its last complete set; all zero is nothing received.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Statistics {
    /// Bit n: piece n of the present sequence has arrived, 35 pieces at most; and [`WHOLE`].
    arrived: u64,
    sequence: u32,
    /// Sequence number of the last complete set.
    pub(crate) last_sequence: u32,
    /// Rings in the last complete set.
    pub(crate) rings: u32,
    /// Sets that became complete.
    pub(crate) sets: u32,
    /// Pieces accepted.
    pub(crate) pieces: u32,
    /// Pieces refused.
    pub(crate) rejected: u32,
    /// Sets that were begun, and given up for the next.
    pub(crate) lost: u32,
    reserved: u32,
    assembling: [u8; SET],
    complete: [u8; SET],
}

impl Statistics {
    /// Takes one piece of a set of at most `limit` bytes; says whether it is new.
    ///
    /// A new sequence number begins anew, and so does a piece that comes again with other content: a VF repeats a set
    /// under the same number after a failed write.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE` if the VF may send nothing; `STATUS_INVALID_PARAMETER` for a piece beyond the set's
    /// end or a block of another form.
    pub(crate) fn receive(&mut self, limit: usize, block: &[u8]) -> Result<bool, NtStatus> {
        let received = self.place(limit, block);
        let count = if received.is_ok() { &mut self.pieces } else { &mut self.rejected };
        *count = count.wrapping_add(1);
        received
    }

    /// Gives the set of `rings` rings if all its pieces have arrived, and keeps it as the last complete one.
    pub(crate) fn conclude(&mut self, rings: u32) -> Option<&[u8]> {
        let total =
            usize::try_from(rings).ok()?.checked_mul(RECORD).filter(|total| (1..=SET).contains(total))?;
        let arrived = usize::try_from(self.arrived.trailing_ones()).unwrap_or(0);
        let is_new = self.arrived & WHOLE == 0 && arrived >= total.div_ceil(PIECE);
        let set = self.assembling.get(..total).filter(|_| is_new)?;
        self.complete.fill(0);
        for (to, from) in self.complete.iter_mut().zip(set) {
            *to = *from;
        }
        self.arrived |= WHOLE;
        self.last_sequence = self.sequence;
        self.rings = rings;
        self.sets = self.sets.wrapping_add(1);
        Some(set)
    }

    /// Forgets the pieces of the present set.
    pub(crate) const fn give_up(&mut self) {
        self.arrived = 0;
    }

    /// Bytes `from..from + 128` of the last complete set; empty beyond its end.
    pub(crate) fn window(&self, from: usize) -> &[u8] {
        let tail = self.complete.get(from..).unwrap_or_default();
        tail.get(..128).unwrap_or(tail)
    }

    fn place(&mut self, limit: usize, block: &[u8]) -> Result<bool, NtStatus> {
        let Some((&[a, b, c, d, _, _, _, _], bytes)) = block.split_first_chunk() else {
            return Err(NtStatus::INVALID_PARAMETER);
        };
        if limit == 0 {
            return Err(NtStatus::INVALID_DEVICE_STATE);
        }
        let (sequence, piece) = (u32::from(u16::from_le_bytes([a, b])), u16::from_le_bytes([c, d]));
        let start = usize::from(piece).saturating_mul(PIECE);
        let place = self.assembling.get_mut(start..limit).filter(|place| !place.is_empty());
        let place = place.ok_or(NtStatus::INVALID_PARAMETER)?;
        if sequence != self.sequence {
            if self.arrived != 0 && self.arrived & WHOLE == 0 {
                self.lost = self.lost.wrapping_add(1);
            }
            (self.sequence, self.arrived) = (sequence, 0);
        }
        let bit = 1_u64.wrapping_shl(u32::from(piece));
        let is_known = self.arrived & bit != 0;
        let mut is_same = true;
        for (to, from) in place.iter_mut().zip(bytes.iter().take(PIECE)) {
            is_same &= *to == *from;
            *to = *from;
        }
        if is_known && is_same {
            return Ok(false);
        }
        self.arrived = if is_known { bit } else { self.arrived | bit };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A VF with 64 rings, and what it sends.
    struct Vf {
        statistics: Box<Statistics>,
    }

    impl Vf {
        fn new() -> Self {
            Self { statistics: Box::new(Statistics::zeroed()) }
        }

        /// Sends a piece, and gives the set that became complete.
        fn send(&mut self, rings: u32, block: &[u8]) -> Result<Option<Vec<u8>>, NtStatus> {
            let limit = usize::try_from(rings).unwrap() * RECORD;
            let is_new = self.statistics.receive(limit, block)?;
            Ok(if is_new { self.statistics.conclude(rings).map(<[u8]>::to_vec) } else { None })
        }

        fn send_set(&mut self, sequence: u16, fill: u8) {
            for number in 0..18 {
                self.send(64, &piece(sequence, number, fill)).unwrap();
            }
        }

        fn window(&mut self, from: usize) -> Vec<u8> {
            self.statistics.window(from).to_vec()
        }
    }

    fn piece(sequence: u16, number: u16, fill: u8) -> [u8; 128] {
        let mut block = [fill; 128];
        block[0..2].copy_from_slice(&sequence.to_le_bytes());
        block[2..4].copy_from_slice(&number.to_le_bytes());
        block
    }

    #[test]
    fn thirty_five_pieces_make_a_set_of_128_rings() {
        let mut vf = Vf::new();
        for number in 0..34 {
            assert_eq!(vf.send(128, &piece(7, number, 0xC3)), Ok(None));
        }
        assert_eq!(vf.send(128, &piece(7, 34, 0xC3)), Ok(Some(vec![0xC3; SET])));
        assert_eq!((vf.statistics.sets, vf.statistics.last_sequence, vf.statistics.rings), (1, 7, 128));
        for from in (0..SET).step_by(128) {
            assert_eq!(vf.window(from), [0xC3; 128]);
        }
        assert!(vf.window(SET).is_empty());
    }

    #[test]
    fn pieces_in_any_order_make_a_set() {
        let mut vf = Vf::new();
        for number in (1..18).rev() {
            assert_eq!(vf.send(64, &piece(1, number, 1)), Ok(None));
        }
        assert_eq!(vf.send(64, &piece(1, 0, 1)), Ok(Some(vec![1; 64 * RECORD])));
    }

    #[test]
    fn a_set_with_a_lost_piece_never_becomes_complete_and_is_counted() {
        let mut vf = Vf::new();
        for number in (0..18).filter(|number| *number != 9) {
            vf.send(64, &piece(1, number, 1)).unwrap();
        }
        vf.send_set(2, 2);
        vf.send(64, &piece(3, 0, 3)).unwrap();
        assert_eq!((vf.statistics.sets, vf.statistics.lost, vf.statistics.last_sequence), (1, 1, 2));
    }

    #[test]
    fn a_set_under_a_new_sequence_number_does_not_take_pieces_of_the_old_one() {
        let mut vf = Vf::new();
        for number in 0..17 {
            vf.send(64, &piece(1, number, 1)).unwrap();
        }
        assert_eq!(vf.send(64, &piece(2, 17, 2)), Ok(None));
    }

    #[test]
    fn the_sequence_number_wraps() {
        let mut vf = Vf::new();
        vf.send_set(u16::MAX, 1);
        vf.send_set(0, 2);
        assert_eq!((vf.statistics.sets, vf.statistics.last_sequence, vf.statistics.lost), (2, 0, 0));
    }

    #[test]
    fn a_repeated_piece_counts_once_and_a_repeated_set_is_no_second_one() {
        let mut vf = Vf::new();
        for number in 0..18 {
            for _ in 0..2 {
                vf.send(64, &piece(1, number, 1)).unwrap();
            }
        }
        assert_eq!(vf.statistics.sets, 1);
        vf.send_set(1, 1);
        assert_eq!((vf.statistics.sets, vf.statistics.pieces), (1, 54));
    }

    #[test]
    fn a_set_sent_again_with_other_content_takes_no_piece_of_the_first_attempt() {
        let mut vf = Vf::new();
        for number in 0..17 {
            vf.send(64, &piece(1, number, 1)).unwrap();
        }
        for number in 0..17 {
            assert_eq!(vf.send(64, &piece(1, number, 2)), Ok(None));
        }
        assert_eq!(vf.send(64, &piece(1, 17, 2)), Ok(Some(vec![2; 64 * RECORD])));
    }

    #[test]
    fn pieces_that_came_before_the_number_of_rings_count_when_it_is_known() {
        let mut statistics = Vf::new().statistics;
        for number in 0..2 {
            assert_eq!(statistics.receive(SET, &piece(1, number, 5)), Ok(true));
        }
        assert_eq!(statistics.conclude(0), None);
        assert_eq!(statistics.conclude(7).map(<[u8]>::len), Some(7 * RECORD));
        assert_eq!(statistics.conclude(7), None, "it is complete already");
    }

    #[test]
    fn a_piece_beyond_the_set_is_refused() {
        let mut vf = Vf::new();
        for number in [18, u16::MAX] {
            assert_eq!(vf.send(64, &piece(1, number, 0)), Err(NtStatus::INVALID_PARAMETER));
        }
        assert_eq!(vf.statistics.rejected, 2);
    }

    #[test]
    fn a_vf_that_may_send_nothing_is_refused() {
        assert_eq!(Vf::new().send(0, &piece(1, 0, 0)), Err(NtStatus::INVALID_DEVICE_STATE));
    }

    #[test]
    fn one_ring_is_one_piece_and_its_padding_is_ignored() {
        let mut vf = Vf::new();
        vf.send_set(4, 7);
        vf.send(1, &piece(5, 0, 9)).unwrap();
        assert_eq!(vf.window(0), [vec![9; 32], vec![0; 96]].concat());
        assert_eq!(vf.window(128), [0; 128], "nothing of the larger set before");
    }
}
