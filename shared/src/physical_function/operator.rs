//! What the operator sees and decides. Nothing here stops traffic.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::block::BlockId;
use crate::evidence::Evidence;
use crate::gate::Gated;
use crate::policy::{Override, Standing};
use crate::recorder::Event;
use crate::refusal::Refusal;
use crate::statistics::BlockStatistics;
use crate::vf::{VfEvent, VfIndex};

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS> {
    /// Says how often a VF's calls were refused for this cause.
    #[must_use]
    pub fn vf_refusals(&self, vf: VfIndex, cause: Refusal) -> u64 {
        self.vf(vf).map_or(0, |vf| vf.refused.read(cause))
    }

    /// Says how often calls were refused for this cause that belong to no VF.
    #[must_use]
    pub fn refusals(&self, cause: Refusal) -> u64 {
        self.refused.read(cause)
    }

    /// Reads how often calls were refused, by [`Refusal::index`]: those of a VF, or those that belong to none.
    pub fn read_refusals(&self, vf: Option<VfIndex>, counts: &mut [u64; Refusal::COUNT]) {
        match vf {
            None => self.refused.read_all(counts),
            Some(vf) => {
                if let Some(vf) = self.vf(vf) {
                    vf.refused.read_all(counts);
                }
            }
        }
    }

    /// Reads the counters of one block of a VF; `None` if there is no such block.
    #[must_use]
    pub fn block_statistics(&self, vf: VfIndex, block: BlockId) -> Option<BlockStatistics> {
        let vf = self.vf(vf)?;
        if let Some(place) = self.handlers.place(block) {
            return Some(vf.store.counters(place)?.read());
        }
        let place = self.handlers.unclaimed().find(&vf.store, block)?;
        // The counters of handler calls mean something else there.
        Some(BlockStatistics {
            handler_calls: 0,
            handler_total: 0,
            handler_longest: 0,
            ..vf.store.counters(place)?.read()
        })
    }

    /// Says how often the handler of a block was blamed, and what for, as a mask of [`Blame::bit`](crate::Blame::bit);
    /// `None` if there is no such block.
    #[must_use]
    pub fn blames(&self, block: BlockId) -> Option<(u32, u32)> {
        self.handlers.blames(block)
    }

    /// Says how many handler calls of a VF took about how long; see [`HISTOGRAM_PLACES`](crate::HISTOGRAM_PLACES).
    #[must_use]
    pub fn handler_times(&self, vf: VfIndex, place: usize) -> u32 {
        self.vf(vf).map_or(0, |vf| vf.handler_time.read(place))
    }

    /// Reads a VF's flight recorder: the event that happened `back` events ago, 0 for the last.
    ///
    /// `None` if there is no such event, or if it is being overwritten.
    #[must_use]
    pub fn event(&self, vf: VfIndex, back: usize) -> Option<Event> {
        self.vf(vf)?.recorder.read(back)
    }

    /// Says how a VF stands.
    #[must_use]
    pub fn standing(&self, vf: VfIndex) -> Standing {
        self.vf(vf).map_or(Standing::Good, |vf| vf.policy.standing())
    }

    /// Says how many faults a VF has committed in its present life.
    #[must_use]
    pub fn faults(&self, vf: VfIndex) -> u32 {
        self.vf(vf).map_or(0, |vf| vf.policy.faults())
    }

    /// Reads the call that cost a VF its standing; its bytes go to the beginning of `bytes`.
    #[must_use]
    pub fn evidence(&self, vf: VfIndex, bytes: &mut [u8]) -> Option<Evidence> {
        self.vf(vf)?.evidence.read(bytes)
    }

    /// Decides over the policy; [`Override::None`] gives the decision back to it.
    pub fn decide(&self, vf: VfIndex, decision: Override) {
        if let Some(vf) = self.vf(vf) {
            vf.policy.decide(decision);
            if decision == Override::Isolated {
                vf.post(VfEvent::Quarantined);
            }
        }
    }

    /// Gives the operator's decision about a VF.
    #[must_use]
    pub fn decision(&self, vf: VfIndex) -> Override {
        self.vf(vf).map_or(Override::None, |vf| vf.policy.decision())
    }

    /// Lets an isolated VF go.
    pub fn release(&self, vf: VfIndex) {
        if let Some(vf) = self.vf(vf) {
            vf.policy.release();
        }
    }
}
