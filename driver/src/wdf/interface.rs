//! Interfaces: the classes that others find a device by, and the routines that it asks the drivers below for.
#![expect(unsafe_code, reason = "calls the framework with handles")]

use backchannel::{NtStatus, abi::GUID};
use wdk_sys::{INTERFACE, NTSTATUS, STATUS_NOT_SUPPORTED, WDFDEVICE, call_unsafe_wdf_function_binding};

use crate::wdf::checked;

/// Offers the device under a device interface class; KMDF enables it at start and disables it at stop.
///
/// IRQL: `PASSIVE_LEVEL`.
///
/// # Errors
/// What the framework says.
pub(crate) fn create_device_interface(device: WDFDEVICE, class: &'static GUID) -> Result<(), NtStatus> {
    // SAFETY: KMDF gave us the device handle; the class is a static; no reference string is passed.
    checked(unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDeviceCreateDeviceInterface,
            device,
            core::ptr::from_ref(class).cast(),
            core::ptr::null(),
        )
    })
}

/// The address of the device's physical device object, by which others open it; to be compared only.
pub(crate) fn physical_device(device: WDFDEVICE) -> usize {
    // SAFETY: KMDF gave us the device handle.
    unsafe { call_unsafe_wdf_function_binding!(WdfDeviceWdmGetPhysicalDevice, device) }.addr()
}

/// Asks the drivers below the device for the interface `identity`; `None` if nobody there has it.
///
/// The answer holds a reference that its `InterfaceDereference` gives back.
///
/// IRQL: `PASSIVE_LEVEL`.
///
/// # Errors
/// A driver below fails the question.
///
/// # Safety
/// `T` begins with an `INTERFACE`, is the structure that `identity` and `version` name, and zeros are a value of it.
pub(crate) unsafe fn query_below<T>(
    device: WDFDEVICE,
    identity: &'static GUID,
    version: u16,
) -> Result<Option<T>, NtStatus> {
    // SAFETY: our caller says that zeros are a value.
    let mut table: T = unsafe { core::mem::zeroed() };
    let place = (&raw mut table).cast();
    // SAFETY: the structure is as large as said, and outlives the call.
    let status = unsafe { query(device, identity, place, const { interface_size::<T>() }, version) };
    if status == STATUS_NOT_SUPPORTED {
        return Ok(None);
    }
    checked(status).map(|()| Some(table))
}

/// # Safety
/// `place` can be written for `size` bytes, and begins with an `INTERFACE`.
unsafe fn query(
    device: WDFDEVICE,
    identity: &'static GUID,
    place: *mut INTERFACE,
    size: u16,
    version: u16,
) -> NTSTATUS {
    // SAFETY: KMDF gave us the device handle; our caller vouches for the rest.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfFdoQueryForInterface,
            device,
            core::ptr::from_ref(identity).cast(),
            place,
            size,
            version,
            core::ptr::null_mut(),
        )
    }
}

/// A structure's size, as an interface's `Size` member takes it.
pub(crate) const fn interface_size<T>() -> u16 {
    const { assert!(size_of::<T>() < 0x1_0000, "an interface's size has 16 bits") };
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the assertion above bounds it"
    )]
    {
        size_of::<T>() as u16
    }
}
