//! What the PF side does to VFs at any time: publish content, invalidate, look.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::block::{BlockId, BlockMask};
use crate::block_store::Writer;
use crate::gate::Gated;
use crate::invalidation::{Invalidation, InvalidationStatistics, InvalidationTarget};
use crate::schema::Owner;
use crate::services::{PublishError, Services};
use crate::sync::Ordering;
use crate::vf::{Generation, Vf, VfIndex, VfState};
use crate::virtual_function::VirtualFunction;

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS> {
    /// Makes `content` what a VF reads from a block, whether the VF is served at the moment or not.
    ///
    /// A reader sees the old content or the new, never a mixture. Called at or below `DISPATCH_LEVEL` if the host's
    /// leaf lock allows it.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub fn publish(
        &self,
        vf: VfIndex,
        block: BlockId,
        content: &[u8],
        time: u64,
    ) -> Result<(), PublishError> {
        self.publish_checked(vf, None, block, content, time)
    }

    /// Makes `content` what a VF reads from a block, unless the VF has begun another life since.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub fn publish_in_life(
        &self,
        vf: VfIndex,
        life: u32,
        block: BlockId,
        content: &[u8],
        time: u64,
    ) -> Result<(), PublishError> {
        self.publish_checked(vf, Some(Generation::new(life)), block, content, time)
    }

    /// Makes `content` what every VF reads from a block.
    ///
    /// # Errors
    ///
    /// See [`PublishError`]; what is wrong for one VF is wrong for all.
    pub fn publish_to_all(&self, block: BlockId, content: &[u8], time: u64) -> Result<(), PublishError> {
        (0..u16::MAX)
            .map_while(|vf| self.index(vf))
            .try_for_each(|vf| self.publish_checked(vf, None, block, content, time))
    }

    /// Makes `content` what a VF reads from a block that the operator owns.
    ///
    /// # Errors
    ///
    /// See [`PublishError`]; a block of another owner is not to be published by the operator.
    pub fn publish_as_operator(
        &self,
        vf: VfIndex,
        block: BlockId,
        content: &[u8],
        time: u64,
    ) -> Result<(), PublishError> {
        let found = self.handlers.published(block).ok_or(PublishError::UnknownBlock)?;
        if found.schema.owner != Owner::Operator {
            return Err(PublishError::NotPublished);
        }
        self.publish_checked(vf, None, block, content, time)
    }

    /// Lets VFs be told to read blocks again; afterwards a host looks whether a request is parked that can tell it.
    pub fn invalidate(&self, target: InvalidationTarget, blocks: BlockMask) {
        match target {
            InvalidationTarget::Vf(vf) => {
                if let Some(vf) = self.vf(vf) {
                    vf.pending.post(blocks);
                }
            }
            InvalidationTarget::AllVfs => {
                for (_, vf) in self.every_vf() {
                    vf.pending.post(blocks);
                }
            }
        }
        self.posted.store(1, Ordering::Release);
    }

    /// Says whether something may be waiting to be told: one load, for a host to look at after each call.
    #[must_use]
    pub fn has_invalidations(&self) -> bool {
        self.posted.load(Ordering::Acquire) != 0
    }

    /// Takes what is to be told next, VF after VF; `only` restricts it to one VF.
    ///
    /// ```no_run
    /// # use backchannel::{Gated, PhysicalFunction};
    /// # fn example<G: Gated<64>, R: lock_api::RawMutex>(pf: &PhysicalFunction<'_, G, R, 64>, park: impl Fn() -> bool) {
    /// while let Some(invalidation) = pf.take_invalidation(None) {
    ///     let request_was_cancelled = park();
    ///     if request_was_cancelled { pf.put_back(invalidation) } else { pf.told(invalidation) }
    /// }
    /// # }
    /// ```
    pub fn take_invalidation(&self, only: Option<VfIndex>) -> Option<Invalidation> {
        if let Some(index) = only {
            return self.take_invalidation_of(index);
        }
        let count = u32::try_from(self.vfs.len()).unwrap_or(0);
        let first = self.turn.load(Ordering::Relaxed).checked_rem(count)?;
        // INVARIANT: cleared before the search, so that what is posted during it is looked for again. A read-modify-write:
        // if it overwrites a poster's mark, it has read it, and the search sees the poster's bits.
        let _mark = self.posted.swap(0, Ordering::AcqRel);
        for place in (first..count).chain(0..first) {
            let found = u16::try_from(place).ok().and_then(|place| self.index(place));
            if let Some(invalidation) = found.and_then(|index| self.take_invalidation_of(index)) {
                self.turn.store(place.wrapping_add(1), Ordering::Relaxed);
                self.posted.store(1, Ordering::Release);
                return Some(invalidation);
            }
        }
        None
    }

    /// Counts an invalidation whose request was completed.
    pub fn told(&self, invalidation: Invalidation) {
        if let Some(vf) = self.vf(invalidation.vf.index) {
            vf.pending.told();
        }
    }

    /// Puts back an invalidation whose request was cancelled before it was told; dropped if the VF was reset since.
    pub fn put_back(&self, invalidation: Invalidation) {
        let Some(vf) = self.vf(invalidation.vf.index) else { return };
        if vf.generation() == invalidation.vf.generation {
            vf.pending.put_back(invalidation.blocks);
            self.posted.store(1, Ordering::Release);
        }
    }

    /// Drops all that is waiting to be told: the VSP has detached.
    pub fn drop_invalidations(&self) {
        for (_, vf) in self.every_vf() {
            let _dropped = vf.pending.take();
        }
    }

    /// Reads a VF's counters of invalidations.
    #[must_use]
    pub fn invalidation_statistics(&self, vf: VfIndex) -> InvalidationStatistics {
        self.vf(vf).map_or_else(InvalidationStatistics::default, |vf| vf.pending.read())
    }

    fn take_invalidation_of(&self, index: VfIndex) -> Option<Invalidation> {
        let vf = self.vf(index)?;
        let generation = vf.generation();
        let blocks = vf.pending.take();
        (!blocks.is_empty()).then_some(Invalidation { vf: Vf { index, generation }, blocks })
    }

    fn publish_checked(
        &self,
        index: VfIndex,
        life: Option<Generation>,
        block: BlockId,
        content: &[u8],
        time: u64,
    ) -> Result<(), PublishError> {
        let vf = self.vf(index).ok_or(PublishError::NoSuchVf)?;
        while !self.try_publish(vf, life, block, content, time)? {}
        Ok(())
    }

    /// `false` if the table changed between its lock and the VF's: look again.
    fn try_publish(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        life: Option<Generation>,
        block: BlockId,
        content: &[u8],
        time: u64,
    ) -> Result<bool, PublishError> {
        let found = self.handlers.published(block).ok_or(PublishError::UnknownBlock)?;
        let slot = found.slot.ok_or(PublishError::NotPublished)?;
        let length = u8::try_from(content.len()).map_err(|_| PublishError::Length)?;
        if !found.schema.allows(length) {
            return Err(PublishError::Length);
        }
        let writer = if found.schema.owner == Owner::Operator { Writer::Operator } else { Writer::Pf };
        let _leaf = vf.leaf.lock();
        // INVARIANT: an unregistration moves the epoch before it takes this lock to wipe the slot. If the epoch is still
        // the same here, the slot is still this block's, and a wipe is yet to come.
        if self.handlers.epoch() != found.epoch {
            return Ok(false);
        }
        let generation = vf.generation();
        if life.is_some_and(|life| life != generation) {
            return Err(PublishError::Stale);
        }
        vf.store.set(slot, content, writer, generation, time);
        Ok(true)
    }
}

impl<G, R, const BLOCKS: usize> Services for PhysicalFunction<'_, G, R, BLOCKS>
where
    G: Gated<BLOCKS>,
    R: RawMutex,
    Self: Sync,
{
    fn publish(&self, vf: VfIndex, block: BlockId, content: &[u8], time: u64) -> Result<(), PublishError> {
        self.publish_checked(vf, None, block, content, time)
    }

    fn publish_in_life(&self, vf: Vf, block: BlockId, content: &[u8], time: u64) -> Result<(), PublishError> {
        self.publish_checked(vf.index, Some(vf.generation), block, content, time)
    }

    fn invalidate(&self, target: InvalidationTarget, blocks: BlockMask) {
        Self::invalidate(self, target, blocks);
    }

    fn update_mitigated_ranges(&self, vf: VfIndex) {
        Self::update_mitigated_ranges(self, vf);
    }

    fn state(&self, vf: VfIndex) -> VfState {
        self.vf_state(vf)
    }

    fn published(&self, vf: VfIndex, block: BlockId, out: &mut [u8]) -> u8 {
        let (Some(vf), Some(found)) = (self.vf(vf), self.handlers.published(block)) else { return 0 };
        let Some(slot) = found.slot else { return 0 };
        // Nobody publishes under the lock, so one attempt is enough.
        let _leaf = vf.leaf.lock();
        if self.handlers.epoch() != found.epoch {
            return 0;
        }
        vf.store.copy(slot, out).map_or(0, |stamp| stamp.length)
    }

    fn lend_memory(&self, vf: VfIndex, handler: u8, act: &mut dyn FnMut(&mut [u8])) {
        let Some(memory) = self.memory.get(usize::from(vf.value())) else { return };
        let part = self.handlers.memory_of(handler);
        memory.lend(|bytes| {
            if let Some(bytes) = bytes.get_mut(part) {
                act(bytes);
            }
        });
    }
}
