//! WDFREQUEST: an IRP that waits in a queue or that the driver has.
//!
//! ```text
//!          arrive            present / retrieve            complete
//!  Fresh ─────────► Waiting ───────────────────► Driver ──────────────► Gone
//!                      ▲                            │
//!                      └── forward, requeue ────────┘
//! ```
//!
//! Completion is `request_completion`, cancellation `request_cancel`, buffers `request_buffer`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::irp::Irp;
use super::loader;
use super::memory::Memory;
use super::object::{self, Object};
use super::queue::Queue;
use super::queue_state::Queued;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::Rule;
use crate::sys;

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    /// The common part.
    pub(super) object: Arc<Object>,
    /// Whose request it is.
    pub(super) device: Arc<Device>,
    state: Mutex<RequestState>,
}

/// The part of a request that changes.
#[derive(Debug)]
pub(super) struct RequestState {
    /// The IRP, until it is completed or sent off.
    pub(super) irp: Option<Irp>,
    /// The queue it waits in or was presented by.
    pub(super) queue: Option<Arc<Queue>>,
    /// Who has it.
    pub(super) place: Place,
    /// The driver has seen it.
    pub(super) presented: bool,
    /// It was cancelled while the framework knew how.
    pub(super) cancelled: bool,
    /// EvtRequestCancel while it is cancelable, 0 otherwise.
    pub(super) cancel_function: usize,
    /// The driver marked it cancelable and did not succeed in taking that back: what the verifier looks at.
    pub(super) marked: bool,
    /// EvtRequestCancel or EvtIoCanceledOnQueue was called for it.
    pub(super) cancel_called: bool,
    /// The driver deleted it.
    pub(super) deleted: bool,
    /// What the driver answered to EvtIoStop.
    pub(super) acknowledgement: Acknowledgement,
    /// EvtIoStop was called for it and it was not acknowledged yet.
    pub(super) in_stop_callback: bool,
    /// Memory objects made for its buffers: input, output.
    pub(super) buffers: [Option<Arc<Memory>>; 2],
    /// MDL made for its system buffer, 0 for none.
    pub(super) mdl: usize,
}

/// Who has a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The framework, on the way to a queue.
    Fresh,
    /// A queue.
    Waiting,
    /// The driver.
    Driver,
    /// Nobody: completed, or sent off for good.
    Gone,
}

/// What a driver answered to EvtIoStop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acknowledgement {
    /// Nothing yet.
    None,
    /// It keeps the request over the stop.
    Keep,
    /// It gives the request back to the queue.
    Requeue,
}

impl Kind for Request {
    const NAME: &'static str = "WDFREQUEST";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Request {
    /// Makes the request of an IRP that has arrived at a device.
    pub(super) fn new(device: &Arc<Device>, irp: Irp) -> Result<Arc<Self>, Status> {
        let attributes = &device.settings.request_attributes;
        object::create(&device.object.binding, attributes, Some(&device.object), |object| Self {
            object,
            device: device.clone(),
            state: Mutex::new(RequestState {
                irp: Some(irp),
                queue: None,
                place: Place::Fresh,
                presented: false,
                cancelled: false,
                cancel_function: 0,
                marked: false,
                cancel_called: false,
                deleted: false,
                acknowledgement: Acknowledgement::None,
                in_stop_callback: false,
                buffers: [None, None],
                mdl: 0,
            }),
        })
    }

    /// The handle.
    pub(super) fn handle(&self) -> Handle {
        self.object.handle
    }

    /// The part that changes. LOCK: a leaf, below the queue's.
    pub(super) fn state(&self) -> MutexGuard<'_, RequestState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The IRP, while there is one.
    pub(super) fn irp(&self) -> Option<Irp> {
        self.state().irp
    }

    /// The IRP for a call of the driver; ends the run when the request is completed.
    ///
    /// The framework itself crashes there (trace `misuse-buffer-after-complete-verifier`).
    pub(super) fn irp_for_driver(&self) -> Irp {
        self.irp().unwrap_or_else(|| {
            crate::judge::violation(Rule::ObjectState, "the request is completed");
        })
    }

    /// The queue it waits in or was presented by.
    pub(super) fn queue(&self) -> Option<Arc<Queue>> {
        self.state().queue.clone()
    }

    /// Sets the queue it goes to.
    pub(super) fn set_queue(&self, queue: &Arc<Queue>) {
        self.state().queue = Some(queue.clone());
    }

    /// Address of its file object, 0 for none.
    pub(super) fn file_object(&self) -> usize {
        self.irp().map_or(0, Irp::file_object)
    }

    /// The driver gets it.
    pub(super) fn give_to_driver(&self) {
        self.state().place = Place::Driver;
    }

    /// The framework takes it back.
    pub(super) fn take_from_driver(&self) {
        self.state().place = Place::Fresh;
    }

    /// The driver sees it: if it is cancelled in a queue later, EvtIoCanceledOnQueue is called.
    pub(super) fn set_presented(&self) {
        self.state().presented = true;
    }

    /// Whether the driver has seen it.
    pub(super) fn was_presented(&self) -> bool {
        self.state().presented
    }

    /// Remembers whether EvtIoStop is on for it.
    pub(super) fn set_in_stop_callback(&self, on: bool) {
        self.state().in_stop_callback = on;
    }

    /// What the verifier finds when the driver uses a request it does not have; `Ok` without the verifier too when
    /// `strict` is not asked for.
    pub(super) fn expect_driver_owns(&self) -> Result<(), Status> {
        if self.state().place == Place::Driver {
            return Ok(());
        }
        verify::finding(Rule::ObjectState, "the request is not owned by the driver");
        Err(status::INVALID_DEVICE_REQUEST)
    }

    /// What the verifier finds when the driver must take back that it marked a request cancelable.
    pub(super) fn expect_unmarked(&self) -> Result<(), Status> {
        if self.state().marked && verify::verifier() {
            verify::finding(
                Rule::ObjectState,
                "the request should be unmarked by WdfRequestUnmarkCancelable first",
            );
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        Ok(())
    }
}

/// Stores the parameters of a request's IRP into a WDF_REQUEST_PARAMETERS.
pub(super) fn write_parameters(request: &Request, address: usize) {
    let irp = request.irp_for_driver();
    let stack = irp.parameters();
    let mut parameters: sys::WDF_REQUEST_PARAMETERS = driver_memory::read(address);
    if usize::from(parameters.Size) < size_of::<sys::WDF_REQUEST_PARAMETERS>() {
        let size = parameters.Size;
        verify::finding(Rule::BadParameter, format_args!("WDF_REQUEST_PARAMETERS.Size is {size}"));
        return;
    }
    parameters.Size = size_of::<sys::WDF_REQUEST_PARAMETERS>() as u16;
    parameters.MinorFunction = stack.MinorFunction;
    parameters.Type = i32::from(stack.MajorFunction) as _;
    // The four words of both unions have the same layout; where one is narrower, the stack location's rest is zero.
    let words = std::ptr::from_ref(&stack.Parameters).cast::<[usize; 4]>();
    // SAFETY: both unions are at least four words and plain data.
    unsafe {
        std::ptr::from_mut(&mut parameters.Parameters)
            .cast::<[usize; 4]>()
            .write_unaligned(words.read_unaligned())
    };
    driver_memory::write(address, parameters);
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfRequestGetParameters,
        WdfRequestGetIoQueue,
        WdfRequestGetFileObject,
        WdfRequestGetRequestorMode,
        WdfRequestGetStatus,
        WdfRequestGetInformation,
        WdfRequestSetInformation,
        WdfRequestIsReserved,
        WdfRequestIsFrom32BitProcess,
        WdfRequestWdmGetIrp,
        WdfRequestForwardToIoQueue,
        WdfRequestRequeue,
        WdfRequestStopAcknowledge,
    ]
}

/// Returns what the request asks for. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestGetParameters(globals: usize, request: Handle, parameters: usize) {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    verify::required(parameters, "Parameters");
    write_parameters(&request, parameters);
}

/// Returns the queue that presented the request, NULL for one that came without. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestGetIoQueue(globals: usize, request: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Request>(request).queue().map_or(0, |queue| queue.handle())
}

/// Returns the WDFFILEOBJECT of the request's file object, NULL for none. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestGetFileObject(globals: usize, request: Handle) -> Handle {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    let file_object = request.irp_for_driver().file_object();
    request.device.files.of(file_object).map_or(0, |file| file.object.handle)
}

/// Returns the mode the request came from: 0 kernel, 1 user. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestGetRequestorMode(globals: usize, request: Handle) -> i8 {
    loader::binding(globals);
    handle::of::<Request>(request).irp_for_driver().requestor_mode()
}

/// Returns the status that the IRP has now. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestGetStatus(globals: usize, request: Handle) -> Status {
    loader::binding(globals);
    handle::of::<Request>(request).irp_for_driver().status()
}

/// Returns the IRP's Information. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestGetInformation(globals: usize, request: Handle) -> usize {
    loader::binding(globals);
    handle::of::<Request>(request).irp_for_driver().information()
}

/// Sets the IRP's Information. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestSetInformation(globals: usize, request: Handle, information: usize) {
    loader::binding(globals);
    handle::of::<Request>(request).irp_for_driver().set_information(information);
}

/// Whether the request is one that was set aside for low memory; none is. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestIsReserved(globals: usize, request: Handle) -> u8 {
    loader::binding(globals);
    handle::of::<Request>(request);
    0
}

/// Whether the sender is a 32-bit process; none is. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestIsFrom32BitProcess(globals: usize, request: Handle) -> u8 {
    loader::binding(globals);
    handle::of::<Request>(request);
    0
}

/// Returns the request's IRP. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestWdmGetIrp(globals: usize, request: Handle) -> usize {
    loader::binding(globals);
    handle::of::<Request>(request).irp().map_or(0, Irp::address)
}

/// Moves a request that the driver has to another queue of its device.
///
/// Refusals as in traces `queue-forward`, `cancel-forward-marked-verifier`, `misuse-forward-after-complete-verifier`. The
/// request still counts as presented by its old queue while the new one presents it. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestForwardToIoQueue(globals: usize, request: Handle, destination: Handle) -> Status {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    let destination = handle::of::<Queue>(destination);
    verify::up_to_dispatch_level();
    if request.state().place == Place::Gone {
        verify::finding(Rule::ObjectState, "the request does not belong to any queue");
        return status::INVALID_DEVICE_REQUEST;
    }
    if let Err(status) = request.expect_driver_owns().and_then(|()| request.expect_unmarked()) {
        return status;
    }
    let Some(source) = request.queue() else { return status::INVALID_DEVICE_REQUEST };
    if !Arc::ptr_eq(&request.device, &destination.device()) {
        verify::finding(Rule::BadParameter, "the queue is another device's");
        return status::INVALID_DEVICE_REQUEST;
    }
    source.state().take_from_driver(&request);
    let waits = {
        let mut state = destination.state();
        if state.accepts {
            request.take_from_driver();
            request.set_queue(&destination);
            Some(state.append(&request))
        } else {
            None
        }
    };
    match waits {
        None => {
            source.state().owned.push(request);
            return status::WDF_BUSY;
        }
        Some(true) => {
            destination.run_events();
        }
        Some(false) => destination.cancel_waiting(request),
    }
    source.state().driver_count -= 1;
    source.run_events_unless_inside();
    status::SUCCESS
}

/// Puts a request that the driver took from a manual queue back to its head. IRQL <= DISPATCH_LEVEL.
///
/// STATUS_INVALID_DEVICE_REQUEST for other queues (trace `queue-forward`).
extern "win64" fn WdfRequestRequeue(globals: usize, request: Handle) -> Status {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    if let Err(status) = request.expect_driver_owns().and_then(|()| request.expect_unmarked()) {
        return status;
    }
    let Some(queue) = request.queue() else { return status::INVALID_DEVICE_REQUEST };
    if queue.config.dispatch != super::queue::Dispatch::Manual {
        return status::INVALID_DEVICE_REQUEST;
    }
    let waits = {
        let mut state = queue.state();
        state.take_from_driver(&request);
        state.driver_count -= 1;
        request.take_from_driver();
        let waits = !state.cancels_dispatched && request.begin_waiting();
        if waits {
            state.transition_from_empty |= state.waiting.is_empty();
            state.waiting.push_front(request.clone());
        }
        waits
    };
    if waits {
        queue.run_events();
    } else {
        queue.cancel_waiting(request);
    }
    status::SUCCESS
}

/// Answers EvtIoStop: the request stays with the driver over the stop, or goes back to its queue. IRQL <=
/// DISPATCH_LEVEL.
///
/// Judged: a call outside of EvtIoStop (trace `misuse-stop-ack-outside-verifier`).
extern "win64" fn WdfRequestStopAcknowledge(globals: usize, request: Handle, requeue: u8) {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    if request.expect_driver_owns().is_err() {
        return;
    }
    if !request.state().in_stop_callback {
        verify::finding(Rule::ObjectState, "WdfRequestStopAcknowledge is valid in EvtIoStop only");
        return;
    }
    if requeue != 0 && request.expect_unmarked().is_err() {
        return;
    }
    request.state().acknowledgement =
        if requeue == 0 { Acknowledgement::Keep } else { Acknowledgement::Requeue };
    if let Some(queue) = request.queue() {
        queue.run_events_unless_inside();
    }
}
