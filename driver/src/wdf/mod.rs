//! The framework's objects, one a file, safe outside.
//!
//! A driver in Rust fills every structure itself: the `WDF_*_INIT` routines of C are inline and have no binding. Each
//! file has one constructor per structure, and it writes what the routine of that name writes.

pub(crate) mod attributes;
pub(crate) mod context;
pub(crate) mod device;
pub(crate) mod driver;
pub(crate) mod interface;
pub(crate) mod irp;
pub(crate) mod queue;
pub(crate) mod registry;
pub(crate) mod request;
pub(crate) mod resources;
pub(crate) mod timer;

/// A structure's size, as its `Size` member takes it.
pub(crate) const fn size_of_u32<T>() -> u32 {
    const { assert!(size_of::<T>() < 0x1_0000, "a framework structure is small") };
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the assertion above bounds it"
    )]
    {
        size_of::<T>() as u32
    }
}

/// A status of the framework as a result.
pub(crate) fn checked(status: wdk_sys::NTSTATUS) -> Result<(), backchannel::NtStatus> {
    if wdk_sys::NT_SUCCESS(status) { Ok(()) } else { Err(backchannel::NtStatus::from_raw(status)) }
}

/// An enumeration's value as the bits of a `Flags` member.
pub(crate) const fn flags(value: i32) -> u32 {
    value.cast_unsigned()
}
