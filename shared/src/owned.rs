//! What the gate of a VF guards.

use core::fmt;

use crate::block::BLOCK_SIZE;
use crate::dispatch_view::DispatchView;
use crate::transfer::Staging;

/// The state of one VF that only the caller inside its gate touches. All-zero is the state of a VF never called.
#[repr(C, align(8))]
pub struct Owned<const BLOCKS: usize> {
    /// Where a write is copied to, once, and a read is composed.
    pub(crate) staging: Staging,
    /// The registration whose handler was called last.
    pub(crate) called: u32,
    /// The generation up to which resets have been carried out.
    pub(crate) settled: u32,
    pub(crate) view: DispatchView<BLOCKS>,
}

impl<const BLOCKS: usize> Owned<BLOCKS> {
    /// Makes the state of a VF never called; equal to zeroed memory.
    ///
    /// It is several hundred bytes long: for constants and heaps, not for a kernel stack.
    #[must_use]
    pub const fn new() -> Self {
        Self { staging: [0; BLOCK_SIZE], called: 0, settled: 0, view: DispatchView::new() }
    }
}

impl<const BLOCKS: usize> Default for Owned<BLOCKS> {
    fn default() -> Self {
        Self::new()
    }
}

/// A guest's bytes are not printed.
impl<const BLOCKS: usize> fmt::Debug for Owned<BLOCKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned").field("settled", &self.settled).finish_non_exhaustive()
    }
}
