//! An IRP as a driver works on it: its current stack location, the next one, completion and cancel routines.
//!
//! What the WDK defines inline for drivers is done here on the real layouts. The I/O manager keeps an IRP valid from its
//! dispatch until it is completed, and nobody but the current holder touches its fields.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::kernel::{self, Event};
use super::status::{self, Status};
use crate::sys;

/// One IRP, held by the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Irp(usize);

impl Irp {
    /// The IRP at an address.
    pub(super) fn new(address: usize) -> Self {
        Self(address)
    }

    /// Its address.
    pub(super) fn address(self) -> usize {
        self.0
    }

    /// Its fields.
    pub(super) fn raw(self) -> *mut sys::IRP {
        self.0 as *mut sys::IRP
    }

    /// IoStatus.Status.
    pub(super) fn status(self) -> Status {
        // SAFETY: the I/O manager keeps the IRP valid while the framework holds it.
        unsafe { (*self.raw()).IoStatus.__bindgen_anon_1.Status }
    }

    /// Sets IoStatus.Status.
    pub(super) fn set_status(self, status: Status) {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).IoStatus.__bindgen_anon_1.Status = status };
    }

    /// IoStatus.Information.
    pub(super) fn information(self) -> usize {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).IoStatus.Information as usize }
    }

    /// Sets IoStatus.Information.
    pub(super) fn set_information(self, information: usize) {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).IoStatus.Information = information as _ };
    }

    /// The current stack location.
    pub(super) fn stack(self) -> *mut sys::IO_STACK_LOCATION {
        // SAFETY: as in `status`; a dispatched IRP has a current stack location.
        unsafe { (*self.raw()).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation }
    }

    /// A copy of the current stack location.
    pub(super) fn parameters(self) -> sys::IO_STACK_LOCATION {
        // SAFETY: as in `stack`.
        unsafe { *self.stack() }
    }

    /// Major function code.
    pub(super) fn major(self) -> u8 {
        self.parameters().MajorFunction
    }

    /// Minor function code.
    pub(super) fn minor(self) -> u8 {
        self.parameters().MinorFunction
    }

    /// Address of the file object, or 0.
    pub(super) fn file_object(self) -> usize {
        self.parameters().FileObject as usize
    }

    /// RequestorMode: 0 kernel, 1 user.
    pub(super) fn requestor_mode(self) -> i8 {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).RequestorMode }
    }

    /// AssociatedIrp.SystemBuffer.
    pub(super) fn system_buffer(self) -> usize {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).AssociatedIrp.SystemBuffer as usize }
    }

    /// UserBuffer.
    pub(super) fn user_buffer(self) -> usize {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).UserBuffer as usize }
    }

    /// MdlAddress.
    pub(super) fn mdl(self) -> *mut sys::MDL {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).MdlAddress }
    }

    /// Whether the IRP was cancelled.
    pub(super) fn is_cancelled(self) -> bool {
        // SAFETY: as in `status`; another thread may set the byte.
        unsafe { (&raw const (*self.raw()).Cancel).read_volatile() != 0 }
    }

    /// The IRQL to lower to when the cancel spin lock is released in a cancel routine.
    pub(super) fn cancel_irql(self) -> u8 {
        // SAFETY: as in `status`.
        unsafe { (*self.raw()).CancelIrql }
    }

    /// Exchanges the cancel routine (IoSetCancelRoutine) and returns the one before.
    pub(super) fn set_cancel_routine(self, routine: usize) -> usize {
        // SAFETY: as in `status`; the field is aligned and only ever exchanged while the IRP can be cancelled.
        let field = unsafe { AtomicUsize::from_ptr((&raw mut (*self.raw()).CancelRoutine).cast()) };
        field.swap(routine, Ordering::SeqCst)
    }

    /// Keeps a word of the holder in the IRP (`Tail.Overlay.DriverContext[0]`).
    pub(super) fn set_context(self, word: usize) {
        // SAFETY: as in `status`; the holder owns the driver context.
        unsafe {
            (*self.raw()).Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext[0] =
                word as *mut c_void
        };
    }

    /// The word that the holder keeps in the IRP.
    pub(super) fn context(self) -> usize {
        // SAFETY: as in `set_context`.
        unsafe { (*self.raw()).Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext[0] as usize }
    }

    /// IoMarkIrpPending.
    pub(super) fn mark_pending(self) {
        // SAFETY: as in `stack`.
        unsafe { (*self.stack()).Control |= PENDING_RETURNED };
    }

    /// IoSkipCurrentIrpStackLocation.
    pub(super) fn skip(self) {
        // SAFETY: as in `stack`; the location above belongs to the sender and stays valid.
        unsafe {
            (*self.raw()).CurrentLocation += 1;
            let current =
                &raw mut (*self.raw()).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
            *current = (*current).add(1);
        }
    }

    /// IoSetNextIrpStackLocation: undoes [`Irp::skip`].
    pub(super) fn unskip(self) {
        // SAFETY: as in `skip`; the location below is there, since it was skipped.
        unsafe {
            (*self.raw()).CurrentLocation -= 1;
            let current =
                &raw mut (*self.raw()).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
            *current = (*current).sub(1);
        }
    }

    /// IoCopyCurrentIrpStackLocationToNext.
    pub(super) fn copy_to_next(self) {
        let current = self.stack();
        // SAFETY: as in `stack`; an IRP that goes down has a next location. The completion routine is not copied.
        unsafe {
            let next = current.sub(1);
            let length = std::mem::offset_of!(sys::IO_STACK_LOCATION, CompletionRoutine);
            next.cast::<u8>().copy_from_nonoverlapping(current.cast(), length);
            (*next).Control = 0;
        }
    }

    /// IoSetCompletionRoutine for every outcome.
    pub(super) fn set_completion_routine(self, routine: CompletionRoutine, context: usize) {
        // SAFETY: as in `copy_to_next`; the routine's type is the field's.
        unsafe {
            let next = self.stack().sub(1);
            (*next).CompletionRoutine =
                std::mem::transmute::<usize, sys::PIO_COMPLETION_ROUTINE>(routine as usize);
            (*next).Context = context as *mut c_void;
            (*next).Control = INVOKE_ALWAYS;
        }
    }

    /// Completes the IRP with the status it has.
    pub(super) fn complete(self, boost: i8) {
        kernel::complete(self, boost);
    }

    /// Sets the status, leaves Information as it is, completes, and returns the status.
    pub(super) fn complete_with(self, status: Status) -> Status {
        self.set_status(status);
        self.complete(0);
        status
    }

    /// Hands the IRP to the next driver below and forgets it.
    pub(super) fn forward(self, lower: usize) -> Status {
        self.skip();
        kernel::call_driver(lower, self)
    }

    /// Hands the IRP to the next driver below and takes it back when that one has completed it. PASSIVE_LEVEL.
    pub(super) fn forward_and_wait(self, lower: usize) -> Status {
        let done = Event::notification();
        self.copy_to_next();
        self.set_completion_routine(signal, std::ptr::from_ref(&done) as usize);
        kernel::call_driver(lower, self);
        done.wait();
        self.status()
    }
}

/// Asks the stack whose device is `target` for an interface (IRP_MN_QUERY_INTERFACE of the caller's own). PASSIVE_LEVEL.
pub(super) fn query_interface(target: usize, query: &InterfaceQuery) -> Status {
    own(target, PNP, QUERY_INTERFACE, |next| {
        // SAFETY: the location is the new IRP's first, which nobody else has yet.
        let parameters = unsafe { &mut (*next).Parameters.QueryInterface };
        parameters.InterfaceType = query.guid as *const _;
        parameters.Size = query.size;
        parameters.Version = query.version;
        parameters.Interface = query.buffer as *mut _;
        parameters.InterfaceSpecificData = query.specific_data as *mut _;
    })
}

/// Asks the stack whose device is `target` for its capabilities. PASSIVE_LEVEL.
pub(super) fn query_capabilities(target: usize, capabilities: &mut sys::DEVICE_CAPABILITIES) -> Status {
    let capabilities = std::ptr::from_mut(capabilities);
    own(target, PNP, QUERY_CAPABILITIES, |next| {
        // SAFETY: as in `query_interface`.
        unsafe { (*next).Parameters.DeviceCapabilities.Capabilities = capabilities };
    })
}

/// Sends a device power IRP through the whole stack of a physical device (PoRequestPowerIrp) and waits for its end.
/// PASSIVE_LEVEL.
pub(super) fn set_device_power(physical_device: usize, state: u32) -> Status {
    let mut status = status::SUCCESS;
    kernel::with_top_of_stack(physical_device, |top| {
        status = own(top, POWER, SET_POWER, |next| {
            // SAFETY: as in `query_interface`.
            let power = unsafe { &mut (*next).Parameters.Power };
            power.Type = DEVICE_POWER_STATE;
            power.State.DeviceState = state as i32;
        });
    });
    status
}

/// The parameters of IRP_MN_QUERY_INTERFACE.
#[derive(Clone, Copy, Debug)]
pub(super) struct InterfaceQuery {
    /// Address of the interface's GUID.
    pub(super) guid: usize,
    /// Address of the caller's INTERFACE.
    pub(super) buffer: usize,
    /// Its size in bytes.
    pub(super) size: u16,
    /// The version asked for.
    pub(super) version: u16,
    /// InterfaceSpecificData.
    pub(super) specific_data: usize,
}

/// Sends an IRP of the framework's own and waits for its end.
fn own(target: usize, major: u8, minor: u8, fill: impl FnOnce(*mut sys::IO_STACK_LOCATION)) -> Status {
    let Some(irp) = kernel::allocate_irp(target) else { return status::INSUFFICIENT_RESOURCES };
    irp.set_status(status::NOT_SUPPORTED);
    let done = Event::notification();
    irp.set_completion_routine(signal, std::ptr::from_ref(&done) as usize);
    // SAFETY: a new IRP's next location is the first driver's, there since the IRP has at least one.
    let next = unsafe { irp.stack().sub(1) };
    // SAFETY: as above.
    unsafe {
        (*next).MajorFunction = major;
        (*next).MinorFunction = minor;
    }
    fill(next);
    kernel::call_driver(target, irp);
    done.wait();
    let status = irp.status();
    kernel::free_irp(irp);
    status
}

/// Completion routine: signals the event it was given and keeps the IRP for its owner.
extern "win64" fn signal(_device: usize, _irp: usize, event: usize) -> Status {
    // SAFETY: the owner waits for this event, which lives on its stack until then.
    unsafe { &*(event as *const Event) }.set();
    status::MORE_PROCESSING_REQUIRED
}

/// IO_COMPLETION_ROUTINE: device object, IRP, context.
pub(super) type CompletionRoutine = extern "win64" fn(usize, usize, usize) -> Status;

/// IRP_MJ_PNP.
pub(super) const PNP: u8 = 0x1B;
const POWER: u8 = 0x16;
const SET_POWER: u8 = 0x02;
const DEVICE_POWER_STATE: i32 = 1;
const QUERY_INTERFACE: u8 = 0x08;
const QUERY_CAPABILITIES: u8 = 0x09;
const PENDING_RETURNED: u8 = 0x01;
const INVOKE_ALWAYS: u8 = 0xE0;
