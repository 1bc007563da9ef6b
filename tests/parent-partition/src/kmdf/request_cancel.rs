//! Cancellation: of requests that wait in a queue, and of those that their driver marked cancelable.
//!
//! LOCK: an IRP's cancel routine is entered with the cancel spin lock held and gives it back first; the exchange of the
//! routine decides who has the IRP, as in any cancel-safe queue.

use std::sync::Arc;

use super::callback;
use super::handle::{self, Handle};
use super::irp::Irp;
use super::kernel;
use super::loader;
use super::queue_state::Queued;
use super::request::{Acknowledgement, Place, Request};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::Rule;

impl Queued for Request {
    fn begin_waiting(&self) -> bool {
        let Some(irp) = self.irp() else { return false };
        self.state().place = Place::Waiting;
        self.arm(irp, cancel_waiting as *const () as usize)
    }

    fn end_waiting(&self) -> bool {
        let taken = self.irp().is_some_and(|irp| irp.set_cancel_routine(0) != 0);
        if taken {
            self.state().place = Place::Fresh;
        }
        taken
    }

    fn acknowledgement(&self) -> Acknowledgement {
        self.state().acknowledgement
    }

    fn take_requeue(&self) -> bool {
        let mut state = self.state();
        let requeue = state.acknowledgement == Acknowledgement::Requeue;
        if requeue {
            state.acknowledgement = Acknowledgement::None;
            state.in_stop_callback = false;
        }
        requeue
    }

    fn forget_acknowledgement(&self) {
        let mut state = self.state();
        state.acknowledgement = Acknowledgement::None;
        state.in_stop_callback = false;
    }
}

impl Request {
    /// Takes back that the request is cancelable, to cancel it; false when it is not, or is being cancelled.
    pub(super) fn take_mark(&self) -> bool {
        let marked = self.is_marked_cancelable();
        marked && self.irp().is_some_and(|irp| irp.set_cancel_routine(0) != 0)
    }

    /// Whether the driver marked it cancelable and it was not cancelled since.
    pub(super) fn is_marked_cancelable(&self) -> bool {
        let state = self.state();
        state.cancel_function != 0 && !state.cancelled
    }

    /// Whether it was cancelled while the framework knew how.
    pub(super) fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Notes that it is being cancelled.
    pub(super) fn set_cancelled(&self) {
        let mut state = self.state();
        state.cancelled = true;
        if state.place == Place::Waiting {
            state.place = Place::Fresh;
            state.marked = false;
        }
    }

    /// Stays on its queue's list of cancelable requests while it is completed, as the framework has it: the next purge calls
    /// EvtRequestCancel for what is gone by then (trace `cancel-complete-marked-verifier`).
    pub(super) fn leave_cancelable(self: &Arc<Self>) {
        let function = self.state().cancel_function;
        if let Some(queue) = self.queue() {
            // The handle stays, so that what the driver does with it can be told.
            self.object.reference();
            queue.state().left_cancelable.push((Arc::clone(self), function));
        }
    }

    /// Calls the driver's EvtRequestCancel, once.
    pub(super) fn call_cancel(&self) {
        let function = {
            let mut state = self.state();
            state.cancel_called = true;
            std::mem::take(&mut state.cancel_function)
        };
        callback::notify(function, &[self.handle() as u64]);
    }

    fn arm(&self, irp: Irp, routine: usize) -> bool {
        irp.set_context(self.handle());
        irp.set_cancel_routine(routine);
        // A cancellation between these two steps is either seen here or runs the routine.
        !(irp.is_cancelled() && irp.set_cancel_routine(0) != 0)
    }

    /// Marks the request cancelable: what MarkCancelable and MarkCancelableEx have in common.
    fn mark(self: &Arc<Self>, function: usize, call_if_cancelled: bool) -> Result<(), Status> {
        if self.state().place == Place::Gone {
            verify::finding(Rule::ObjectState, "the request does not belong to any queue");
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        self.expect_driver_owns()?;
        self.expect_unmarked()?;
        let (irp, queue) = {
            let mut state = self.state();
            let (Some(irp), Some(queue)) = (state.irp, state.queue.clone()) else {
                return Err(status::INVALID_DEVICE_REQUEST);
            };
            state.marked = true;
            state.cancel_function = function;
            (irp, queue)
        };
        let purging = queue.state().cancels_dispatched;
        if !purging && self.arm(irp, cancel_marked as *const () as usize) {
            return Ok(());
        }
        if call_if_cancelled {
            queue.cancel_owned(self.clone());
            return Ok(());
        }
        let mut state = self.state();
        state.cancel_function = 0;
        state.marked = false;
        Err(status::CANCELLED)
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfRequestMarkCancelable,
        WdfRequestMarkCancelableEx,
        WdfRequestUnmarkCancelable,
        WdfRequestIsCanceled,
    ]
}

/// Marks a request cancelable; EvtRequestCancel is called inside when it was cancelled before
/// (trace `cancel-unmarked-mark`). IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestMarkCancelable(globals: usize, request: Handle, function: usize) {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    verify::required(function, "EvtRequestCancel");
    verify::up_to_dispatch_level();
    // The page has no status to return; what is wrong is a finding already.
    request.mark(function, true).ok();
}

/// Marks a request cancelable; STATUS_CANCELLED when it was cancelled before (trace `cancel-before-send`). IRQL <=
/// DISPATCH_LEVEL.
extern "win64" fn WdfRequestMarkCancelableEx(globals: usize, request: Handle, function: usize) -> Status {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    verify::required(function, "EvtRequestCancel");
    verify::up_to_dispatch_level();
    request.mark(function, false).err().unwrap_or(status::SUCCESS)
}

/// Takes the mark back; STATUS_CANCELLED when EvtRequestCancel was or will be called. IRQL <= DISPATCH_LEVEL.
///
/// Judged: a request that is not marked (trace `cancel-never-marked-verifier`).
extern "win64" fn WdfRequestUnmarkCancelable(globals: usize, request: Handle) -> Status {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    verify::up_to_dispatch_level();
    if request.expect_driver_owns().is_err() {
        return status::INVALID_DEVICE_REQUEST;
    }
    if verify::verifier() && !request.state().marked {
        verify::finding(Rule::ObjectState, "the request is not cancelable");
        return status::INVALID_DEVICE_REQUEST;
    }
    if !request.take_mark() {
        return status::CANCELLED;
    }
    let mut state = request.state();
    state.cancel_function = 0;
    state.marked = false;
    status::SUCCESS
}

/// Whether the IRP was cancelled. IRQL <= DISPATCH_LEVEL.
///
/// Judged: a request that is marked cancelable, in EvtRequestCancel too (trace `cancel-marked-verifier`).
extern "win64" fn WdfRequestIsCanceled(globals: usize, request: Handle) -> u8 {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    if verify::verifier() && (request.expect_driver_owns().is_err() || request.expect_unmarked().is_err()) {
        return 0;
    }
    u8::from(request.irp_for_driver().is_cancelled())
}

/// Cancel routine of IRPs that wait in a queue.
extern "win64" fn cancel_waiting(_device: usize, irp: usize) {
    let Some(request) = entered(irp) else { return };
    if let Some(queue) = request.queue() {
        queue.state().waiting.retain(|other| !Arc::ptr_eq(other, &request));
        queue.cancel_waiting(request);
    }
}

/// Cancel routine of IRPs that their driver marked cancelable.
extern "win64" fn cancel_marked(_device: usize, irp: usize) {
    let Some(request) = entered(irp) else { return };
    if let Some(queue) = request.queue() {
        queue.cancel_owned(request);
    }
}

fn entered(irp: usize) -> Option<Arc<Request>> {
    let irp = Irp::new(irp);
    kernel::release_cancel_spin_lock(irp);
    handle::try_of(irp.context()).ok()
}
