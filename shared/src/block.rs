//! Block ids, masks of blocks, and the length of one transfer.

use crate::halves::split;

/// Names one block; the IHV chooses the numbers.
///
/// Source: `pcivirt.h`, `SRIOV_READ_BLOCK` and `SRIOV_WRITE_BLOCK`.
///
/// ```
/// use backchannel::{BlockId, BlockMask};
/// assert_eq!(BlockId::new(5).mask(), Some(BlockMask::new(0x20)));
/// assert_eq!(BlockId::new(64).mask(), None, "a mask has 64 bits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct BlockId(u32);

impl BlockId {
    /// Takes a block id as the guest or the IHV wrote it; every value is an id.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// Gives the number.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// Gives the mask with this block's bit, or `None` for the ids from 64 up, which cannot be invalidated.
    #[must_use]
    pub const fn mask(self) -> Option<BlockMask> {
        match 1_u64.checked_shl(self.0) {
            Some(bits) => Some(BlockMask(bits)),
            None => None,
        }
    }
}

/// Holds a set of the blocks 0 to 63: bit n is block n.
///
/// Source: `pcivirt.h`, `SRIOV_INVALIDATE_BLOCK`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct BlockMask(u64);

impl BlockMask {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// All 64 blocks that an invalidation can name.
    pub const ALL: Self = Self(u64::MAX);

    /// Takes the bits.
    #[must_use]
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// Gives the bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Gives the lower and the upper half of the number.
    #[must_use]
    pub const fn halves(self) -> (u32, u32) {
        split(self.0)
    }

    /// Says whether no block is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Holds the length of one transfer, 1 to 128 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct BlockLength(u8);

impl BlockLength {
    /// The largest transfer.
    ///
    /// SPEC: abi 6.3: the documentation says that the length must not exceed 128 and every mlx5 guest sends exactly 128; the SAL
    /// annotation in `pcivirt.h` says strictly less. 128 is legal, the annotation is off by one.
    pub const MAX: Self = Self(128);

    /// Checks a length that came from outside; `None` for 0 and for more than 128.
    ///
    /// ```
    /// use backchannel::BlockLength;
    /// assert!(BlockLength::new(128).is_some());
    /// assert!(BlockLength::new(129).is_none());
    /// ```
    #[must_use]
    pub const fn new(length: u32) -> Option<Self> {
        let [low, ..] = length.to_le_bytes();
        if length.wrapping_sub(1) < 128 { Some(Self(low)) } else { None }
    }

    /// Gives the length as the index type.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// The bytes of the largest block: `VPCI_MAX_READ_WRITE_BLOCK_SIZE` of `pcivirt.h`.
pub const BLOCK_SIZE: usize = 128;

#[cfg(test)]
mod tests {
    use super::{BlockId, BlockLength};

    #[test]
    fn transfer_of_128_bytes_is_legal_although_the_sal_annotation_excludes_it() {
        assert_eq!(BlockLength::new(128).map(BlockLength::value), Some(128));
    }

    #[test]
    fn lengths_outside_1_to_128_are_not_lengths() {
        for length in [0, 129, 255, 256, 257, 65_664, 0x0100_0001, u32::MAX] {
            assert_eq!(BlockLength::new(length), None, "{length}");
        }
        assert_eq!(BlockLength::new(1).map(BlockLength::value), Some(1));
    }

    #[test]
    fn halves_of_a_set_are_those_of_its_number() {
        assert_eq!(super::BlockMask::new(0x0000_0003_0000_0002).halves(), (2, 3));
    }

    #[test]
    fn only_the_first_64_blocks_have_a_bit() {
        assert_eq!(BlockId::new(63).mask().map(super::BlockMask::bits), Some(1 << 63));
        assert_eq!(BlockId::new(64).mask(), None);
        assert_eq!(BlockId::new(u32::MAX).mask(), None);
    }
}
