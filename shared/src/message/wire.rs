//! The blocks as they travel.

/// Bytes of a message that one piece carries.
pub(super) const PIECE: usize = 120;

/// Bytes in which the pieces that have arrived are told.
pub(super) const ARRIVED: usize = 112;

/// A block of nothing.
pub(super) const EMPTY: [u8; 128] = [0; 128];

/// What a piece begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u16,
    pub(super) piece: u16,
    /// Bytes of the whole message.
    pub(super) length: u32,
}

impl Head {
    /// Splits a block into its head and what follows; `None` if it is too short for a head.
    pub(super) fn parse(block: &[u8]) -> Option<(Self, &[u8])> {
        let (sequence, rest) = block.split_first_chunk()?;
        let (piece, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let [sequence, piece] = [sequence, piece].map(|bytes| u16::from_le_bytes(*bytes));
        Some((Self { sequence, piece, length: u32::from_le_bytes(*length) }, rest))
    }

    pub(super) const fn to_bytes(self) -> [u8; 8] {
        let [sequence, piece] = [self.sequence.to_le_bytes(), self.piece.to_le_bytes()];
        let length = self.length.to_le_bytes();
        [sequence[0], sequence[1], piece[0], piece[1], length[0], length[1], length[2], length[3]]
    }

    /// Where the piece lies in the message; empty if it lies beyond the end.
    pub(super) fn place(self) -> core::ops::Range<usize> {
        let length = usize::try_from(self.length).unwrap_or(0);
        let start = usize::from(self.piece).saturating_mul(PIECE).min(length);
        start..start.saturating_add(PIECE).min(length)
    }
}

/// The number of pieces of a message of so many bytes.
pub(super) fn pieces(length: u32) -> u16 {
    u16::try_from(length.div_ceil(120)).unwrap_or(u16::MAX)
}

/// Copies as many bytes as both have.
pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Says whether a piece is marked as arrived.
pub(super) fn has(arrived: &[u8], piece: u16) -> bool {
    arrived.get(usize::from(piece >> 3)).is_some_and(|byte| *byte & bit(piece) != 0)
}

/// Marks a piece as arrived; says whether it was not before.
pub(super) fn mark(arrived: &mut [u8], piece: u16) -> bool {
    let Some(byte) = arrived.get_mut(usize::from(piece >> 3)) else { return false };
    let is_new = *byte & bit(piece) == 0;
    *byte |= bit(piece);
    is_new
}

fn bit(piece: u16) -> u8 {
    1_u8.wrapping_shl(u32::from(piece & 7))
}
