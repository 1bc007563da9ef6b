//! What the PF side does to VFs at any time: publish content, invalidate, look.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::block::{BlockId, BlockMask};
use crate::block_store::Writer;
use crate::gate::Gated;
use crate::invalidation::InvalidationTarget;
use crate::schema::Owner;
use crate::services::{PublishError, Services};
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

    /// Tells VFs to read blocks again.
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
    }

    /// Takes the blocks that a VF has still to be told of; the caller answers for their delivery.
    #[must_use = "blocks that are dropped here are never announced"]
    pub fn take_invalidation(&self, vf: VfIndex) -> BlockMask {
        self.vf(vf).map_or(BlockMask::NONE, |vf| vf.pending.take())
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

    fn state(&self, vf: VfIndex) -> VfState {
        self.vf_state(vf)
    }
}
