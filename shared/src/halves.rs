//! Two halves of a word: what one atomic holds together.

/// Puts two numbers into one word.
#[inline]
pub(crate) fn join(low: u32, high: u32) -> u64 {
    u64::from(high).wrapping_shl(32).wrapping_add(u64::from(low))
}

/// Gives the two numbers back, the lower half first.
#[inline]
pub(crate) const fn split(word: u64) -> (u32, u32) {
    let [a, b, c, d, high @ ..] = word.to_le_bytes();
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(high))
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn halves_come_back_as_they_went_in() {
        assert_eq!(join(0x0403_0201, 0x0807_0605), 0x0807_0605_0403_0201);
        assert_eq!(split(0x0807_0605_0403_0201), (0x0403_0201, 0x0807_0605));
    }
}
