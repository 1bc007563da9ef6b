//! IRPs that a device sees before the framework does: three minor functions of `IRP_MJ_PNP`, and how a file ends.
//!
//! The framework has no callback for a cancelled stop, does not tell an interface's provider what size was asked for,
//! waits at removal for requests that this driver holds, and keeps no files of a filter: these IRPs are looked at first.
#![expect(unsafe_code, reason = "IRPs are raw memory of the I/O manager")]

use core::{ffi::c_void, mem::offset_of};

use backchannel::{NtStatus, abi::GUID};
use wdk_sys::{
    IO_NO_INCREMENT, IO_STACK_LOCATION, IRP, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_PNP,
    IRP_MN_CANCEL_STOP_DEVICE, IRP_MN_QUERY_INTERFACE, IRP_MN_REMOVE_DEVICE, NTSTATUS, PDEVICE_OBJECT,
    PFN_WDFDEVICE_WDM_IRP_PREPROCESS, PIRP, PWDFDEVICE_INIT, SL_INVOKE_ON_CANCEL, SL_INVOKE_ON_ERROR,
    SL_INVOKE_ON_SUCCESS, SL_PENDING_RETURNED, STATUS_SUCCESS, WDFDEVICE, WDFREQUEST,
    call_unsafe_wdf_function_binding,
    ntddk::{IoForwardIrpSynchronously, IofCompleteRequest},
};

use crate::{
    storage::Reference,
    wdf::{
        checked,
        context::{self, Context},
    },
};

/// What a device does with IRPs that it sees first; every function runs at `PASSIVE_LEVEL` unless it says otherwise.
pub(crate) trait PnpIrps: Context {
    /// What interfaces are references to.
    type Behind: Sync;

    /// Somebody asks for an interface; the reference that an answer holds, or why it is refused. `None` where the
    /// interface is not one of the device's.
    fn answer(&self, query: &InterfaceQuery) -> Option<Result<Reference<Self::Behind>, NtStatus>>;

    /// The stop that was asked for is cancelled, and the drivers below are done with that. Up to `DISPATCH_LEVEL`.
    fn stop_cancelled(&self);

    /// The device is about to be removed.
    fn removing(&self);

    /// The last handle of a file of the device is closed; and then its last reference is gone.
    fn closed(&self, file: File);
}

/// A file of the device, as requests and handles know it; 0 stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct File(usize);

impl File {
    /// No file.
    pub(crate) const NONE: Self = Self(0);

    /// The file at an address.
    pub(crate) const fn at(address: usize) -> Self {
        Self(address)
    }

    /// The file that a request was sent on.
    ///
    /// # Safety
    /// This driver holds the request.
    pub(crate) unsafe fn of(request: WDFREQUEST) -> Self {
        // SAFETY: our caller.
        let irp = Irp(unsafe { call_unsafe_wdf_function_binding!(WdfRequestWdmGetIrp, request) });
        irp.file()
    }
}

/// `IRP_MN_QUERY_INTERFACE` on its way down.
#[derive(Debug)]
pub(crate) struct InterfaceQuery {
    identity: GUID,
    size: u16,
    version: u16,
    destination: *mut c_void,
}

impl InterfaceQuery {
    /// The interface that is asked for.
    pub(crate) const fn identity(&self) -> &GUID {
        &self.identity
    }

    /// The size of the place for the answer, in bytes, and the version that is asked for.
    pub(crate) const fn size_and_version(&self) -> (u16, u16) {
        (self.size, self.version)
    }

    /// Writes the answer; refused where the place is smaller.
    pub(crate) fn write<T: Copy>(&self, table: T) -> bool {
        if usize::from(self.size) < size_of::<T>() || self.destination.is_null() {
            return false;
        }
        // SAFETY: who asks promises `size` bytes there (IRP_MN_QUERY_INTERFACE).
        unsafe { self.destination.cast::<T>().write_unaligned(table) };
        true
    }
}

/// Lets a device see the IRPs of [`PnpIrps`] first.
///
/// # Errors
/// What the framework says.
///
/// # Safety
/// `init` is the argument of a running `EvtDriverDeviceAdd`.
pub(crate) unsafe fn see_first<T: PnpIrps>(init: PWDFDEVICE_INIT) -> Result<(), NtStatus> {
    let mut minors = [QUERY_INTERFACE, CANCEL_STOP_DEVICE, REMOVE_DEVICE];
    // No minor function is all of them.
    let seen: [(PFN_WDFDEVICE_WDM_IRP_PREPROCESS, u8, &mut [u8]); 3] = [
        (Some(closed::<T>), const { narrow(IRP_MJ_CLEANUP) }, &mut []),
        (Some(closed::<T>), const { narrow(IRP_MJ_CLOSE) }, &mut []),
        (Some(preprocess::<T>), const { narrow(IRP_MJ_PNP) }, &mut minors),
    ];
    seen.into_iter().try_for_each(|(callback, major, minors)| {
        let count = u32::try_from(minors.len()).unwrap_or(0);
        let minors = if minors.is_empty() { core::ptr::null_mut() } else { minors.as_mut_ptr() };
        // SAFETY: our caller vouches for `init`; KMDF copies the minor functions.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitAssignWdmIrpPreprocessCallback,
                init,
                callback,
                major,
                minors,
                count,
            )
        })
    })
}

unsafe extern "C" fn preprocess<T: PnpIrps>(device: WDFDEVICE, irp: PIRP) -> NTSTATUS {
    let irp = Irp(irp);
    match (irp.minor(), context::of::<T>(device)) {
        (QUERY_INTERFACE, Some(context)) => answer(context, device, &irp),
        (CANCEL_STOP_DEVICE, Some(_)) => {
            irp.copy_to_next();
            irp.notify_on_completion::<T>(device);
            irp.dispatch(device)
        }
        (REMOVE_DEVICE, Some(context)) => {
            context.removing();
            irp.skip();
            irp.dispatch(device)
        }
        _ => {
            irp.skip();
            irp.dispatch(device)
        }
    }
}

/// `IRP_MJ_CLEANUP` and `IRP_MJ_CLOSE`.
unsafe extern "C" fn closed<T: PnpIrps>(device: WDFDEVICE, irp: PIRP) -> NTSTATUS {
    let irp = Irp(irp);
    if let Some(context) = context::of::<T>(device) {
        context.closed(irp.file());
    }
    irp.skip();
    irp.dispatch(device)
}

fn answer<T: PnpIrps>(context: &T, device: WDFDEVICE, irp: &Irp) -> NTSTATUS {
    let reference = match irp.query().and_then(|query| context.answer(&query)) {
        Some(Ok(reference)) => reference,
        Some(Err(refused)) => {
            irp.set_status(refused.raw());
            irp.complete();
            return refused.raw();
        }
        None => {
            irp.skip();
            return irp.dispatch(device);
        }
    };
    // The question goes on down, as an answered one does, and not to the framework's own table.
    irp.set_status(STATUS_SUCCESS);
    let status = irp.forward_and_wait(device);
    if checked(status).is_ok() {
        reference.hand_out();
    }
    irp.complete();
    status
}

/// SPEC: abi 6.28: a cancelled stop has no callback of the framework's; the conversation goes on when the drivers below
/// have completed it.
unsafe extern "C" fn completed<T: PnpIrps>(
    _device: PDEVICE_OBJECT,
    irp: PIRP,
    context: *mut c_void,
) -> NTSTATUS {
    let irp = Irp(irp);
    irp.propagate_pending();
    if let Some(context) = context::of::<T>(context.cast()) {
        context.stop_cancelled();
    }
    STATUS_SUCCESS
}

/// An IRP that this driver holds: between its preprocess callback and the IRP's next owner, or in a completion routine.
struct Irp(*mut IRP);

impl Irp {
    /// Where the IRP keeps its current stack location.
    fn current(&self) -> *mut *mut IO_STACK_LOCATION {
        // SAFETY: the I/O manager keeps the IRP while we hold it; of the unions, these are the parts of an IRP in flight.
        unsafe { &raw mut (*self.0).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation }
    }

    fn location(&self) -> *mut IO_STACK_LOCATION {
        // SAFETY: an IRP in flight has a current stack location.
        unsafe { self.current().read() }
    }

    fn minor(&self) -> u8 {
        // SAFETY: an IRP in flight has a current stack location.
        unsafe { (*self.location()).MinorFunction }
    }

    fn file(&self) -> File {
        // SAFETY: an IRP in flight has a current stack location.
        File(unsafe { (*self.location()).FileObject }.addr())
    }

    fn query(&self) -> Option<InterfaceQuery> {
        // SAFETY: an IRP in flight has a current stack location.
        let query = unsafe { &raw const (*self.location()).Parameters.QueryInterface };
        // SAFETY: the minor function selects this part of the union.
        let query = unsafe { query.read() };
        let identity = query.InterfaceType.cast::<GUID>();
        if identity.is_null() {
            return None;
        }
        // SAFETY: who asks keeps the identifier until the IRP is completed.
        let identity = unsafe { identity.read_unaligned() };
        let destination = query.Interface.cast();
        Some(InterfaceQuery { identity, size: query.Size, version: query.Version, destination })
    }

    fn set_status(&self, status: NTSTATUS) {
        // SAFETY: we hold the IRP.
        let place = unsafe { &raw mut (*self.0).IoStatus.__bindgen_anon_1.Status };
        // SAFETY: as above.
        unsafe { place.write(status) };
    }

    fn status(&self) -> NTSTATUS {
        // SAFETY: we hold the IRP.
        let place = unsafe { &raw const (*self.0).IoStatus.__bindgen_anon_1.Status };
        // SAFETY: as above.
        unsafe { place.read() }
    }

    /// `IoSkipCurrentIrpStackLocation`.
    fn skip(&self) {
        let above = self.location().wrapping_add(1);
        // SAFETY: we hold the IRP; who sent it owns the location above.
        unsafe { self.current().write(above) };
        // SAFETY: as above.
        let place = unsafe { &mut (*self.0).CurrentLocation };
        *place = place.wrapping_add(1);
    }

    /// `IoCopyCurrentIrpStackLocationToNext`.
    fn copy_to_next(&self) {
        let next = self.next();
        // SAFETY: KMDF adds a stack location for drivers with a preprocess callback; the completion routine is not copied.
        unsafe {
            core::ptr::copy_nonoverlapping(
                self.location().cast::<u8>(),
                next.cast::<u8>(),
                offset_of!(IO_STACK_LOCATION, CompletionRoutine),
            );
        }
        // SAFETY: as above.
        unsafe { (*next).Control = 0 };
    }

    /// `IoSetCompletionRoutine`, for every outcome.
    fn notify_on_completion<T: PnpIrps>(&self, device: WDFDEVICE) {
        let next = self.next();
        // SAFETY: the next location is ours to fill; the device lives until after its PnP IRPs.
        unsafe { (*next).CompletionRoutine = Some(completed::<T>) };
        // SAFETY: as above.
        unsafe { (*next).Context = device.cast() };
        // SAFETY: as above.
        unsafe {
            (*next).Control =
                const { narrow(SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL) }
        };
    }

    fn next(&self) -> *mut IO_STACK_LOCATION {
        self.location().wrapping_sub(1)
    }

    /// Gives the IRP back to the framework; it was skipped or copied.
    fn dispatch(&self, device: WDFDEVICE) -> NTSTATUS {
        // SAFETY: KMDF gave us the IRP and the device.
        unsafe { call_unsafe_wdf_function_binding!(WdfDeviceWdmDispatchPreprocessedIrp, device, self.0) }
    }

    fn forward_and_wait(&self, device: WDFDEVICE) -> NTSTATUS {
        // SAFETY: KMDF gave us the device.
        let below = unsafe { call_unsafe_wdf_function_binding!(WdfDeviceWdmGetAttachedDevice, device) };
        // SAFETY: we hold the IRP, at PASSIVE_LEVEL; the device is attached to the one below until it is removed.
        let _always_true = unsafe { IoForwardIrpSynchronously(below, self.0) };
        self.status()
    }

    fn complete(&self) {
        // SAFETY: we hold the IRP, and do not touch it after this.
        unsafe { IofCompleteRequest(self.0, const { narrow(IO_NO_INCREMENT) }.cast_signed()) };
    }

    /// What a completion routine does that lets completion go on.
    fn propagate_pending(&self) {
        // SAFETY: we hold the IRP during its completion routine.
        if unsafe { (*self.0).PendingReturned } == 0 {
            return;
        }
        let location = self.location();
        // SAFETY: as above; the current location is that of the driver whose routine this is.
        unsafe { (*location).Control |= const { narrow(SL_PENDING_RETURNED) } };
    }
}

const fn narrow(value: u32) -> u8 {
    assert!(value <= 0xFF, "the field has eight bits");
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the assertion above bounds it"
    )]
    {
        value as u8
    }
}

const QUERY_INTERFACE: u8 = narrow(IRP_MN_QUERY_INTERFACE);
const CANCEL_STOP_DEVICE: u8 = narrow(IRP_MN_CANCEL_STOP_DEVICE);
const REMOVE_DEVICE: u8 = narrow(IRP_MN_REMOVE_DEVICE);
