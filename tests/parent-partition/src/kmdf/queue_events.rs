//! The event loop of a queue: does what `queue_state` decides.
//!
//! Any thread that changes something runs the loop. A thread that is inside a callback of a queue and comes back to that
//! queue (it completes or forwards a request) leaves the rest to the loop it is in, so no stack grows.

use std::sync::Arc;

use super::callback;
use super::handle;
use super::kernel;
use super::queue::{Handler, Queue};
use super::queue_state::{Notification, Queued, STOP_ACTION_PURGE, Step};
use super::request::{Acknowledgement, Request};
use super::status;
use crate::nt::irql::PASSIVE_LEVEL;

impl Queue {
    /// Takes a request that has just come, and presents what is due. Marked pending before, the request is the queue's.
    pub(super) fn arrive(self: &Arc<Self>, request: Arc<Request>) {
        self.run(Some(request));
    }

    /// Does whatever is due. False when the queue is gone.
    pub(super) fn run_events(self: &Arc<Self>) -> bool {
        self.run(None)
    }

    /// As [`Queue::run_events`], unless a thread is inside already, which then does it.
    pub(super) fn run_events_unless_inside(self: &Arc<Self>) {
        if self.state().dispatching == 0 {
            self.run(None);
        }
    }

    fn run(self: &Arc<Self>, mut new: Option<Arc<Request>>) -> bool {
        {
            let mut state = self.state();
            if state.deleted {
                return false;
            }
            if let Some(deferral) = &self.deferral
                && kernel::current_irql() > PASSIVE_LEVEL
            {
                let discarded = new.take().filter(|request| !state.append(request));
                if !std::mem::replace(&mut state.deferred, true) {
                    deferral.queue(run_deferred, self.handle());
                }
                drop(state);
                if let Some(request) = discarded {
                    request.discard();
                }
                return true;
            }
            state.dispatching += 1;
        }
        loop {
            let step = {
                let mut state = self.state();
                let step = state.next(&self.config, &mut new);
                if matches!(step, Step::Done | Step::Finished | Step::PowerHeld) {
                    state.dispatching -= 1;
                }
                step
            };
            match step {
                Step::Done => return true,
                Step::Finished => {
                    self.finished.set();
                    return true;
                }
                Step::PowerHeld => {
                    self.power_idle.set();
                    return true;
                }
                Step::PowerIdle => self.power_idle.set(),
                Step::Again => (),
                Step::Discard(request) => request.discard(),
                Step::Cancel(request) => request.call_cancel(),
                Step::CancelOnQueue(request) => self.call(self.config.handlers.canceled_on_queue, &request),
                Step::Notify(Notification { function, context }) => {
                    callback::notify(function, &[self.handle() as u64, context as u64]);
                }
                Step::Stop(request, action) => self.call_stop(&request, action),
                Step::Resume(request) => {
                    if !request.is_cancelled() {
                        self.call(self.config.handlers.resume, &request);
                    }
                }
                Step::TakeBack(request) => self.take_back(request),
                Step::Present(request) => self.present(&request),
            }
        }
    }

    /// Cancels a request that waits here, found by its IRP's cancellation or a purge; it waits no longer already.
    ///
    /// A request that the driver has seen before is given to EvtIoCanceledOnQueue where there is one; the others are
    /// completed with STATUS_CANCELLED (traces `cancel-manual-callback`, `cancel-undelivered-callback`).
    pub(super) fn cancel_waiting(self: &Arc<Self>, request: Arc<Request>) {
        request.set_cancelled();
        if self.config.handlers.canceled_on_queue != 0 && request.was_presented() {
            let mut state = self.state();
            request.give_to_driver();
            state.give_to_driver(&request);
            state.cancelled_on_queue.push_back(request);
            drop(state);
        } else {
            request.discard();
        }
        self.run_events_unless_inside();
    }

    /// Cancels a request that the driver has and marked cancelable.
    pub(super) fn cancel_owned(self: &Arc<Self>, request: Arc<Request>) {
        request.set_cancelled();
        self.state().cancelled.push_back(request);
        self.run_events_unless_inside();
    }

    fn present(self: &Arc<Self>, request: &Arc<Request>) {
        request.give_to_driver();
        let Some(irp) = request.irp() else { return };
        match self.handler_of(irp) {
            Handler::Call(function, more) => {
                request.set_presented();
                let mut arguments = vec![self.handle() as u64, request.handle() as u64];
                arguments.extend(more);
                callback::in_critical_region(|| callback::call(function, &arguments));
            }
            Handler::Empty => request.complete(status::SUCCESS, 0),
            Handler::None => request.complete(status::INVALID_DEVICE_REQUEST, 0),
        }
    }

    fn call_stop(&self, request: &Arc<Request>, action: u32) {
        if action == STOP_ACTION_PURGE {
            request.forget_acknowledgement();
        }
        let function = self.config.handlers.stop;
        if function == 0 || request.is_cancelled() {
            return;
        }
        let flags = action | if request.is_marked_cancelable() { STOP_REQUEST_CANCELABLE } else { 0 };
        // The driver may complete the request inside: the handle stays valid until the callback is over.
        request.object.reference();
        request.set_in_stop_callback(true);
        callback::call(function, &[self.handle() as u64, request.handle() as u64, u64::from(flags)]);
        if request.acknowledgement() != Acknowledgement::None {
            request.set_in_stop_callback(false);
        }
        request.object.dereference();
    }

    /// Puts a request back that the driver acknowledged with requeue: first in line, or cancelled if a purge is on.
    fn take_back(self: &Arc<Self>, request: Arc<Request>) {
        let cancel = {
            let mut state = self.state();
            state.take_from_driver(&request);
            state.driver_count -= 1;
            request.take_from_driver();
            let waits = !state.cancels_dispatched && request.begin_waiting();
            if waits {
                if state.waiting.is_empty() {
                    state.transition_from_empty = true;
                }
                state.waiting.push_front(request.clone());
            }
            !waits
        };
        if cancel {
            self.cancel_waiting(request);
        }
    }

    fn call(&self, function: usize, request: &Arc<Request>) {
        if function != 0 {
            callback::call(function, &[self.handle() as u64, request.handle() as u64]);
        }
    }
}

/// Work item routine: runs the events of a queue whose callbacks need PASSIVE_LEVEL.
extern "win64" fn run_deferred(_device: usize, queue: usize) {
    let Ok(queue) = handle::try_of::<Queue>(queue) else { return };
    queue.state().deferred = false;
    queue.run_events();
}

/// WdfRequestStopRequestCancelable.
const STOP_REQUEST_CANCELABLE: u32 = 0x1000_0000;
