//! What an IHV writes: a handler for blocks, and the answers to its operator.

use backchannel::{NtStatus, VfEvent, abi::handler_interface::PF_BACKCHANNEL_CALL};

use crate::pf::Pf;

/// Serves the blocks that it is registered for; the three callbacks of the C header, in its order.
pub trait Handler: Sync {
    /// Takes a block that the VF wrote.
    ///
    /// # Errors
    /// The error code that the guest is told.
    fn write(&self, _call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
        Err(NtStatus::NOT_SUPPORTED)
    }

    /// Answers a read; `out` is as many bytes as the VF asked for, all zero.
    ///
    /// # Errors
    /// The error code that the guest is told.
    fn read(&self, _call: &Call<'_>, _out: &mut [u8]) -> Result<(), NtStatus> {
        Err(NtStatus::NOT_SUPPORTED)
    }

    /// Hears what happened to a VF, before any later call for it.
    fn vf_event(&self, _call: &Call<'_>, _event: VfEvent) {}
}

/// Answers the device control requests (`METHOD_BUFFERED`) that a program sends to the plug-in's own device.
pub trait Operator: Sync {
    /// Carries out a request of at most 256 bytes and returns how many bytes of `output` are the answer.
    ///
    /// # Errors
    /// The status that the program is told.
    fn control(&self, pf: Pf, code: u32, input: &[u8], output: &mut [u8]) -> Result<usize, NtStatus>;
}

/// One call: who makes it, and what the handler may ask for meanwhile.
#[derive(Debug)]
pub struct Call<'a> {
    pub(crate) raw: &'a PF_BACKCHANNEL_CALL,
}

impl Call<'_> {
    /// Gives the index of the VF that makes the call.
    #[must_use]
    pub const fn vf(&self) -> u16 {
        self.raw.VfIndex
    }

    /// Gives which life of the VF it is: each reset begins the next.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.raw.Generation
    }

    /// Gives the block.
    #[must_use]
    pub const fn block(&self) -> u32 {
        self.raw.BlockId
    }

    /// Gives when the call began, in units of 100 ns.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.raw.Time
    }

    /// Gives what [`Pf::complete`] takes, if the block is deferred.
    #[must_use]
    pub const fn ticket(&self) -> Option<u64> {
        match self.raw.Ticket {
            0 => None,
            ticket => Some(ticket),
        }
    }

    /// Gives the services of the PF; none of them waits for a VF.
    #[must_use]
    pub const fn pf(&self) -> Pf {
        Pf::of_a_call()
    }

    /// Publishes the content of a block of this plug-in for the VF of this call, unless it was reset meanwhile.
    ///
    /// # Errors
    /// As [`Pf::publish`].
    pub fn publish(&self, block: u32, content: &[u8]) -> Result<(), NtStatus> {
        self.pf().publish_in_life(self.vf(), self.generation(), block, content)
    }

    /// Answers a read with `content`, followed by zeros.
    ///
    /// # Errors
    /// `STATUS_BUFFER_TOO_SMALL` if the VF asked for less.
    pub fn fill(&self, out: &mut [u8], content: &[u8]) -> Result<(), NtStatus> {
        if out.len() < content.len() {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        for (to, from) in out.iter_mut().zip(content) {
            *to = *from;
        }
        Ok(())
    }
}
