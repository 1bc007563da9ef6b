//! What the gate of a VF guards.

use core::fmt;

use crate::block::BLOCK_SIZE;
use crate::dispatch_view::DispatchView;
use crate::transfer::Staging;

/// The state of one VF that only the caller inside its gate touches. All-zero is the state of a VF never called.
///
/// With a gate of 8 bytes before it, its parts lie on cache lines of their own: a call touches the line of the gate, the
/// staging slot, and one line each of the view's buckets and routes.
#[repr(C, align(8))]
pub struct Owned<const BLOCKS: usize> {
    /// The registration whose handler was called last.
    pub(crate) called: u32,
    /// The generation up to which resets have been carried out.
    pub(crate) settled: u32,
    /// The number of the last event that was recorded.
    pub(crate) recorded: u32,
    /// The epoch of the handler table that the view shows.
    pub(crate) epoch: u32,
    rest_of_line: [u32; 10],
    /// Where a write is copied to, once, and a read is composed.
    pub(crate) staging: Staging,
    pub(crate) view: DispatchView<BLOCKS>,
}

impl<const BLOCKS: usize> Owned<BLOCKS> {
    /// Makes the state of a VF never called; equal to zeroed memory.
    ///
    /// It is over a thousand bytes long: for constants and heaps, not for a kernel stack.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            called: 0,
            settled: 0,
            recorded: 0,
            epoch: 0,
            rest_of_line: [0; 10],
            staging: [0; BLOCK_SIZE],
            view: DispatchView::new(),
        }
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
        f.debug_struct("Owned")
            .field("settled", &self.settled)
            .field("epoch", &self.epoch)
            .field("line", &self.rest_of_line.len())
            .finish_non_exhaustive()
    }
}

const _: () =
    assert!(core::mem::offset_of!(Owned<64>, staging) == 64 - 8, "the staging slot begins a cache line");
