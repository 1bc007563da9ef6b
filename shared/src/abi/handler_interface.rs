//! The handler interface: how a driver of an IHV registers block handlers at run time, and what it may ask of the PF.
//!
//! `driver/include/pf_backchannel.h` is generated from this file; its comments are the documentation of both.

mod numbers;
mod translated;

use core::ffi::c_void;

use super::{GUID, INTERFACE_REFERENCE, NTSTATUS, c_function, layout};

pub use numbers::*;
pub use translated::{
    publish_status, register_status, schema_status, standing_number, state_number, unregister_status,
};

/// Identifies [`PF_BACKCHANNEL_HANDLER_INTERFACE`] in `IRP_MN_QUERY_INTERFACE`.
pub const GUID_PF_BACKCHANNEL_HANDLER_INTERFACE: GUID =
    GUID::new(0x8FF1_7CF5, 0xF28F, 0x40BE, 0xADB6_524B_3C10_9D26);

/// Stands for a registration. Never 0; never used again while the PF is there.
pub type PF_BACKCHANNEL_HANDLER = u64;

/// An open file object on the PF's device (`wdm.h`).
pub type PFILE_OBJECT = *mut c_void;

/// A driver object (`wdm.h`).
pub type PDRIVER_OBJECT = *mut c_void;

/// Describes a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_SCHEMA {
    /// The block's id; ids from 64 up cannot be invalidated.
    pub BlockId: u32,
    /// `PF_BACKCHANNEL_KEEP_ON_RESET`, `_TRUNCATABLE`, `_DEFERRED`, `_INVALIDATABLE`.
    pub Flags: u32,
    /// `PF_BACKCHANNEL_VF_WRITES`, `_VF_READS` or `_VF_WRITES_AND_READS`.
    pub Direction: u8,
    /// One of `PF_BACKCHANNEL_SOURCE_*`.
    pub Source: u8,
    /// One of `PF_BACKCHANNEL_OWNER_*`.
    pub Owner: u8,
    /// One of `PF_BACKCHANNEL_RATE_*`.
    pub Rate: u8,
    /// One of `PF_BACKCHANNEL_SHED_*`.
    pub Shed: u8,
    /// The shortest length, in bytes; not 0.
    pub Minimum: u8,
    /// The longest length, in bytes; at most 128.
    pub Maximum: u8,
    /// The difference between one length and the next, in bytes; 1 where `Minimum` and `Maximum` are the same.
    pub Step: u8,
}

/// Describes one call of a callback. Valid until the callback returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_CALL {
    /// The size of this structure, in bytes: later versions are longer.
    pub Size: u16,
    /// The VF. This is its one true identity: an index inside the block's bytes is foreign data.
    pub VfIndex: u16,
    /// Which life of the VF: each reset begins the next, perhaps of another tenant.
    pub Generation: u32,
    /// The registration that is called; known here already while `Register` has not returned yet.
    pub Handler: PF_BACKCHANNEL_HANDLER,
    /// The block.
    pub BlockId: u32,
    /// Zero.
    pub Reserved: u32,
    /// When the call began: interrupt time, in units of 100 ns.
    pub Time: u64,
    /// What `Complete` takes if `Write` returns `STATUS_PENDING`; 0 unless the block is deferred.
    pub Ticket: u64,
}

c_function! {
    /// Takes a block that a VF wrote.
    ///
    /// IRQL: called, and to return, at `PASSIVE_LEVEL`, in an arbitrary thread, inside a critical region: do not wait for
    /// I/O that completes by a kernel APC.
    ///
    /// `Block` is `Length` bytes, copied out of the guest's reach, and gone when the callback returns. Only its length was
    /// checked, against the schema.
    ///
    /// Return `STATUS_SUCCESS`: the bytes become the block's content, and then the VF's write completes. Return an error: it
    /// is what the VF is told, and the previous content stays. Return `STATUS_PENDING`, if the block is deferred: answer by
    /// `Complete`. Any other status is answered with `STATUS_INTERNAL_ERROR`, and the handler is blamed.
    ///
    /// Callbacks of one registration run in parallel for different VFs and never overlap for one VF.
    ///
    /// Time: the VF waits for this callback, for as long as it takes. Past the time budget (the device parameter
    /// `HandlerTimeBudget` in milliseconds, 1000 if absent) the handler is blamed: other calls of the same VF then end with
    /// `STATUS_IO_TIMEOUT`, calls of other VFs for this block with `STATUS_DEVICE_NOT_READY`, until the callback returns. A
    /// deferred write that is not completed within the budget is answered with `STATUS_IO_TIMEOUT`.
    ///
    /// Calling the interface's routines from here is allowed, for any VF; see each.
    pub type PF_BACKCHANNEL_WRITE = fn(
        HandlerContext: *mut c_void,
        Call: *const PF_BACKCHANNEL_CALL,
        Block: *const u8,
        Length: u32,
    ) -> NTSTATUS;
}
c_function! {
    /// Answers a read of a block with `PF_BACKCHANNEL_SOURCE_HANDLER`.
    ///
    /// `Output` has room for `Length` bytes, as many as the VF asked for, all zero: at least `Minimum` of the schema, unless the
    /// block is truncatable. What is not written stays zero. Writing past it is blamed, as far as it can be seen.
    ///
    /// IRQL, answers, time and calling back: as for `PF_BACKCHANNEL_WRITE`; a read cannot be deferred.
    pub type PF_BACKCHANNEL_READ = fn(
        HandlerContext: *mut c_void,
        Call: *const PF_BACKCHANNEL_CALL,
        Output: *mut u8,
        Length: u32,
    ) -> NTSTATUS;
}
c_function! {
    /// Hears what happened to a VF (`PF_BACKCHANNEL_VF_ENABLED`, ...), before any later call for it.
    ///
    /// Each registration hears of each event. What happened before the registration is not told: ask `QueryVf`.
    ///
    /// IRQL, time and calling back: as for `PF_BACKCHANNEL_WRITE`; but `Replace` and `Unregister` are refused from here.
    pub type PF_BACKCHANNEL_VF_EVENT = fn(
        HandlerContext: *mut c_void,
        Call: *const PF_BACKCHANNEL_CALL,
        Event: u32,
    );
}

/// Describes a registration: a block, the callbacks that serve it, and whose they are.
///
/// The structure is copied. What `HandlerContext` points to must stay, and the file object must stay open, until
/// `Unregister` has returned `STATUS_SUCCESS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PF_BACKCHANNEL_REGISTRATION {
    /// The size of this structure, in bytes; exactly that of its version.
    pub Size: u16,
    /// `PF_BACKCHANNEL_REGISTRATION_VERSION`.
    pub Version: u16,
    /// Zero.
    pub Reserved: u32,
    /// The block.
    pub Schema: PF_BACKCHANNEL_SCHEMA,
    /// Handed to each callback.
    pub HandlerContext: *mut c_void,
    /// Takes writes; not NULL, also for a block that is not written.
    pub Write: PF_BACKCHANNEL_WRITE,
    /// Answers reads; not NULL, also for a block that does not ask it.
    pub Read: PF_BACKCHANNEL_READ,
    /// Hears of events; not NULL.
    pub VfEvent: PF_BACKCHANNEL_VF_EVENT,
    /// The caller's open file object on the PF's device, as `IoGetDeviceObjectPointer`, `WdfIoTargetWdmGetTargetFileObject`, or
    /// `ZwCreateFile` with `ObReferenceObjectByHandle` gives it. Its last handle being closed, and its last reference going,
    /// each end all registrations that were made with it.
    pub FileObject: PFILE_OBJECT,
    /// The caller's driver object. It is referenced as long as the registration lives, so that the callbacks' code stays;
    /// all three callbacks lie in its image. Once its driver is being unloaded they are not called any more.
    pub DriverObject: PDRIVER_OBJECT,
}

/// What a VF is doing; filled by `QueryVf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_VF_STATUS {
    /// The size of this structure, in bytes; the caller sets it.
    pub Size: u32,
    /// Which life of the VF: each reset begins the next.
    pub Generation: u32,
    /// One of `PF_BACKCHANNEL_STATE_*`.
    pub State: u8,
    /// 0 good, 1 throttled, 2 isolated, 3 on probation.
    pub Standing: u8,
    /// Zero.
    pub Reserved: [u8; 6],
}

/// What a registration did for one VF; filled by `QueryStatistics`. Times are in units of 100 ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_STATISTICS {
    /// The size of this structure, in bytes; the caller sets it.
    pub Size: u32,
    /// Calls of the VF for the block that were refused; wraps.
    pub Refused: u32,
    /// Calls answered with success.
    pub Served: u64,
    /// Bytes of those calls.
    pub Bytes: u64,
    /// When the last of them began: interrupt time.
    pub Last: u64,
    /// Calls that reached the handler.
    pub HandlerCalls: u64,
    /// Time spent in the handler.
    pub HandlerTotal: u64,
    /// Time of the longest handler call.
    pub HandlerLongest: u32,
    /// Completions for the VF that came too late, of any block; wraps.
    pub LateCompletions: u32,
    /// How often the registration was blamed, for any VF; wraps.
    pub Blamed: u32,
    /// What for: a mask of `PF_BACKCHANNEL_BLAME_*`.
    pub Blames: u32,
}

c_function! {
    /// Registers a handler for a block; VFs' calls that begin later reach it.
    ///
    /// IRQL: `PASSIVE_LEVEL`. Never waits for a VF. From a callback: allowed.
    ///
    /// Errors: `STATUS_INVALID_PARAMETER` (an argument is NULL), `STATUS_DEVICE_NOT_READY` (the device is gone),
    /// `PF_BACKCHANNEL_STATUS_WRONG_SIZE`, `_WRONG_VERSION`, `_RESERVED_NOT_ZERO`, `_NULL_CALLBACK`, `_NO_DRIVER`,
    /// `_FOREIGN_CALLBACK`, `_FOREIGN_FILE`, `_SCHEMA_...`, `_BLOCK_TAKEN`, `_TABLE_FULL`, `_STORE_FULL`, checked in this order.
    pub type PF_BACKCHANNEL_REGISTER = fn(
        Context: *mut c_void,
        Registration: *const PF_BACKCHANNEL_REGISTRATION,
        Handler: *mut PF_BACKCHANNEL_HANDLER,
    ) -> NTSTATUS;
}
c_function! {
    /// Puts another handler, perhaps another driver's, into the place of a registered one, while VFs use the block: no call is
    /// refused or lost. Calls that began before finish on the old handler, later ones go to the new one, never both at once
    /// for one VF. `Handler` stands for the new one from now on; content and statistics of the block stay.
    ///
    /// Returns when no callback of the old handler runs or will run. IRQL: `PASSIVE_LEVEL`; waits at most 30 seconds, from a
    /// callback at most the time budget. From a callback of `Handler` itself, and from any `VfEvent`: refused.
    ///
    /// Errors: as `Register`, and `PF_BACKCHANNEL_STATUS_NOT_REGISTERED`, `_OTHER_SCHEMA`, `_OWN_CALLBACK`; nothing has changed
    /// then. `_STILL_IN_USE`: the new handler serves, but a callback of the old one still runs, and what it uses must stay;
    /// replace once more or unregister to await it. The service keeps the old driver object until then.
    pub type PF_BACKCHANNEL_REPLACE = fn(
        Context: *mut c_void,
        Handler: PF_BACKCHANNEL_HANDLER,
        Registration: *const PF_BACKCHANNEL_REGISTRATION,
    ) -> NTSTATUS;
}
c_function! {
    /// Ends a registration. Once it has returned `STATUS_SUCCESS`, no callback of it runs or will run.
    ///
    /// IRQL: `PASSIVE_LEVEL`; waits at most 30 seconds, from a callback at most the time budget. From a callback of `Handler`
    /// itself, and from any `VfEvent`: refused. Calls of VFs end with `STATUS_DEVICE_NOT_READY` while it waits, with
    /// `STATUS_INVALID_PARAMETER` after it returned.
    ///
    /// Errors: `PF_BACKCHANNEL_STATUS_NOT_REGISTERED`, `_OWN_CALLBACK`. `_STILL_IN_USE`: a callback still runs; no other begins,
    /// what it uses must stay, and `Unregister` can be called again.
    pub type PF_BACKCHANNEL_UNREGISTER = fn(Context: *mut c_void, Handler: PF_BACKCHANNEL_HANDLER) -> NTSTATUS;
}
c_function! {
    /// Makes content what a VF, or every VF (`PF_BACKCHANNEL_ALL_VFS`), reads from the block of a registration, whether the VF
    /// is served at the moment or not. A reader sees the old content or the new, never a mixture. Tells nobody: `Invalidate`.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`. Never waits for a VF. From a callback: allowed, for any VF.
    ///
    /// Errors: `STATUS_INVALID_PARAMETER` (`Content` is NULL), `PF_BACKCHANNEL_STATUS_NOT_REGISTERED`, `_NO_SUCH_VF`,
    /// `_NOT_PUBLISHED`, `_CONTENT_LENGTH`; nothing has changed then.
    pub type PF_BACKCHANNEL_PUBLISH = fn(
        Context: *mut c_void,
        Handler: PF_BACKCHANNEL_HANDLER,
        VfIndex: u16,
        Content: *const u8,
        Length: u32,
    ) -> NTSTATUS;
}
c_function! {
    /// As `Publish`, for one life of one VF: what answers a tenant never reaches the next one.
    ///
    /// Errors: as `Publish`, and `PF_BACKCHANNEL_STATUS_STALE` if the VF was reset since `Generation`.
    pub type PF_BACKCHANNEL_PUBLISH_IN_LIFE = fn(
        Context: *mut c_void,
        Handler: PF_BACKCHANNEL_HANDLER,
        VfIndex: u16,
        Generation: u32,
        Content: *const u8,
        Length: u32,
    ) -> NTSTATUS;
}
c_function! {
    /// Lets a VF, or every VF (`PF_BACKCHANNEL_ALL_VFS`), be told to read blocks again; bit n of `BlockMask` is block n.
    ///
    /// What is not told yet is merged and never lost. IRQL: up to `DISPATCH_LEVEL`. From a callback: allowed, for any VF.
    ///
    /// Errors: `PF_BACKCHANNEL_STATUS_NO_SUCH_VF`.
    pub type PF_BACKCHANNEL_INVALIDATE_BLOCKS =
        fn(Context: *mut c_void, VfIndex: u16, BlockMask: u64) -> NTSTATUS;
}
c_function! {
    /// Gives the number of VFs that are served; 0 while the PF is stopped.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`. From a callback: allowed.
    pub type PF_BACKCHANNEL_QUERY_VF_COUNT = fn(Context: *mut c_void) -> u16;
}
c_function! {
    /// Describes a VF; the caller has set `Size`. It may have changed on return.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`. From a callback: allowed, for any VF.
    ///
    /// Errors: `STATUS_INVALID_PARAMETER` (`Status` is NULL), `PF_BACKCHANNEL_STATUS_WRONG_SIZE`, `_NO_SUCH_VF`.
    pub type PF_BACKCHANNEL_QUERY_VF_STATUS =
        fn(Context: *mut c_void, VfIndex: u16, Status: *mut PF_BACKCHANNEL_VF_STATUS) -> NTSTATUS;
}
c_function! {
    /// Reads the counters of a registration for one VF; the caller has set `Size`.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`. From a callback: allowed, for any VF.
    ///
    /// Errors: `STATUS_INVALID_PARAMETER` (`Statistics` is NULL), `PF_BACKCHANNEL_STATUS_WRONG_SIZE`, `_NOT_REGISTERED`,
    /// `_NO_SUCH_VF`.
    pub type PF_BACKCHANNEL_QUERY_STATISTICS = fn(
        Context: *mut c_void,
        Handler: PF_BACKCHANNEL_HANDLER,
        VfIndex: u16,
        Statistics: *mut PF_BACKCHANNEL_STATISTICS,
    ) -> NTSTATUS;
}
c_function! {
    /// Completes a write that `Write` answered with `STATUS_PENDING`; the VF is told `Status`, which is `STATUS_SUCCESS` or an
    /// error.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`. From a callback: allowed, for tickets of other calls; completing the ticket of the running
    /// call is allowed too if the callback then returns `STATUS_PENDING`.
    ///
    /// Errors: `PF_BACKCHANNEL_STATUS_TOO_LATE`: the VF was answered already, and the completion is dropped and counted.
    pub type PF_BACKCHANNEL_COMPLETE = fn(Context: *mut c_void, Ticket: u64, Status: NTSTATUS) -> NTSTATUS;
}

/// What the PF's driver offers to drivers of an IHV.
///
/// Asked for by `IRP_MN_QUERY_INTERFACE` on the PF's device stack with [`GUID_PF_BACKCHANNEL_HANDLER_INTERFACE`], exactly this
/// size and version; any other is refused with `PF_BACKCHANNEL_STATUS_WRONG_SIZE` or `_WRONG_VERSION`. The answer holds a
/// reference, which `InterfaceDereference` gives back. The asker keeps its handle on the device open as long as it holds the
/// interface, and gives both up when it hears of `GUID_TARGET_DEVICE_QUERY_REMOVE`: the device is not removed before.
///
/// Every routine takes `Context` first, and may be called as long as the interface is held, also after the device is gone.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PF_BACKCHANNEL_HANDLER_INTERFACE {
    /// The size of this structure, in bytes; check it.
    pub Size: u16,
    /// `PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION`; check it.
    pub Version: u16,
    /// The first argument of every routine.
    pub Context: *mut c_void,
    /// Takes a reference. IRQL: up to `DISPATCH_LEVEL`.
    pub InterfaceReference: INTERFACE_REFERENCE,
    /// Drops a reference; registrations are ended by it neither at once nor later. IRQL: `PASSIVE_LEVEL`.
    pub InterfaceDereference: INTERFACE_REFERENCE,
    /// Registers a handler.
    pub Register: PF_BACKCHANNEL_REGISTER,
    /// Replaces a handler.
    pub Replace: PF_BACKCHANNEL_REPLACE,
    /// Ends a registration.
    pub Unregister: PF_BACKCHANNEL_UNREGISTER,
    /// Publishes content.
    pub Publish: PF_BACKCHANNEL_PUBLISH,
    /// Publishes content for one life of a VF.
    pub PublishInLife: PF_BACKCHANNEL_PUBLISH_IN_LIFE,
    /// Lets VFs read again.
    pub Invalidate: PF_BACKCHANNEL_INVALIDATE_BLOCKS,
    /// Gives the number of VFs.
    pub QueryVfCount: PF_BACKCHANNEL_QUERY_VF_COUNT,
    /// Describes a VF.
    pub QueryVf: PF_BACKCHANNEL_QUERY_VF_STATUS,
    /// Reads counters.
    pub QueryStatistics: PF_BACKCHANNEL_QUERY_STATISTICS,
    /// Completes a deferred write.
    pub Complete: PF_BACKCHANNEL_COMPLETE,
}

layout!(PF_BACKCHANNEL_SCHEMA, 16, {
    BlockId: 0, Flags: 4, Direction: 8, Source: 9, Owner: 10, Rate: 11, Shed: 12, Minimum: 13, Maximum: 14, Step: 15,
});
layout!(PF_BACKCHANNEL_CALL, 40, {
    Size: 0, VfIndex: 2, Generation: 4, Handler: 8, BlockId: 16, Reserved: 20, Time: 24, Ticket: 32,
});
layout!(PF_BACKCHANNEL_REGISTRATION, 72, {
    Size: 0, Version: 2, Reserved: 4, Schema: 8, HandlerContext: 24, Write: 32, Read: 40, VfEvent: 48, FileObject: 56,
    DriverObject: 64,
});
layout!(PF_BACKCHANNEL_VF_STATUS, 16, { Size: 0, Generation: 4, State: 8, Standing: 9, Reserved: 10 });
layout!(PF_BACKCHANNEL_STATISTICS, 64, {
    Size: 0, Refused: 4, Served: 8, Bytes: 16, Last: 24, HandlerCalls: 32, HandlerTotal: 40, HandlerLongest: 48,
    LateCompletions: 52, Blamed: 56, Blames: 60,
});
layout!(PF_BACKCHANNEL_HANDLER_INTERFACE, 112, {
    Size: 0, Version: 2, Context: 8, InterfaceReference: 16, InterfaceDereference: 24, Register: 32, Replace: 40,
    Unregister: 48, Publish: 56, PublishInLife: 64, Invalidate: 72, QueryVfCount: 80, QueryVf: 88, QueryStatistics: 96,
    Complete: 104,
});
