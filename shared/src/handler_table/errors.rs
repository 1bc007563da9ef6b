//! Why a table refuses, and what a caller on the C side is told.

use crate::status::NtStatus;

/// Why a block was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterError {
    /// The block is registered already, or its last handler is still draining.
    Taken,
    /// All places are in use.
    Full,
    /// The block store has no slot left for the content of the block.
    StoreFull,
    /// There is no handler at that place.
    NoSuchHandler,
    /// The schema asks a handler, and there is none.
    NeedsHandler,
}

/// Why a block is not unregistered, or its handler not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnregisterError {
    /// The block is not registered.
    NotRegistered,
    /// The caller is inside a callback of this very handler, and would wait for itself.
    InsideCallback,
    /// A call was still inside the handler when the time ran out: its memory must stay. Ask again later.
    StillInUse,
    /// There is no handler at that place.
    NoSuchHandler,
}

impl RegisterError {
    /// Gives the status for a caller on the C side.
    pub const fn status(self) -> NtStatus {
        match self {
            Self::Taken => NtStatus::SHARING_VIOLATION,
            Self::Full | Self::StoreFull => NtStatus::INSUFFICIENT_RESOURCES,
            Self::NoSuchHandler | Self::NeedsHandler => NtStatus::INVALID_PARAMETER,
        }
    }
}

impl UnregisterError {
    /// Gives the status for a caller on the C side.
    pub const fn status(self) -> NtStatus {
        match self {
            Self::NotRegistered | Self::NoSuchHandler => NtStatus::INVALID_PARAMETER,
            Self::InsideCallback => NtStatus::INVALID_DEVICE_STATE,
            Self::StillInUse => NtStatus::IO_TIMEOUT,
        }
    }
}
