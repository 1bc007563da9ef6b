//! The numbers of the handler interface: versions, members' values, statuses.

use crate::abi::NTSTATUS;

/// The `Version` of the handler interface; ask for exactly this one, and check it in the answer.
pub const PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION: u16 = 1;
/// The `Version` of a registration.
pub const PF_BACKCHANNEL_REGISTRATION_VERSION: u16 = 1;
/// The VF index that stands for all VFs in `Publish` and `Invalidate`.
pub const PF_BACKCHANNEL_ALL_VFS: u16 = 0xFFFF;
/// The largest block, in bytes.
pub const PF_BACKCHANNEL_BLOCK_SIZE: u32 = 128;

/// `Direction`: the VF writes the block.
pub const PF_BACKCHANNEL_VF_WRITES: u8 = 1;
/// `Direction`: the VF reads the block.
pub const PF_BACKCHANNEL_VF_READS: u8 = 2;
/// `Direction`: the VF writes and reads the block.
pub const PF_BACKCHANNEL_VF_WRITES_AND_READS: u8 = 3;
/// `Source`: a read is answered with what `Publish` was given last; zeros before. The only one for a block that is not read.
pub const PF_BACKCHANNEL_SOURCE_PUBLISHED: u8 = 0;
/// `Source`: a read is answered by the `Read` callback.
pub const PF_BACKCHANNEL_SOURCE_HANDLER: u8 = 1;
/// `Source`: a read is answered with what the VF itself wrote last; zeros before.
pub const PF_BACKCHANNEL_SOURCE_ECHO: u8 = 2;
/// `Owner`: the content is the VF's: a block that is only written, or echoed.
pub const PF_BACKCHANNEL_OWNER_VF: u8 = 0;
/// `Owner`: the content is the PF's.
pub const PF_BACKCHANNEL_OWNER_PF: u8 = 1;
/// `Owner`: the content is the operator's, who may set it too.
pub const PF_BACKCHANNEL_OWNER_OPERATOR: u8 = 2;
/// `Rate`: messages at a moderate rate.
pub const PF_BACKCHANNEL_RATE_STANDARD: u8 = 0;
/// `Rate`: rare requests that start work on the PF.
pub const PF_BACKCHANNEL_RATE_CONTROL: u8 = 1;
/// `Rate`: pieces of large messages.
pub const PF_BACKCHANNEL_RATE_BULK: u8 = 2;
/// `Rate`: never limited.
pub const PF_BACKCHANNEL_RATE_UNLIMITED: u8 = 3;
/// `Shed`: a call over the rate is refused.
pub const PF_BACKCHANNEL_SHED_REFUSE: u8 = 0;
/// `Shed`: a write over the rate is dropped and answered with success, because the next one replaces it.
pub const PF_BACKCHANNEL_SHED_DROP_WITH_SUCCESS: u8 = 1;
/// `Shed`: a call over the rate is delayed by at most 10 ms, and then carried out or refused.
pub const PF_BACKCHANNEL_SHED_DELAY: u8 = 2;
/// `Flags`: published content survives a reset of the VF. Not for content of the VF's.
pub const PF_BACKCHANNEL_KEEP_ON_RESET: u32 = 1;
/// `Flags`: a read that is shorter than the content gets its first bytes instead of `STATUS_BUFFER_TOO_SMALL`.
pub const PF_BACKCHANNEL_TRUNCATABLE: u32 = 2;
/// `Flags`: `Write` may return `STATUS_PENDING` and complete later by ticket.
pub const PF_BACKCHANNEL_DEFERRED: u32 = 4;
/// `Flags`: VFs can be told to read the block again; for ids below 64.
pub const PF_BACKCHANNEL_INVALIDATABLE: u32 = 8;

/// `Event`: the VF is served from now on.
pub const PF_BACKCHANNEL_VF_ENABLED: u32 = 1;
/// `Event`: the VF begins a new life, perhaps of another tenant: forget everything that it sent.
pub const PF_BACKCHANNEL_VF_RESET: u32 = 2;
/// `Event`: the VF went to sleep or woke; `QueryVf` says which.
pub const PF_BACKCHANNEL_VF_POWER_CHANGED: u32 = 3;
/// `Event`: the VF was isolated, by policy or by the operator.
pub const PF_BACKCHANNEL_VF_QUARANTINED: u32 = 4;
/// `Event`: the VF is no longer served.
pub const PF_BACKCHANNEL_VF_DISABLED: u32 = 5;

/// `State`: the PF does not offer the VF.
pub const PF_BACKCHANNEL_STATE_ABSENT: u8 = 0;
/// `State`: the VF is served (D0).
pub const PF_BACKCHANNEL_STATE_ENABLED: u8 = 1;
/// `State`: the virtualization stack turned the VF off (D3).
pub const PF_BACKCHANNEL_STATE_OFF: u8 = 2;

/// `Blames`: a callback took longer than the time budget, or did not complete a write within it.
pub const PF_BACKCHANNEL_BLAME_LATE: u32 = 1;
/// `Blames`: a callback answered with a status that is neither `STATUS_SUCCESS` nor an error, or completed a ticket and
/// answered besides.
pub const PF_BACKCHANNEL_BLAME_NO_ANSWER: u32 = 2;
/// `Blames`: a callback returned at another IRQL than `PASSIVE_LEVEL`.
pub const PF_BACKCHANNEL_BLAME_IRQL: u32 = 4;
/// `Blames`: `Read` wrote past the bytes that were asked for.
pub const PF_BACKCHANNEL_BLAME_OVERRUN: u32 = 8;

/// The structure's `Size` is not that of its version.
pub const PF_BACKCHANNEL_STATUS_WRONG_SIZE: NTSTATUS = status(0x01);
/// The `Version` is not known.
pub const PF_BACKCHANNEL_STATUS_WRONG_VERSION: NTSTATUS = status(0x02);
/// A reserved member is not zero, or a flag is set that has no meaning.
pub const PF_BACKCHANNEL_STATUS_RESERVED_NOT_ZERO: NTSTATUS = status(0x03);
/// A callback is NULL: all three have to be there.
pub const PF_BACKCHANNEL_STATUS_NULL_CALLBACK: NTSTATUS = status(0x04);
/// A callback does not lie in the image of the driver object.
pub const PF_BACKCHANNEL_STATUS_FOREIGN_CALLBACK: NTSTATUS = status(0x05);
/// The file object is not an open one of this device.
pub const PF_BACKCHANNEL_STATUS_FOREIGN_FILE: NTSTATUS = status(0x06);
/// The driver object is NULL, or is no driver object, or its driver is being unloaded.
pub const PF_BACKCHANNEL_STATUS_NO_DRIVER: NTSTATUS = status(0x07);
/// The block is registered already.
pub const PF_BACKCHANNEL_STATUS_BLOCK_TAKEN: NTSTATUS = status(0x08);
/// All 64 places for blocks, or all for run-time handlers, are in use.
pub const PF_BACKCHANNEL_STATUS_TABLE_FULL: NTSTATUS = status(0x09);
/// The block store has no slot left for the block's content.
pub const PF_BACKCHANNEL_STATUS_STORE_FULL: NTSTATUS = status(0x0A);
/// There is no such registration, or not any more.
pub const PF_BACKCHANNEL_STATUS_NOT_REGISTERED: NTSTATUS = status(0x0B);
/// The caller is inside a callback of this registration, or inside a `VfEvent`, and would wait for itself.
pub const PF_BACKCHANNEL_STATUS_OWN_CALLBACK: NTSTATUS = status(0x0C);
/// A callback was still running when the wait was over; see the routine.
pub const PF_BACKCHANNEL_STATUS_STILL_IN_USE: NTSTATUS = status(0x0D);
/// The schema is not the one that the block was registered with.
pub const PF_BACKCHANNEL_STATUS_OTHER_SCHEMA: NTSTATUS = status(0x0E);
/// The ticket was answered already, or its time was over.
pub const PF_BACKCHANNEL_STATUS_TOO_LATE: NTSTATUS = status(0x0F);
/// The VF was reset since: the life that was named is over.
pub const PF_BACKCHANNEL_STATUS_STALE: NTSTATUS = status(0x10);
/// The block is not one whose reads are answered with published content.
pub const PF_BACKCHANNEL_STATUS_NOT_PUBLISHED: NTSTATUS = status(0x11);
/// The length is not one that the schema allows.
pub const PF_BACKCHANNEL_STATUS_CONTENT_LENGTH: NTSTATUS = status(0x12);
/// There is no such VF.
pub const PF_BACKCHANNEL_STATUS_NO_SUCH_VF: NTSTATUS = status(0x13);
/// Schema: a member has a value that is not defined.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_UNKNOWN_VALUE: NTSTATUS = status(0x20);
/// Schema: `Minimum` is 0.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_NO_LENGTH: NTSTATUS = status(0x21);
/// Schema: `Maximum` is above 128.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_TOO_LONG: NTSTATUS = status(0x22);
/// Schema: `Minimum` is above `Maximum`.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_EMPTY_RANGE: NTSTATUS = status(0x23);
/// Schema: `Step` is 0, or does not lead from `Minimum` to `Maximum`.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_STEP: NTSTATUS = status(0x24);
/// Schema: an echo needs a VF that both writes and reads.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_ECHO_NEEDS_BOTH: NTSTATUS = status(0x25);
/// Schema: published content cannot be the VF's.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_PUBLISHED_BY_VF: NTSTATUS = status(0x26);
/// Schema: only published content of the PF's or the operator's survives a reset.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_KEEPS_VF_CONTENT: NTSTATUS = status(0x27);
/// Schema: only what is read can be cut short.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_TRUNCATABLE: NTSTATUS = status(0x28);
/// Schema: only blocks below 64 that are read can be invalidated.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_NOT_INVALIDATABLE: NTSTATUS = status(0x29);
/// Schema: only writes can be deferred.
pub const PF_BACKCHANNEL_STATUS_SCHEMA_DEFERRED: NTSTATUS = status(0x2A);

/// Makes a status of this interface: severity error, customer code, facility 0x0BC.
#[must_use]
pub const fn status(number: u32) -> NTSTATUS {
    (0xE0BC_0000 | number).cast_signed()
}

const _: () = assert!(
    PF_BACKCHANNEL_STATUS_WRONG_SIZE.cast_unsigned() == 0xE0BC_0001,
    "a status is the interface's prefix and its number"
);
