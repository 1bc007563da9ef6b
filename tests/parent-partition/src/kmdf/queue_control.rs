//! Starting, stopping, draining and purging a queue, by its driver and for power.

use std::sync::Arc;

use super::callback;
use super::driver_memory;
use super::handle::{self, Handle};
use super::kernel::Event;
use super::loader;
use super::queue::{Handler, Queue};
use super::queue_state::{Notification, Power};
use super::request::Request;
use super::table::{Routine, routines};
use super::verify;
use crate::judge::{self, Rule};

impl Queue {
    /// Stops presenting requests: the queue still takes them. What the driver holds is not waited for.
    pub(super) fn stop(self: &Arc<Self>, when_idle: Option<Notification>) -> bool {
        {
            let mut state = self.state();
            if state.deleted || (when_idle.is_some() && state.when_idle.is_some()) {
                drop(state);
                verify::finding(Rule::ObjectState, "the queue has a stop callback already");
                return false;
            }
            if when_idle.is_some() {
                state.when_idle = when_idle;
            }
            state.accept();
            state.dispatches = false;
        }
        self.run_events()
    }

    /// Stops taking requests; with `purge` also cancels those that wait and those the driver marked cancelable.
    pub(super) fn close(self: &Arc<Self>, purge: bool, when_empty: Option<Notification>) -> bool {
        {
            let mut state = self.state();
            if state.deleted || (when_empty.is_some() && state.when_empty.is_some()) {
                drop(state);
                verify::finding(Rule::ObjectState, "the queue has a purge or drain callback already");
                return false;
            }
            if when_empty.is_some() {
                state.when_empty = when_empty;
            }
            state.accepts = false;
            state.cancels_dispatched |= purge;
        }
        if purge {
            self.cancel_all();
        }
        self.run_events()
    }

    /// Cancels every waiting request of a file object: its last handle was closed.
    pub(super) fn cancel_of_file(self: &Arc<Self>, file_object: usize) {
        loop {
            let found = self.state().take_waiting(|request| request.file_object() == file_object);
            match found {
                Some(request) => self.cancel_waiting(request),
                None => break,
            }
        }
        self.run_events();
    }

    /// First half of a stop for power: no thread presents a request any more. Waits for the callbacks that run.
    pub(super) fn hold_for_power(self: &Arc<Self>) {
        if self.config.power_managed {
            self.transit(|_| Power::Transition);
        }
    }

    /// Second half: tells the driver of each request it holds and waits until each is acknowledged, completed or
    /// forwarded.
    ///
    /// SPEC: trace `rebalance-held`: a queue waits for its own requests before the next queue's driver is told.
    pub(super) fn stop_for_power(self: &Arc<Self>) {
        if self.config.power_managed {
            self.transit(|owned| Power::Stopping(owned.iter().cloned().collect()));
        }
    }

    /// Closes the queue for good, cancels what can be cancelled and tells the driver of the rest, as the device goes away.
    pub(super) fn purge_for_power(self: &Arc<Self>) {
        {
            let mut state = self.state();
            state.shut_down = true;
            state.accepts = false;
        }
        self.close(true, None);
        self.transit(|owned| Power::Purging(owned.iter().cloned().collect()));
    }

    /// First half of a return of power: tells the driver which of its requests go on.
    pub(super) fn resume_for_power(self: &Arc<Self>) {
        {
            let mut state = self.state();
            if !self.config.power_managed || state.power.is_on() {
                return;
            }
            state.power = Power::Resuming(state.owned.iter().cloned().collect());
        }
        self.run_events();
    }

    /// Second half: presents what waits.
    pub(super) fn present_after_power(self: &Arc<Self>) {
        if self.config.power_managed {
            {
                let mut state = self.state();
                state.transition_from_empty |= !state.waiting.is_empty();
            }
            self.run_events();
        }
    }

    /// Part of disposing: cancels what can be cancelled and waits for the rest.
    pub(super) fn end(self: &Arc<Self>) {
        self.close(true, None);
        self.state().disposing = true;
        self.device().queues.remove(self);
        if self.run_events() {
            self.wait_for_driver(&self.finished);
        }
    }

    fn transit(self: &Arc<Self>, power: impl FnOnce(&[Arc<Request>]) -> Power<Request>) {
        self.power_idle.clear();
        {
            let mut state = self.state();
            state.power = power(&state.owned);
        }
        if self.run_events() {
            self.wait_for_driver(&self.power_idle);
        }
    }

    /// Waits until the driver has given back or acknowledged what it holds; the verifier does not wait for ever.
    ///
    /// Judged: a request that the driver keeps, blamed on the callback that was given it (trace
    /// `misuse-never-completed-verifier`).
    fn wait_for_driver(&self, event: &Event) {
        if !verify::verifier() {
            return event.wait();
        }
        let patience = if verify::goes_on() { FRAMEWORKS_PATIENCE } else { PATIENCE };
        while !event.wait_until(Some(patience)) {
            let held = self.state().owned.first().and_then(|request| request.irp());
            let callback = match held.map(|irp| self.handler_of(irp)) {
                Some(Handler::Call(function, _)) => function,
                Some(Handler::Empty | Handler::None) | None => 0,
            };
            let detail = "the driver neither completes nor acknowledges a request that its queue waits for";
            verify::finding_at(Rule::RequestNotCompleted, callback, detail);
        }
    }

    fn cancel_all(self: &Arc<Self>) {
        loop {
            let waiting = self.state().take_waiting(|_| true);
            match waiting {
                Some(request) => self.cancel_waiting(request),
                None => break,
            }
        }
        let left = self.state().left_cancelable.pop();
        if let Some((request, function)) = left {
            callback::notify(function, &[request.handle() as u64]);
            let detail = "a request that was completed while it was cancelable is cancelled";
            judge::violation_at(Rule::ObjectState, "", function, detail);
        }
        let owned: Vec<_> = self.state().owned.clone();
        for request in owned {
            if request.take_mark() {
                self.cancel_owned(request);
            }
        }
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfIoQueueGetState,
        WdfIoQueueStart,
        WdfIoQueueStop,
        WdfIoQueueStopSynchronously,
        WdfIoQueueDrain,
        WdfIoQueueDrainSynchronously,
        WdfIoQueuePurge,
        WdfIoQueuePurgeSynchronously,
        WdfIoQueueStopAndPurge,
        WdfIoQueueStopAndPurgeSynchronously,
    ]
}

/// Returns the state as bits of WDF_IO_QUEUE_STATE, and the numbers of waiting and of presented requests.
///
/// Bits as in traces `queue-power`, `queue-manual`, `queue-stop-start`. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueGetState(globals: usize, queue: Handle, waiting: usize, driver: usize) -> u32 {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    let (bits, in_queue, with_driver) = {
        let state = queue.state();
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        let held = queue.config.power_managed && state.power.is_off();
        let bits = bit(state.accepts, ACCEPTS)
            | bit(state.dispatches, DISPATCHES)
            | bit(state.waiting.is_empty(), NO_REQUESTS)
            | bit(state.driver_count == 0, DRIVER_NO_REQUESTS)
            | bit(held, PNP_HELD);
        (bits, state.waiting.len() as u32, state.driver_count as u32)
    };
    driver_memory::write_optional(waiting, in_queue);
    driver_memory::write_optional(driver, with_driver);
    bits
}

/// Takes and presents requests again. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueStart(globals: usize, queue: Handle) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    {
        let mut state = queue.state();
        state.accept();
        state.dispatches = true;
        state.cancels_dispatched = false;
        state.transition_from_empty |= !state.waiting.is_empty();
    }
    queue.run_events();
}

/// Stops presenting; calls back when the driver holds no request. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueStop(globals: usize, queue: Handle, function: usize, context: usize) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    verify::up_to_dispatch_level();
    queue.stop(notification(function, context));
}

/// Stops presenting and waits until the driver holds no request. PASSIVE_LEVEL
/// (trace `misuse-queue-stop-dispatch-verifier`).
extern "win64" fn WdfIoQueueStopSynchronously(globals: usize, queue: Handle) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    if verify::may_wait() {
        waited_for(|done| queue.stop(Some(done)));
    }
}

/// Takes no more requests; calls back when the last one is completed. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueDrain(globals: usize, queue: Handle, function: usize, context: usize) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    verify::up_to_dispatch_level();
    queue.close(false, notification(function, context));
}

/// Takes no more requests and waits until the last one is completed. PASSIVE_LEVEL.
extern "win64" fn WdfIoQueueDrainSynchronously(globals: usize, queue: Handle) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    if verify::may_wait() {
        waited_for(|done| queue.close(false, Some(done)));
    }
}

/// Takes no more requests and cancels what can be; calls back when there is none left. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueuePurge(globals: usize, queue: Handle, function: usize, context: usize) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    verify::up_to_dispatch_level();
    queue.close(true, notification(function, context));
}

/// Takes no more requests, cancels what can be and waits until there is none left. PASSIVE_LEVEL.
extern "win64" fn WdfIoQueuePurgeSynchronously(globals: usize, queue: Handle) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    if verify::may_wait() {
        waited_for(|done| queue.close(true, Some(done)));
    }
}

/// Stops presenting and cancels what can be, but still takes requests. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueStopAndPurge(globals: usize, queue: Handle, function: usize, context: usize) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    verify::up_to_dispatch_level();
    stop_and_purge(&queue, notification(function, context));
}

/// As WdfIoQueueStopAndPurge, and waits until the driver holds no request. PASSIVE_LEVEL.
extern "win64" fn WdfIoQueueStopAndPurgeSynchronously(globals: usize, queue: Handle) {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    if verify::may_wait() {
        waited_for(|done| stop_and_purge(&queue, Some(done)));
    }
}

fn stop_and_purge(queue: &Arc<Queue>, when_idle: Option<Notification>) -> bool {
    {
        let mut state = queue.state();
        state.cancels_dispatched = true;
        state.accept();
        state.dispatches = false;
    }
    queue.cancel_all();
    queue.stop(when_idle)
}

fn notification(function: usize, context: usize) -> Option<Notification> {
    (function != 0).then_some(Notification { function, context })
}

/// Starts something that calls back when it is over, and waits for that.
fn waited_for(start: impl FnOnce(Notification) -> bool) {
    let event = Event::notification();
    let done =
        Notification { function: signal as *const () as usize, context: std::ptr::from_ref(&event) as usize };
    if start(done) {
        event.wait();
    }
}

/// EVT_WDF_IO_QUEUE_STATE of the framework's own waits.
extern "win64" fn signal(_queue: usize, event: usize) {
    // SAFETY: the waiter keeps the event on its stack until it is signalled.
    unsafe { &*(event as *const Event) }.set();
}

/// How long the verifier waits, in units of 100 ns from now.
const PATIENCE: i64 = -50_000_000;
/// How long the framework itself waits before each word about it: a minute.
const FRAMEWORKS_PATIENCE: i64 = -600_000_000;
const ACCEPTS: u32 = 1;
const DISPATCHES: u32 = 2;
const NO_REQUESTS: u32 = 4;
const DRIVER_NO_REQUESTS: u32 = 8;
const PNP_HELD: u32 = 16;
