//! What an IHV writes: a handler for blocks.
//!
//! The rules for implementers, and what the engine promises in return:
//!
//! 1. **One VF, one call at a time.** Calls for one VF never overlap and come in the order in which the VF made them.
//!    Calls for different VFs run in parallel, hence `Sync`.
//! 2. **Each call is at `PASSIVE_LEVEL`, inside a critical region, with no lock held.** A handler may wait, for at most
//!    its time budget; while it waits its VF waits with it.
//! 3. **`Ok` completes the write.** The bytes become the current value of the block before the guest hears of it. Any
//!    `Err` leaves the previous value. An `Err` that is no error code is answered with `STATUS_INTERNAL_ERROR`, and the
//!    handler is blamed.
//! 4. **Bytes are hostile.** Only their number was checked, against the schema. A VF index inside them is foreign data:
//!    the one true identity is [`Call::vf`].
//! 5. **Calling back is safe.** The services of a [`Call`] never wait for a VF, so they cannot deadlock.
//! 6. **A reset means another tenant.** On [`VfEvent::Reset`] forget everything that the VF sent. What is kept in the memory
//!    that a call lends ([`Call::with_memory`]) is forgotten by itself.
//! 7. **No panic.** It stops the host.

use core::fmt;

use crate::block::{BlockId, BlockMask};
use crate::invalidation::InvalidationTarget;
use crate::services::{PublishError, Services};
use crate::status::NtStatus;
use crate::tickets::Ticket;
use crate::vf::{Vf, VfEvent, VfIndex, VfState};

/// Serves the blocks that it is registered for.
///
/// ```
/// use backchannel::{BlockHandler, Call, NtStatus};
///
/// /// Remembers nothing, accepts even bytes only.
/// struct EvenBytes;
///
/// impl BlockHandler for EvenBytes {
///     fn write(&self, _call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
///         if block.iter().all(|byte| byte % 2 == 0) { Ok(()) } else { Err(NtStatus::INVALID_PARAMETER) }
///     }
/// }
/// ```
pub trait BlockHandler: Sync {
    /// Takes a block that the VF wrote.
    ///
    /// # Errors
    ///
    /// The error code that the guest is told.
    fn write(&self, _call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
        Err(NtStatus::NOT_SUPPORTED)
    }

    /// Answers a read of a block whose schema says that the handler does.
    ///
    /// # Errors
    ///
    /// The error code that the guest is told.
    fn read(&self, _call: &Call<'_>, _out: &mut Output<'_>) -> Result<(), NtStatus> {
        Err(NtStatus::NOT_SUPPORTED)
    }

    /// States how many bytes it keeps about each VF; always the same number.
    ///
    /// The host brings them, all zero. They are lent by [`Call::with_memory`], and zero again in each life of the VF.
    fn memory(&self) -> usize {
        0
    }

    /// Hears what happened to a VF, before any later call for it.
    fn vf_event(&self, _vf: Vf, _event: VfEvent) {}
}

/// One call: who makes it, and what the handler may ask for meanwhile.
pub struct Call<'a> {
    pub(crate) vf: Vf,
    pub(crate) block: BlockId,
    pub(crate) time: u64,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) handler: u8,
    pub(crate) services: &'a dyn Services,
}

/// Where a read is answered: as many bytes as the VF asked for, all zero to begin with.
pub struct Output<'a> {
    bytes: &'a mut [u8],
    overflow: bool,
    truncatable: bool,
}

impl Call<'_> {
    /// Gives the VF that makes the call.
    #[must_use]
    pub const fn vf(&self) -> Vf {
        self.vf
    }

    /// Gives the block.
    #[must_use]
    pub const fn block(&self) -> BlockId {
        self.block
    }

    /// Gives the time of the call, in units of the host's clock (100 ns).
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// Gives the ticket with which a deferred block's write is completed later, if the schema says that it is deferred.
    ///
    /// Return `Err(NtStatus::PENDING)` then. The bytes are the handler's to copy: they are gone when it has returned.
    #[must_use]
    pub const fn ticket(&self) -> Option<Ticket> {
        self.ticket
    }

    /// Publishes the content of a block for the VF of this call.
    ///
    /// # Errors
    ///
    /// See [`PublishError`]; `Stale` when the VF was reset meanwhile.
    pub fn publish(&self, block: BlockId, content: &[u8]) -> Result<(), PublishError> {
        self.services.publish_in_life(self.vf, block, content, self.time)
    }

    /// Publishes the content of a block for any VF.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub fn publish_to(&self, vf: VfIndex, block: BlockId, content: &[u8]) -> Result<(), PublishError> {
        self.services.publish(vf, block, content, self.time)
    }

    /// Reads what is published of a block for the VF of this call; gives its length, 0 if nothing is.
    ///
    /// A handler reads here what the operator set. Content longer than `out` is cut short, the rest of `out` is zeros.
    #[must_use]
    pub fn published(&self, block: BlockId, out: &mut [u8]) -> u8 {
        self.services.published(self.vf.index, block, out)
    }

    /// Lends the handler's memory for the VF of this call, as many bytes as [`BlockHandler::memory`] states.
    ///
    /// `None` if the host brought less, and while it is lent already.
    ///
    /// ```
    /// use backchannel::{BlockHandler, Call, NtStatus};
    ///
    /// /// Takes every second block of a VF.
    /// struct EverySecond;
    ///
    /// impl BlockHandler for EverySecond {
    ///     fn memory(&self) -> usize {
    ///         1
    ///     }
    ///
    ///     fn write(&self, call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
    ///         let odd = call.with_memory(|memory| {
    ///             memory.iter_mut().for_each(|byte| *byte ^= 1);
    ///             memory == [1]
    ///         });
    ///         if odd == Some(true) { Err(NtStatus::DEVICE_NOT_READY) } else { Ok(()) }
    ///     }
    /// }
    /// ```
    pub fn with_memory<T>(&self, act: impl FnOnce(&mut [u8]) -> T) -> Option<T> {
        let (mut act, mut value) = (Some(act), None);
        self.services.lend_memory(self.vf.index, self.handler, &mut |memory| {
            value = act.take().map(|act| act(memory));
        });
        value
    }

    /// Tells VFs to read blocks again.
    pub fn invalidate(&self, target: InvalidationTarget, blocks: BlockMask) {
        self.services.invalidate(target, blocks);
    }

    /// Has the virtualization stack ask for the mitigated ranges of a VF again: they have changed.
    ///
    /// For drivers that supply some; see [`Mitigation`](crate::Mitigation).
    pub fn update_mitigated_ranges(&self, vf: VfIndex) {
        self.services.update_mitigated_ranges(vf);
    }

    /// Gives the state of any VF.
    #[must_use]
    pub fn state(&self, vf: VfIndex) -> VfState {
        self.services.state(vf)
    }
}

impl<'a> Output<'a> {
    /// Takes memory that is all zero.
    pub(crate) fn new(zeroed: &'a mut [u8], truncatable: bool) -> Self {
        Self { bytes: zeroed, overflow: false, truncatable }
    }

    /// Gives the number of bytes that the VF asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Says whether the VF asked for nothing, which it cannot.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Answers with `content`, followed by zeros.
    ///
    /// # Errors
    ///
    /// `STATUS_BUFFER_TOO_SMALL` if the VF asked for less and the block is not truncatable; return it.
    pub fn fill(&mut self, content: &[u8]) -> Result<(), NtStatus> {
        if content.len() > self.bytes.len() && !self.truncatable {
            self.overflow = true;
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        self.bytes.fill(0);
        for (to, from) in self.bytes.iter_mut().zip(content) {
            *to = *from;
        }
        Ok(())
    }

    /// Lends the bytes of the answer, for a handler that writes them in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// Says whether an answer did not fit.
    pub(crate) const fn has_overflowed(&self) -> bool {
        self.overflow
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("vf", &self.vf).field("block", &self.block).finish_non_exhaustive()
    }
}

/// Guest-bound bytes are not printed.
impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Output;

    #[test]
    fn answer_of_no_bytes_is_empty_and_of_one_is_not() {
        assert!(Output::new(&mut [], false).is_empty());
        assert!(!Output::new(&mut [0], false).is_empty());
    }
}
