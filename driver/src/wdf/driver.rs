//! WDFDRIVER: the driver object.
#![expect(unsafe_code, reason = "calls the framework with the system's pointers")]

use backchannel::NtStatus;
use wdk_sys::{
    PCUNICODE_STRING, PDRIVER_OBJECT, PFN_WDF_DRIVER_DEVICE_ADD, PFN_WDF_DRIVER_UNLOAD, WDF_DRIVER_CONFIG,
    WDF_NO_OBJECT_ATTRIBUTES, WDFDRIVER, call_unsafe_wdf_function_binding,
};

use crate::wdf::{checked, size_of_u32};

/// Makes this image a framework driver (`WdfDriverCreate`).
///
/// IRQL: `PASSIVE_LEVEL`, from `DriverEntry`.
///
/// # Errors
/// What the framework says.
///
/// # Safety
/// `driver` and `registry_path` are the arguments of `DriverEntry`.
pub(crate) unsafe fn create(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
    add: PFN_WDF_DRIVER_DEVICE_ADD,
    unload: PFN_WDF_DRIVER_UNLOAD,
) -> Result<(), NtStatus> {
    let mut config = config(add, unload);
    // SAFETY: our caller passes the arguments of DriverEntry; KMDF copies the configuration before it returns.
    checked(unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDriverCreate,
            driver,
            registry_path,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut config,
            core::ptr::null_mut::<WDFDRIVER>(),
        )
    })
}

/// As `WDF_DRIVER_CONFIG_INIT` makes it.
fn config(add: PFN_WDF_DRIVER_DEVICE_ADD, unload: PFN_WDF_DRIVER_UNLOAD) -> WDF_DRIVER_CONFIG {
    WDF_DRIVER_CONFIG {
        Size: size_of_u32::<WDF_DRIVER_CONFIG>(),
        EvtDriverDeviceAdd: add,
        EvtDriverUnload: unload,
        ..WDF_DRIVER_CONFIG::default()
    }
}
