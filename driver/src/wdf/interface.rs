//! Interfaces of a device: the class that others find it by, and the routines that they ask it for.
#![expect(unsafe_code, reason = "calls the framework with handles")]

use backchannel::{NtStatus, abi::GUID};
use wdk_sys::{INTERFACE, WDF_QUERY_INTERFACE_CONFIG, WDFDEVICE, call_unsafe_wdf_function_binding};

use crate::wdf::{checked, size_of_u32};

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

/// Lets the device answer `IRP_MN_QUERY_INTERFACE` for `identity` with a copy of `table`.
///
/// KMDF copies as many bytes as the header's `Size` says, now and at each query, and calls `InterfaceReference` before it
/// hands a copy out.
///
/// IRQL: `PASSIVE_LEVEL`.
///
/// # Errors
/// What the framework says.
///
/// # Safety
/// `table` begins with an `INTERFACE` whose `Size` is the table's, and its routines may be called with its `Context` as
/// long as its references say.
pub(crate) unsafe fn add_query_interface<T>(
    device: WDFDEVICE,
    identity: &'static GUID,
    table: &mut T,
) -> Result<(), NtStatus> {
    let mut config = config(core::ptr::from_mut(table).cast(), identity);
    // SAFETY: KMDF gave us the device handle; our caller vouches for the table, which KMDF copies before it returns.
    checked(unsafe { call_unsafe_wdf_function_binding!(WdfDeviceAddQueryInterface, device, &raw mut config) })
}

/// As `WDF_QUERY_INTERFACE_CONFIG_INIT` makes it, without a callback.
fn config(interface: *mut INTERFACE, identity: &'static GUID) -> WDF_QUERY_INTERFACE_CONFIG {
    WDF_QUERY_INTERFACE_CONFIG {
        Size: size_of_u32::<WDF_QUERY_INTERFACE_CONFIG>(),
        Interface: interface,
        InterfaceType: core::ptr::from_ref(identity).cast(),
        ..WDF_QUERY_INTERFACE_CONFIG::default()
    }
}
