//! What the PF side may do to VFs at any time, from inside a handler call or from outside.
//!
//! LOCK: no service takes a gate. Each touches leaf state only, under at most one leaf lock at a time, so a handler may
//! call any of them for any VF.

use crate::block::{BlockId, BlockMask};
use crate::invalidation::InvalidationTarget;
use crate::status::NtStatus;
use crate::vf::{Vf, VfIndex, VfState};

/// The services, as a handler call carries them.
pub(crate) trait Services: Sync {
    fn publish(&self, vf: VfIndex, block: BlockId, content: &[u8], time: u64) -> Result<(), PublishError>;
    fn publish_in_life(&self, vf: Vf, block: BlockId, content: &[u8], time: u64) -> Result<(), PublishError>;
    fn invalidate(&self, target: InvalidationTarget, blocks: BlockMask);
    fn update_mitigated_ranges(&self, vf: VfIndex);
    fn state(&self, vf: VfIndex) -> VfState;
    fn published(&self, vf: VfIndex, block: BlockId, out: &mut [u8]) -> u8;
    /// Called inside the VF's gate only. Does not call `act` if there are fewer bytes than the handler states.
    fn lend_memory(&self, vf: VfIndex, handler: u8, act: &mut dyn FnMut(&mut [u8]));
}

/// Why content was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// There is no such VF.
    NoSuchVf,
    /// The VF was reset since.
    Stale,
    /// No such block is registered.
    UnknownBlock,
    /// The block's schema does not serve published content.
    NotPublished,
    /// The length is not one that the schema allows.
    Length,
}

impl PublishError {
    /// Gives the status for a caller on the C side.
    pub const fn status(self) -> NtStatus {
        match self {
            Self::NoSuchVf | Self::UnknownBlock => NtStatus::INVALID_PARAMETER,
            Self::Stale => NtStatus::DEVICE_NOT_READY,
            Self::NotPublished => NtStatus::NOT_SUPPORTED,
            Self::Length => NtStatus::INVALID_BUFFER_SIZE,
        }
    }
}
