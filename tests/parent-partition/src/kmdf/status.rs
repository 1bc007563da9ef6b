//! The NTSTATUS values that the framework answers with, beside those of the kernel.

pub(super) use crate::nt::status::*;

macro_rules! statuses {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        $(#[doc = $text] pub(super) const $name: Status = ($value as u32).cast_signed();)*
    };
}

statuses! {
    INFO_LENGTH_MISMATCH = 0xC000_0004, "A structure's Size is not the one of this version.";
    DEVICE_POWER_FAILURE = 0xC000_009E, "The device could not be brought to D0.";
    INVALID_PARAMETER_4 = 0xC000_00F2, "The fourth argument is not allowed here.";
    NOT_IMPLEMENTED = 0xC000_0002, "The driver supports no file of that special kind.";
    NOT_FOUND = 0xC000_0225, "No such entry.";
    DRIVER_INTERNAL_ERROR = 0xC000_0183, "The driver exists already.";
    WDF_PAUSED = 0xC020_0203, "The queue is stopped or held by power.";
    WDF_BUSY = 0xC020_0204, "The queue takes no requests, or the slot is taken.";
    WDF_NO_CALLBACK = 0xC020_020B, "A presenting queue without a handler.";
    WDF_INCOMPATIBLE_EXECUTION_LEVEL = 0xC020_020C, "The parent's execution level rules this object out.";
    WDF_PARENT_ASSIGNMENT_NOT_ALLOWED = 0xC020_020F, "The framework chooses this object's parent.";
    WDF_SYNCHRONIZATION_SCOPE_INVALID = 0xC020_0210, "No such synchronization scope, or none is allowed here.";
    WDF_EXECUTION_LEVEL_INVALID = 0xC020_0211, "No such execution level, or none is allowed here.";
    WDF_PARENT_NOT_SPECIFIED = 0xC020_0212, "The object needs a parent.";
}
