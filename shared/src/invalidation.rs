//! Invalidations: which blocks a VF has to read again.
//!
//! An invalidation is state, not a message: a bit for each block, merged by OR, lost by nothing but a reset of the VF.
//! How often a block changed cannot be told from it; a block whose reader must know carries a number of its own.
//!
//! A host parks the VSP's requests in a queue of its own. Whoever posts looks for a parked request afterwards; whoever
//! parks one looks for something posted afterwards; both take mask and request together, under the queue's lock, so no
//! invalidation waits while a request does. What was taken is answered for: told, or put back when the request turned out
//! to be cancelled, and then whoever put it back looks again.
//!
//! ```text
//!            post                  take                    told
//!   nothing ------> pending(mask) ------> in hand(mask) ----------> nothing
//!                     ^                        |
//!                     +------------------------+
//!                              put back
//! ```
//!
//! SPEC: the page of `IOCTL_SRIOV_INVALIDATE_BLOCK` calls the structure its input and speaks of a reset; it is an inverted
//! call whose output tells the VF to read again. 0xFFFF for all VFs is accepted from callers, never handed out: each VF
//! has its own mask.

use crate::block::BlockMask;
use crate::sync::{AtomicU32, AtomicU64, Ordering, const_new};
use crate::vf::{Vf, VfIndex};

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

/// What was taken to be told to a VF; whoever holds it answers for it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "blocks that are dropped here are never announced: tell them or put them back"]
pub struct Invalidation {
    pub(crate) vf: Vf,
    pub(crate) blocks: BlockMask,
}

/// A reading of a VF's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvalidationStatistics {
    /// How often something was posted; wraps.
    pub posted: u32,
    /// How many masks were told to the VF; wraps.
    pub told: u32,
    /// How many masks were put back because their request was cancelled; wraps.
    pub put_back: u32,
}

/// The blocks that one VF has still to be told of. All-zero is none.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Pending {
    bits: AtomicU64,
    posted: AtomicU32,
    told: AtomicU32,
    put_back: AtomicU32,
}

impl Invalidation {
    /// Gives the VF, in the life that the invalidation belongs to.
    #[must_use]
    pub const fn vf(&self) -> Vf {
        self.vf
    }

    /// Gives the blocks to be read again; never none.
    #[must_use]
    pub const fn blocks(&self) -> BlockMask {
        self.blocks
    }
}

impl Pending {
    const_new! {
        pub(crate) fn new() -> Self {
            Self {
                bits: AtomicU64::new(0),
                posted: AtomicU32::new(0),
                told: AtomicU32::new(0),
                put_back: AtomicU32::new(0),
            }
        }
    }

    pub(crate) fn post(&self, blocks: BlockMask) {
        let _before = self.bits.fetch_or(blocks.bits(), Ordering::AcqRel);
        let _posted = self.posted.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes all bits: the caller answers for their delivery.
    pub(crate) fn take(&self) -> BlockMask {
        if self.bits.load(Ordering::Acquire) == 0 {
            return BlockMask::NONE;
        }
        BlockMask::new(self.bits.swap(0, Ordering::AcqRel))
    }

    pub(crate) fn told(&self) {
        let _before = self.told.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn put_back(&self, blocks: BlockMask) {
        let _before = self.bits.fetch_or(blocks.bits(), Ordering::AcqRel);
        let _count = self.put_back.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> InvalidationStatistics {
        InvalidationStatistics {
            posted: self.posted.load(Ordering::Relaxed),
            told: self.told.load(Ordering::Relaxed),
            put_back: self.put_back.load(Ordering::Relaxed),
        }
    }
}
