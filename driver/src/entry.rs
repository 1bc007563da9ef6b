//! `DriverEntry` and unload.
//!
//! `DriverEntry` itself exists in this package's own image only (see the build script). A driver of an IHV that links this
//! package as a library has its own, and calls [`add_device`](crate::add_device) from its `EvtDriverDeviceAdd`.
#![expect(unsafe_code, reason = "the entry point and the device-add callback take the system's pointers")]

use backchannel::NtStatus;
use wdk_sys::{NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, STATUS_SUCCESS, WDFDRIVER};

use crate::{
    device,
    handlers::HANDLERS,
    pf::Handlers,
    wdf::{self, device::DeviceInit},
};

/// The image's entry point, called by the framework's stub at `PASSIVE_LEVEL`.
///
/// # Safety
/// The arguments are those of `DriverEntry`.
// The name that the build script gives to DriverEntry.
#[unsafe(export_name = "pf_backchannel_driver_entry")]
pub unsafe extern "system" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: the system's arguments, handed on.
    let created =
        unsafe { wdf::driver::create(driver, registry_path, Some(evt_device_add), Some(evt_unload)) };
    created.map_or_else(NtStatus::raw, |()| STATUS_SUCCESS)
}

/// Makes the device of a PF: for `EvtDriverDeviceAdd`, ours or that of an IHV's driver.
///
/// `handlers` serve its blocks. Returns what that callback has to return. IRQL: `PASSIVE_LEVEL`.
///
/// # Safety
/// `init` is the argument of the running `EvtDriverDeviceAdd`, and is not used by the caller afterwards.
#[must_use]
pub unsafe fn add_device(init: PWDFDEVICE_INIT, handlers: &'static Handlers) -> NTSTATUS {
    // SAFETY: our caller's argument, handed on once.
    let init = unsafe { DeviceInit::new(init) };
    device::add(init, handlers).map_or_else(NtStatus::raw, |()| STATUS_SUCCESS)
}

unsafe extern "C" fn evt_device_add(_driver: WDFDRIVER, init: PWDFDEVICE_INIT) -> NTSTATUS {
    // SAFETY: KMDF's argument, handed on once.
    unsafe { add_device(init, &HANDLERS) }
}

/// Nothing outlives the devices: their memory is freed at cleanup.
const unsafe extern "C" fn evt_unload(_driver: WDFDRIVER) {}
