//! Invalidations: which blocks a VF has to read again.
//!
//! An invalidation is state, not a message: a bit set for each block, merged by OR, lost by nothing but a reset of the
//! VF. How often a block changed cannot be told from it.

use crate::block::BlockMask;
use crate::sync::{AtomicU64, Ordering, const_new};
use crate::vf::VfIndex;

/// Whom an invalidation is for.
///
/// SPEC: `SRIOV_INVALIDATE_BLOCK` writes 0xFFFF for all VFs; that number exists at the C boundary only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidationTarget {
    /// One VF.
    Vf(VfIndex),
    /// Every VF.
    AllVfs,
}

/// The blocks that one VF has still to be told of. All-zero is none.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Pending {
    bits: AtomicU64,
}

impl Pending {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { bits: AtomicU64::new(0) }
        }
    }

    pub(crate) fn post(&self, blocks: BlockMask) {
        let _before = self.bits.fetch_or(blocks.bits(), Ordering::AcqRel);
    }

    /// Takes all bits: the caller answers for their delivery.
    pub(crate) fn take(&self) -> BlockMask {
        BlockMask::new(self.bits.swap(0, Ordering::AcqRel))
    }
}
