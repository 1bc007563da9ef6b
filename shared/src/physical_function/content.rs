//! What lies in a VF's store, for the PF side to read at any time without stopping traffic.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::block::BlockId;
use crate::block_store::{Stamp, Writer};
use crate::dispatch_view::{Route, rule};
use crate::gate::Gated;
use crate::sync::{Ordering, fence};
use crate::vf::{Generation, VfIndex};
use crate::virtual_function::VirtualFunction;

/// Describes the present value of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// How many bytes it has.
    pub length: u8,
    /// Whether the operator published it, and not the PF driver.
    pub by_operator: bool,
    /// In which life of the VF it was made.
    pub generation: Generation,
    /// When, in units of the host's clock (100 ns).
    pub time: u64,
    /// How often the value changed, wipes included; wraps.
    pub version: u32,
}

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS> {
    /// Copies what a VF wrote last into a block to the beginning of `bytes`, whole; a value longer than `bytes` is cut
    /// short.
    ///
    /// `None` if the VF wrote nothing that was accepted in its present life, or overwrites it all the time. Called at or
    /// below `DISPATCH_LEVEL` if the host's locks allow it.
    ///
    /// ```no_run
    /// # use backchannel::{BlockId, Gated, PhysicalFunction};
    /// # fn example<G: Gated<64>, R: lock_api::RawMutex>(pf: &PhysicalFunction<'_, G, R, 64>) -> Option<()> {
    /// let mut bytes = [0; 128];
    /// let content = pf.written_content(pf.index(2)?, BlockId::new(7), &mut bytes)?;
    /// let value = &bytes[..usize::from(content.length)];
    /// # Some(())
    /// # }
    /// ```
    #[must_use]
    pub fn written_content(&self, vf: VfIndex, block: BlockId, bytes: &mut [u8]) -> Option<Content> {
        let vf = self.vf(vf)?;
        let stamp = match self.registered_content(vf, block, Route::written_slot, bytes) {
            Some((stamp, _)) => stamp?,
            None => self.unclaimed_content(vf, block, bytes)?,
        };
        (stamp.generation == vf.generation()).then(|| described(stamp)).flatten()
    }

    /// Copies what was published last for a VF; otherwise as [`written_content`](Self::written_content).
    #[must_use]
    pub fn published_content(&self, vf: VfIndex, block: BlockId, bytes: &mut [u8]) -> Option<Content> {
        let vf = self.vf(vf)?;
        let (stamp, route) = self.registered_content(vf, block, Route::published_slot, bytes)?;
        let stamp = stamp?;
        let lives = stamp.generation == vf.generation() || route.has(rule::KEEP);
        lives.then(|| described(stamp)).flatten()
    }

    /// Copies a slot of a registered block; `None` if the block is not registered.
    fn registered_content(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        block: BlockId,
        slot: impl Fn(&Route) -> Option<u8>,
        bytes: &mut [u8],
    ) -> Option<(Option<Stamp>, Route)> {
        loop {
            let (route, epoch) = self.handlers.content(block)?;
            let stamp = slot(&route).and_then(|slot| vf.store.copy(slot, bytes));
            // INVARIANT: a slot changes hands only after the epoch has moved on. If it has not, these bytes are this block's.
            fence(Ordering::Acquire);
            if self.handlers.epoch() == epoch {
                return Some((stamp, route));
            }
        }
    }

    fn unclaimed_content(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        block: BlockId,
        bytes: &mut [u8],
    ) -> Option<Stamp> {
        let unclaimed = self.handlers.unclaimed();
        let slot = unclaimed.find(&vf.store, block)?;
        let stamp = vf.store.copy(slot, bytes);
        // INVARIANT: a slot that changes hands is named before it is filled. If it still has its name, these bytes are this
        // block's, or there are none.
        fence(Ordering::Acquire);
        if unclaimed.find(&vf.store, block) == Some(slot) { stamp } else { None }
    }
}

fn described(stamp: Stamp) -> Option<Content> {
    let Stamp { length, writer, generation, time, version } = stamp;
    let by_operator = match writer {
        Writer::Nobody => return None,
        Writer::Vf | Writer::Pf => false,
        Writer::Operator => true,
    };
    Some(Content { length, by_operator, generation, time, version })
}
