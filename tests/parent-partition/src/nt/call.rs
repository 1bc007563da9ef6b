//! Sending an IRP: IofCallDriver.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use super::device;
use super::flight;
use super::irp;
use super::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::object::{self, Kind};
use super::status::{self, Status};
use crate::invoke;
use crate::judge::{self, Rule, violation};
use crate::machine::wait;
use crate::sys::{DEVICE_OBJECT, IO_COMPLETION_ROUTINE, IRP};

/// Sends an IRP to a device's driver and returns what its dispatch routine returned.
///
/// Follows the IoCallDriver page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live device or IRP; a device
/// that was deleted; no stack location left; a cancel routine still set; what the dispatch routine returned against what
/// became of the IRP (see `flight`).
///
/// # Safety
/// `device` is a device object and `irp` an IRP of the caller's.
pub unsafe extern "win64" fn IofCallDriver(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> Status {
    judge::irql_at_most(DISPATCH_LEVEL);
    object::expect(device.addr(), Kind::Device);
    // SAFETY: `expect` found a live device.
    if unsafe { device::is_deleted(device) } {
        violation(
            Rule::ObjectState,
            format_args!("the IRP {irp:p} is sent to the deleted device {device:p}"),
        );
    }
    flight::expect_live(irp, Rule::ObjectState, "sent");
    // SAFETY: both were found live; the locations that are counted lie inside the IRP.
    let (location, routine) = unsafe {
        if (*irp).CancelRoutine.is_some() {
            violation(Rule::CancelRoutine, format_args!("the IRP {irp:p} is sent with a cancel routine set"));
        }
        let location = (*irp).CurrentLocation - 1;
        if location <= 0 {
            let count = (*irp).StackCount;
            violation(
                Rule::IrpStack,
                format_args!("the IRP {irp:p} has no stack location left of its {count}"),
            );
        }
        if location > (*irp).StackCount {
            violation(Rule::IrpStack, format_args!("the IRP {irp:p} is sent after its completion"));
        }
        (*irp).CurrentLocation = location;
        let slot = irp::current_slot(irp);
        *slot = (*slot).sub(1);
        let current = *slot;
        (*current).DeviceObject = device;
        let major = usize::from((*current).MajorFunction);
        let Some(routine) = (*(*device).DriverObject).MajorFunction.get(major) else {
            violation(Rule::BadParameter, format_args!("the IRP {irp:p} has the major function {major}"));
        };
        (location, routine.map_or(0, |routine| routine as usize))
    };
    let visit = flight::begin(irp, location, routine);
    let status = invoke!(routine; device, irp) as Status;
    flight::returned(irp, &visit, status);
    status
}

/// Sends an IRP down with a copy of its stack location and waits for it to come back; false when there is no location left.
///
/// Follows the IoForwardIrpSynchronously page (PASSIVE_LEVEL). Judged: IRQL; otherwise as [`IofCallDriver`].
///
/// # Safety
/// As [`IofCallDriver`].
pub unsafe extern "win64" fn IoForwardIrpSynchronously(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> u8 {
    judge::irql_at_most(PASSIVE_LEVEL);
    flight::expect_live(irp, Rule::ObjectState, "forwarded");
    let returned = AtomicBool::new(false);
    // SAFETY: the IRP was found live, and a location is left; its completion routine is set before it is sent, and the
    // flag lives until that has run.
    unsafe {
        if (*irp).CurrentLocation <= 1 {
            return 0;
        }
        let current = irp::current(irp);
        current.sub(1).write(*current);
        (*current.sub(1)).Control = INVOKE_ON_SUCCESS | INVOKE_ON_ERROR | INVOKE_ON_CANCEL;
        (*current.sub(1)).CompletionRoutine = Some(take_back);
        (*current.sub(1)).Context = (&raw const returned).cast_mut().cast();
        IofCallDriver(device, irp);
    }
    wait::until(None, || returned.load(Ordering::Relaxed).then_some(()));
    1
}

/// The completion routine of an IRP that its sender waits for.
unsafe extern "win64" fn take_back(_: *mut DEVICE_OBJECT, _: *mut IRP, returned: *mut c_void) -> Status {
    // SAFETY: the context is the flag of the sender, who waits for it.
    wait::change(|| unsafe { (*returned.cast::<AtomicBool>()).store(true, Ordering::Relaxed) });
    status::MORE_PROCESSING_REQUIRED
}

/// Sends a power IRP.
///
/// Follows the PoCallDriver page: since Windows Vista it is [`IofCallDriver`]. Judged as that.
///
/// # Safety
/// As [`IofCallDriver`].
pub unsafe extern "win64" fn PoCallDriver(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> Status {
    // SAFETY: the caller promises what the other routine needs.
    unsafe { IofCallDriver(device, irp) }
}

/// Says that the driver can take the next power IRP; nothing to do since Windows Vista.
///
/// Follows the PoStartNextPowerIrp page. Judged: something that is no live IRP.
pub extern "win64" fn PoStartNextPowerIrp(irp: *mut IRP) {
    flight::expect_live(irp, Rule::ObjectState, "named to PoStartNextPowerIrp");
}

/// Sets the routine that is called when the next-lower driver completes the IRP.
///
/// Follows the IoSetCompletionRoutineEx page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live IRP; no
/// stack location for it.
///
/// # Safety
/// `irp` is an IRP of the caller's.
pub unsafe extern "win64" fn IoSetCompletionRoutineEx(
    _device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    routine: IO_COMPLETION_ROUTINE,
    context: *mut c_void,
    on_success: u8,
    on_error: u8,
    on_cancel: u8,
) -> Status {
    judge::irql_at_most(DISPATCH_LEVEL);
    flight::expect_live(irp, Rule::ObjectState, "given a completion routine");
    let flag = |wanted: u8, flag: u8| if wanted == 0 { 0 } else { flag };
    // SAFETY: the IRP was found live; the location below the current one lies inside it.
    unsafe {
        if (*irp).CurrentLocation <= 1 {
            violation(
                Rule::IrpStack,
                format_args!("the IRP {irp:p} has no stack location for a completion routine"),
            );
        }
        let next = irp::current(irp).sub(1);
        (*next).CompletionRoutine = routine;
        (*next).Context = context;
        (*next).Control = flag(on_success, INVOKE_ON_SUCCESS)
            | flag(on_error, INVOKE_ON_ERROR)
            | flag(on_cancel, INVOKE_ON_CANCEL);
    }
    status::SUCCESS
}

/// SL_INVOKE_ON_ flags of a stack location.
pub(super) const INVOKE_ON_CANCEL: u8 = 0x20;
pub(super) const INVOKE_ON_SUCCESS: u8 = 0x40;
pub(super) const INVOKE_ON_ERROR: u8 = 0x80;
