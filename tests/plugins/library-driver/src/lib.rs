//! A driver of an IHV that links the PF backchannel as a library.
//!
//! It has its own `DriverEntry` and its own handlers. Block 7 gives each VF its number, as a serial number would be given.
//! Blocks 20 to 22 take messages of up to 64 KiB and send them back. Two more blocks, of whatever ids a VF likes, are kept
//! for it. Two pages of register 0 of each VF are mitigated.
#![no_std]
#![expect(unsafe_code, reason = "DriverEntry takes the system's pointers")]

extern crate wdk_panic as _;

mod messages;
mod registers;

use backchannel::{BlockHandler, BlockId, Call, NtStatus, Output, Owner, Schema, Unclaimed, schema};
use pf_backchannel::Handlers;
use wdk_sys::{
    NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, WDF_DRIVER_CONFIG, WDF_NO_OBJECT_ATTRIBUTES,
    WDFDRIVER, call_unsafe_wdf_function_binding,
};

use messages::MESSAGES;
use registers::REGISTERS;

static HANDLERS: Handlers = Handlers::with_unclaimed(
    &[&SerialNumber, &MESSAGES],
    &[&[SERIAL_NUMBER, LABEL], &messages::SCHEMAS],
    Unclaimed::Echo(2),
)
.with_mitigation(&REGISTERS);

const SERIAL_NUMBER: Schema = schema!(Schema::answered(BlockId::new(7)).length(4));

/// Block 12: a label that the operator gives a VF; it outlives the VF's lives.
const LABEL: Schema = schema!(
    Schema::published(BlockId::new(12))
        .lengths(1, 32, 1)
        .owner(Owner::Operator)
        .keep_on_reset()
        .invalidatable()
);

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
