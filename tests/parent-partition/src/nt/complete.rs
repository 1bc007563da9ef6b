//! Completing an IRP: IofCompleteRequest.

use std::sync::OnceLock;

use super::call::{INVOKE_ON_CANCEL, INVOKE_ON_ERROR, INVOKE_ON_SUCCESS};
use super::flight;
use super::irp;
use super::irql::DISPATCH_LEVEL;
use super::spin_lock;
use super::status::{self, Status};
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::sys::{DEVICE_OBJECT, IO_STACK_LOCATION, IRP};

/// Completes an IRP: passes its stack locations upwards and calls the completion routines they hold, until one keeps the
/// IRP or the I/O manager takes it back.
///
/// Follows the IoCompleteRequest page and "Using completion routines" (IRQL <= DISPATCH_LEVEL). Where no routine is
/// called, the pending mark of a location goes over to the one above. Judged: IRQL; an IRP that no driver has (completed
/// twice, or freed); STATUS_PENDING; a cancel routine still set; a spin lock held; an IRP of a driver's own that nobody
/// takes back.
///
/// # Safety
/// `irp` is an IRP.
pub unsafe extern "win64" fn IofCompleteRequest(irp: *mut IRP, _boost: i8) {
    judge::irql_at_most(DISPATCH_LEVEL);
    flight::expect_held(irp);
    spin_lock::expect_none_held("an IRP is completed");
    if let Some(interface) = SHORTENED.get() {
        // SAFETY: `expect_held` found a live IRP that a driver has.
        unsafe { shorten(irp, interface) };
    }
    // SAFETY: `expect_held` found a live IRP that a driver has; it stays live until a completion routine keeps it, after
    // which it is not touched, or until it is finished below.
    unsafe {
        if (*irp).CancelRoutine.is_some() {
            judge::finding(
                Rule::CancelRoutine,
                format_args!("the IRP {irp:p} is completed with a cancel routine set"),
            );
        }
        if irp::status_of(irp) == status::PENDING {
            judge::finding(
                Rule::IrpPending,
                format_args!("the IRP {irp:p} is completed with STATUS_PENDING"),
            );
        }
        loop {
            if (*irp).CurrentLocation > (*irp).StackCount {
                break;
            }
            if pass_location(irp) == Course::Kept {
                return;
            }
        }
        match flight::take_finish(irp) {
            Some(finish) => finish(irp),
            None => violation(
                Rule::IrpStack,
                format_args!("the IRP {irp:p} is its driver's own, but no completion routine took it back"),
            ),
        }
    }
}

/// Has an interface that is handed out say that it is eight bytes shorter: its driver then behaves like one that fills in a
/// wrong size. One interface in a process, by the bytes of its GUID.
pub fn shorten_interface(interface: [u8; 16]) {
    // Who asked first is served.
    let _ = SHORTENED.set(interface);
}

/// # Safety
/// The IRP is live.
unsafe fn shorten(irp: *mut IRP, interface: &[u8; 16]) {
    // SAFETY: the caller promises a live IRP; the union's member is that of the minor function, whose interface has been filled
    // in where the IRP succeeds.
    unsafe {
        let location = *irp::current(irp);
        let is_asked = (location.MajorFunction, location.MinorFunction) == (MJ_PNP, QUERY_INTERFACE);
        // Drivers below complete it first.
        let is_last = (*irp).CurrentLocation == (*irp).StackCount;
        if !is_asked || !is_last || irp::status_of(irp) != status::SUCCESS {
            return;
        }
        let query = location.Parameters.QueryInterface;
        if for_caller(|| *query.InterfaceType.cast::<[u8; 16]>()) == *interface {
            for_caller(|| (*query.Interface).Size -= 8);
        }
    }
}

#[derive(PartialEq, Eq)]
enum Course {
    Continues,
    Kept,
}

/// Passes the current stack location.
///
/// # Safety
/// `irp` is live and its current location lies inside it.
unsafe fn pass_location(irp: *mut IRP) -> Course {
    // SAFETY: the caller promises a live IRP inside its locations.
    let (routine, context, device, pending) = unsafe {
        let location = (*irp).CurrentLocation;
        let passed = irp::current(irp);
        let control = (*passed).Control;
        let status = irp::status_of(irp);
        let pending = u32::from(control) & flight::PENDING_RETURNED != 0;
        let wanted = if status::is_success(status) { INVOKE_ON_SUCCESS } else { INVOKE_ON_ERROR };
        let cancelled = (*irp).Cancel != 0 && control & INVOKE_ON_CANCEL != 0;
        let routine = (*passed).CompletionRoutine.filter(|_| control & wanted != 0 || cancelled);
        let context = (*passed).Context;
        (*irp).PendingReturned = u8::from(pending);
        (*irp).CurrentLocation = location + 1;
        *irp::current_slot(irp) = passed.add(1);
        flight::passed(irp, location, pending, status);
        clear(passed);
        let device = if location == (*irp).StackCount {
            std::ptr::null_mut::<DEVICE_OBJECT>()
        } else {
            (*passed.add(1)).DeviceObject
        };
        (routine, context, device, pending)
    };
    match routine {
        Some(routine) => {
            let kept = invoke!(routine as usize; device, irp, context) as Status;
            if kept == status::MORE_PROCESSING_REQUIRED { Course::Kept } else { Course::Continues }
        }
        None => {
            // SAFETY: the caller promises a live IRP; above its last location there is none to mark.
            unsafe {
                if pending && (*irp).CurrentLocation <= (*irp).StackCount {
                    (*irp::current(irp)).Control |= flight::PENDING_RETURNED as u8;
                }
            }
            Course::Continues
        }
    }
}

/// Empties a location that completion has passed, so that nothing of it is used again.
///
/// # Safety
/// `location` lies inside a live IRP.
unsafe fn clear(location: *mut IO_STACK_LOCATION) {
    // SAFETY: the caller promises a writable location; the major function stays, as on Windows.
    unsafe {
        let (major, device) = ((*location).MajorFunction, (*location).DeviceObject);
        location.cast::<u8>().write_bytes(0, size_of::<IO_STACK_LOCATION>());
        (*location).MajorFunction = major;
        (*location).DeviceObject = device;
    }
}

static SHORTENED: OnceLock<[u8; 16]> = OnceLock::new();
const MJ_PNP: u8 = 27;
const QUERY_INTERFACE: u8 = 8;
