//! How a request ends: its IRP goes back to its sender, once.

use std::sync::Arc;

use super::handle::{self, Fault, Handle};
use super::irp::Irp;
use super::kernel;
use super::loader;
use super::queue::{MAJOR_DEVICE_CONTROL, MAJOR_READ, MAJOR_WRITE};
use super::request::{Place, Request};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify::{self, Violation};
use crate::judge::{self, Rule};

impl Request {
    /// Completes a request that the driver has. Cleanup callbacks run before the IRP goes, destroy callbacks after
    /// (trace `start`); then its queue goes on.
    pub(super) fn complete(self: &Arc<Self>, status: Status, boost: i8) {
        let (irp, queue) = {
            let mut state = self.state();
            let Some(irp) = state.irp.take() else { return };
            state.place = Place::Gone;
            if state.cancel_function != 0 {
                irp.set_cancel_routine(0);
                state.cancel_function = 0;
            }
            state.buffers = [None, None];
            kernel::free_mdl(std::mem::take(&mut state.mdl));
            (irp, state.queue.take())
        };
        if let Some(queue) = &queue {
            queue.state().take_from_driver(self);
        }
        self.finish(irp, status, boost);
        if let Some(queue) = queue {
            queue.state().driver_count -= 1;
            queue.run_events_unless_inside();
        }
    }

    /// Completes with STATUS_CANCELLED a request that never reached the driver, or that it gave back.
    pub(super) fn discard(self: &Arc<Self>) {
        self.refuse(status::CANCELLED);
    }

    /// Completes a request that is the framework's with a status of the framework's.
    pub(super) fn refuse(self: &Arc<Self>, status: Status) {
        let irp = {
            let mut state = self.state();
            state.place = Place::Gone;
            state.queue = None;
            state.irp.take()
        };
        if let Some(irp) = irp {
            irp.set_information(0);
            self.finish(irp, status, 0);
        }
    }

    /// Gives the IRP up without completing it, and ends the request: somebody below completes it.
    pub(super) fn release_irp(self: &Arc<Self>) -> Option<Irp> {
        let (irp, queue) = {
            let mut state = self.state();
            state.place = Place::Gone;
            kernel::free_mdl(std::mem::take(&mut state.mdl));
            (state.irp.take(), state.queue.take())
        };
        if let Some(queue) = &queue {
            queue.state().take_from_driver(self);
        }
        self.object.delete();
        if let Some(queue) = queue {
            queue.state().driver_count -= 1;
            queue.run_events_unless_inside();
        }
        irp
    }

    fn finish(&self, irp: Irp, status: Status, boost: i8) {
        let disposed = self.object.dispose() || self.state().deleted;
        irp.set_status(as_nt(status));
        irp.complete(boost);
        if disposed {
            self.object.release_children();
            self.object.dereference();
        }
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfRequestComplete, WdfRequestCompleteWithInformation, WdfRequestCompleteWithPriorityBoost]
}

/// Completes a request. IRQL <= DISPATCH_LEVEL (trace `misuse-complete-at-dispatch-verifier`).
///
/// Judged: a second completion, a request still marked cancelable, Information beyond the output buffer.
extern "win64" fn WdfRequestComplete(globals: usize, request: Handle, status: Status) {
    loader::binding(globals);
    complete(request, status, None, 0);
}

/// Completes a request and sets Information. IRQL <= DISPATCH_LEVEL. Judged as WdfRequestComplete.
extern "win64" fn WdfRequestCompleteWithInformation(
    globals: usize,
    request: Handle,
    status: Status,
    information: usize,
) {
    loader::binding(globals);
    complete(request, status, Some(information), 0);
}

/// Completes a request with a boost for who waits. IRQL <= DISPATCH_LEVEL. Judged as WdfRequestComplete.
extern "win64" fn WdfRequestCompleteWithPriorityBoost(
    globals: usize,
    request: Handle,
    status: Status,
    boost: i8,
) {
    loader::binding(globals);
    complete(request, status, None, boost);
}

fn complete(handle: Handle, status: Status, information: Option<usize>, boost: i8) {
    if let Err(Fault::Deleted(<Request as handle::Kind>::NAME)) = handle::try_of::<Request>(handle) {
        return completed_before("the request was completed before, and its handle is gone");
    }
    let request = handle::of::<Request>(handle);
    verify::up_to_dispatch_level();
    let (place, irp) = {
        let state = request.state();
        (state.place, state.irp)
    };
    let Some(irp) = irp else { return completed_before("the request was completed before") };
    if place != Place::Driver {
        verify::finding(Rule::DoubleCompletion, "the request is not owned by the driver");
        return;
    }
    if let Some(information) = information {
        irp.set_information(information);
    }
    if verify::verifier() {
        examine(&request, irp, status);
    }
    request.complete(status, boost);
}

/// A second completion: without the verifier the framework does not live on (trace `misuse-complete-twice-verifier`).
fn completed_before(detail: &str) {
    verify::finding(Rule::DoubleCompletion, detail);
    if !verify::verifier() {
        judge::violation(Rule::DoubleCompletion, detail);
    }
}

/// What the verifier looks at before a completion (trace `misuse-information-too-long-verifier`).
fn examine(request: &Arc<Request>, irp: Irp, status: Status) {
    let (marked, cancel_called, deleted) = {
        let state = request.state();
        (state.marked, state.cancel_called, state.deleted)
    };
    if deleted {
        verify::finding(Rule::ObjectState, "the request was deleted before it is completed");
    }
    if marked && !cancel_called {
        verify::finding(
            Rule::ObjectState,
            "a cancelable request is completed: call WdfRequestUnmarkCancelable before",
        );
        request.leave_cancelable();
    }
    let stack = irp.parameters();
    // SAFETY: the union's part is the one that the major function selects.
    let (read, control) =
        unsafe { (stack.Parameters.Read.Length, stack.Parameters.DeviceIoControl.OutputBufferLength) };
    let length = match stack.MajorFunction {
        MAJOR_READ | MAJOR_WRITE => read,
        MAJOR_DEVICE_CONTROL if irp.requestor_mode() == USER_MODE && control > 0 => control,
        _ => return,
    };
    let information = irp.information();
    if status::is_success(status) && information > length as usize {
        verify::violation(
            Rule::BadParameter,
            Violation::RequestFatalError,
            format_args!("Information {information} is greater than the buffer's length {length}"),
        );
    }
}

/// A status of the framework's own as its senders see it.
fn as_nt(status: Status) -> Status {
    const FACILITY: i32 = 0x0FFF_0000;
    const FRAMEWORK: i32 = 0x0020_0000;
    match status {
        status::WDF_PAUSED | status::WDF_BUSY => status::DEVICE_BUSY,
        other if other & FACILITY == FRAMEWORK => status::INVALID_DEVICE_REQUEST,
        other => other,
    }
}

const USER_MODE: i8 = 1;
