//! What a plug-in may ask of the PF.

use backchannel::NtStatus;

use crate::{block::Service, connection};

/// The PF, as the plug-in's handlers and its operator see it.
#[derive(Clone, Copy, Debug)]
pub struct Pf {
    /// Whether a callback of the plug-in runs: the connection cannot go while it does.
    inside_a_call: bool,
}

impl Pf {
    pub(crate) const fn of_a_call() -> Self {
        Self { inside_a_call: true }
    }

    pub(crate) const fn of_the_operator() -> Self {
        Self { inside_a_call: false }
    }

    /// Makes content what a VF reads from a block of this plug-in; VF 0xFFFF is every VF. Tells nobody.
    ///
    /// # Errors
    /// `STATUS_DEVICE_NOT_READY` when no PF is there; `STATUS_INVALID_PARAMETER` for a block that is not this plug-in's;
    /// what the interface's `Publish` says.
    pub fn publish(&self, vf: u16, block: u32, content: &[u8]) -> Result<(), NtStatus> {
        self.held(|| connection::publish(vf, None, block, content))
    }

    /// As [`Pf::publish`], for one life of a VF.
    ///
    /// # Errors
    /// As [`Pf::publish`], and when the VF was reset since.
    pub fn publish_in_life(
        &self,
        vf: u16,
        generation: u32,
        block: u32,
        content: &[u8],
    ) -> Result<(), NtStatus> {
        self.held(|| connection::publish(vf, Some(generation), block, content))
    }

    /// Tells a VF, or every VF (0xFFFF), to read blocks again; bit n is block n.
    ///
    /// # Errors
    /// `STATUS_DEVICE_NOT_READY` when no PF is there; what the interface's `Invalidate` says.
    pub fn invalidate(&self, vf: u16, blocks: u64) -> Result<(), NtStatus> {
        self.held(|| connection::invalidate(vf, blocks))
    }

    /// Completes a write that a handler answered with `NtStatus::PENDING`.
    ///
    /// # Errors
    /// `STATUS_DEVICE_NOT_READY` when no PF is there; the interface's `TOO_LATE` when the VF was answered already.
    pub fn complete(&self, ticket: u64, answer: Result<(), NtStatus>) -> Result<(), NtStatus> {
        self.held(|| connection::complete(ticket, answer))
    }

    /// Gives the number of VFs that are served.
    ///
    /// # Errors
    /// `STATUS_DEVICE_NOT_READY` when no PF is there.
    pub fn vf_count(&self) -> Result<u16, NtStatus> {
        self.held(connection::vf_count)
    }

    /// Puts another handler into the place of the one that serves the same block, while VFs use it: no call is refused or
    /// lost. The old one is not called any more when it returns.
    ///
    /// # Errors
    /// `STATUS_DEVICE_NOT_READY` when no PF is there; `STATUS_INVALID_PARAMETER` for a block that is not this plug-in's, or
    /// inside a callback; what the interface's `Replace` says.
    pub fn replace(&self, service: &'static Service) -> Result<(), NtStatus> {
        if self.inside_a_call {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        self.held(|| connection::replace(service))
    }

    /// Serves no more; when it returns, no handler of the plug-in runs or will run. Nothing inside a callback.
    pub fn stop(&self) {
        if !self.inside_a_call {
            connection::disconnect();
        }
    }

    /// Serves again, as the plug-in does when it is loaded.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` inside a callback; what registering for the PF's coming fails with.
    pub fn start(&self) -> Result<(), NtStatus> {
        if self.inside_a_call { Err(NtStatus::INVALID_PARAMETER) } else { connection::connect() }
    }

    fn held<T>(self, ask: impl FnOnce() -> Result<T, NtStatus>) -> Result<T, NtStatus> {
        if self.inside_a_call { ask() } else { connection::while_held(ask) }
    }
}
