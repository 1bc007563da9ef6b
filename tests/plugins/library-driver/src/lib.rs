//! A driver of an IHV that links the PF backchannel as a library.
//!
//! It has its own `DriverEntry` and its own handler: block 7 gives each VF its number, as a serial number would be given.
#![no_std]
#![expect(unsafe_code, reason = "DriverEntry takes the system's pointers")]

extern crate wdk_panic as _;

use backchannel::{BlockHandler, BlockId, Call, NtStatus, Output, Schema, schema};
use pf_backchannel::Handlers;
use wdk_sys::{
    NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, WDF_DRIVER_CONFIG, WDF_NO_OBJECT_ATTRIBUTES,
    WDFDRIVER, call_unsafe_wdf_function_binding,
};

static HANDLERS: Handlers = Handlers::new(&[&SerialNumber], &[&[SERIAL_NUMBER]]);

const SERIAL_NUMBER: Schema = schema!(Schema::answered(BlockId::new(7)).length(4));

/// Block 7: the VF's number, as a little-endian `u32`.
struct SerialNumber;

impl BlockHandler for SerialNumber {
    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        out.fill(&u32::from(call.vf().index.value()).to_le_bytes())
    }
}

/// The image's entry point.
///
/// # Safety
/// The arguments are those of `DriverEntry`.
// The framework's stub calls this name.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "system" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    let mut config = WDF_DRIVER_CONFIG {
        Size: u32::try_from(size_of::<WDF_DRIVER_CONFIG>()).unwrap_or(0),
        EvtDriverDeviceAdd: Some(evt_device_add),
        ..WDF_DRIVER_CONFIG::default()
    };
    // SAFETY: the system's arguments, handed on; the framework copies the configuration.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDriverCreate,
            driver,
            registry_path,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut config,
            core::ptr::null_mut::<WDFDRIVER>(),
        )
    }
}

unsafe extern "C" fn evt_device_add(_driver: WDFDRIVER, init: PWDFDEVICE_INIT) -> NTSTATUS {
    // SAFETY: the framework's argument, handed on once.
    unsafe { pf_backchannel::add_device(init, &HANDLERS) }
}
