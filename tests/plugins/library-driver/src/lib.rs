//! A driver of an IHV that links the PF backchannel as a library.
//!
//! It has its own `DriverEntry` and its own handlers. Block 7 gives each VF its number, as a serial number would be given.
//! Blocks 8 to 11 keep a journal: block 8 carries a number in each write; the journal says which VF, in which life and in
//! which order the numbers came; block 9, read by any VF, takes the oldest entries out of it; block 10 has the handler do
//! its work wrongly for some writes, so that whoever reads the journal can be seen to notice.
//! Blocks 20 to 22 take messages of up to 64 KiB and send them back. Two more blocks, of whatever ids a VF likes, are kept
//! for it.
#![no_std]
#![expect(unsafe_code, reason = "DriverEntry takes the system's pointers, and a handler waits")]

extern crate wdk_panic as _;

mod journal;
mod messages;
mod recorder;

use backchannel::{
    BlockHandler, BlockId, Call, NtStatus, Output, Owner, RateClass, Schema, Unclaimed, schema,
};
use pf_backchannel::Handlers;
use wdk_sys::{
    NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, WDF_DRIVER_CONFIG, WDF_NO_OBJECT_ATTRIBUTES,
    WDFDRIVER, call_unsafe_wdf_function_binding,
};

use messages::MESSAGES;
use recorder::{Keeper, Recorder};

static HANDLERS: Handlers = Handlers::with_unclaimed(
    &[&SerialNumber, &Recorder, &Keeper, &MESSAGES],
    &[&[SERIAL_NUMBER, LABEL], &[NUMBERED, STAMP], &[JOURNAL, MISTAKES], &messages::SCHEMAS],
    Unclaimed::Echo(2),
);

const SERIAL_NUMBER: Schema = schema!(Schema::answered(BlockId::new(7)).length(4));

/// Block 12: a label that the operator gives a VF; it outlives the VF's lives.
const LABEL: Schema = schema!(
    Schema::published(BlockId::new(12))
        .lengths(1, 32, 1)
        .owner(Owner::Operator)
        .keep_on_reset()
        .invalidatable()
);

/// Eight bytes of number, four of microseconds that the handler takes over it, four unused.
const NUMBERED: Schema = schema!(Schema::written(BlockId::new(8)).length(16).rate(RateClass::Unlimited));
/// Eight entries of 16 bytes; those of zeros are none.
const JOURNAL: Schema = schema!(Schema::answered(BlockId::new(9)).length(128).rate(RateClass::Unlimited));
/// Which mistake, and how many times.
const MISTAKES: Schema = schema!(Schema::written(BlockId::new(10)).length(2));
/// The number that was taken last, which the handler publishes; a reset makes that fail.
const STAMP: Schema = schema!(Schema::published(STAMP_ID).length(8));
const STAMP_ID: BlockId = BlockId::new(11);

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
