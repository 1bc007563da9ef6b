//! The way to the PF as a VF driver sees it.

use std::fmt;

use crate::nt::status::Status;

/// Reads and writes blocks of the PF; each call returns when the PF has answered.
pub trait Backchannel {
    /// Hands `data` to the PF.
    ///
    /// # Errors
    ///
    /// [`Refused`] with any status but STATUS_SUCCESS.
    fn write(&self, block: u32, data: &[u8]) -> Result<(), Refused>;

    /// Fills `out` from the PF.
    ///
    /// # Errors
    ///
    /// [`Refused`] with any status but STATUS_SUCCESS.
    fn read(&self, block: u32, out: &mut [u8]) -> Result<(), Refused>;
}

/// A block that was not read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What was tried.
    pub direction: Direction,
    /// The block it was tried on.
    pub block: u32,
    /// The answer.
    pub status: Status,
}

/// Which way the bytes would have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the PF to the VF.
    Read,
    /// From the VF to the PF.
    Write,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.direction {
            Direction::Read => "read",
            Direction::Write => "write",
        };
        write!(f, "{verb} of block {:#x} answered {:#010x}", self.block, self.status)
    }
}

impl std::error::Error for Refused {}
