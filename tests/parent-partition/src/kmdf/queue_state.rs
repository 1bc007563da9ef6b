//! What a queue knows, and what has to happen next.
//!
//! ```text
//! power:  On ─stop──► Stopping ──all told, all acknowledged or gone──► Off ─resume─► Resuming ─► On
//!          └─purge─► Purging ──────────────────────────────────────► Off
//! ```
//!
//! [`QueueState::next`] decides under the queue's lock and touches nothing outside; `queue_events` acts without it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::queue::{Dispatch, QueueConfig};
use super::request::Acknowledgement;

/// What the state of a queue needs to know of a request.
pub(super) trait Queued {
    /// Makes a waiting request's IRP cancelable; false when it was cancelled before.
    fn begin_waiting(&self) -> bool;
    /// Takes a waiting request off; false when its cancel routine has begun, which then deals with it.
    fn end_waiting(&self) -> bool;
    /// What the driver answered to EvtIoStop.
    fn acknowledgement(&self) -> Acknowledgement;
    /// Whether the driver gave it back; tells so once.
    fn take_requeue(&self) -> bool;
    /// Forgets what the driver answered: the stop is over.
    fn forget_acknowledgement(&self);
}

/// The part of a queue that changes.
#[derive(Debug)]
pub(super) struct QueueState<R> {
    /// New requests are taken (WdfIoQueueAcceptRequests).
    pub(super) accepts: bool,
    /// Waiting requests are presented (WdfIoQueueDispatchRequests).
    pub(super) dispatches: bool,
    /// The device goes away: nothing makes the queue accept again.
    pub(super) shut_down: bool,
    /// Requests that wait for the driver, first come first.
    pub(super) waiting: VecDeque<Arc<R>>,
    /// Requests that the driver has, in order of presentation.
    pub(super) owned: Vec<Arc<R>>,
    /// Requests that count as the driver's: those it has and those whose completion or forwarding is not over.
    pub(super) driver_count: usize,
    /// Threads inside the event loop.
    pub(super) dispatching: usize,
    /// Where the queue is between powered and not.
    pub(super) power: Power<R>,
    /// The queue had no waiting request when the last one came.
    pub(super) transition_from_empty: bool,
    /// To call when the driver holds no request (a stop).
    pub(super) when_idle: Option<Notification>,
    /// To call when there is no request at all (a drain or purge).
    pub(super) when_empty: Option<Notification>,
    /// To call when a request comes to an empty manual queue.
    pub(super) when_ready: Option<Notification>,
    /// Requests whose EvtRequestCancel is due.
    pub(super) cancelled: VecDeque<Arc<R>>,
    /// Requests that were completed while they were cancelable, each with its EvtRequestCancel.
    pub(super) left_cancelable: Vec<(Arc<R>, usize)>,
    /// Requests whose EvtIoCanceledOnQueue is due.
    pub(super) cancelled_on_queue: VecDeque<Arc<R>>,
    /// A purge is on: what becomes cancelable or comes back is cancelled.
    pub(super) cancels_dispatched: bool,
    /// The object is being disposed.
    pub(super) disposing: bool,
    /// Nothing happens here any more.
    pub(super) deleted: bool,
    /// A work item will run the event loop.
    pub(super) deferred: bool,
}

/// Where a queue is between powered and not.
#[derive(Debug)]
pub(super) enum Power<R> {
    /// Requests are presented.
    On,
    /// No new request is presented; who waits is told when no thread is inside a callback.
    Transition,
    /// The driver is being told of its requests, and must acknowledge or give up each.
    Stopping(Told<R>),
    /// As `Stopping`, for good.
    Purging(Told<R>),
    /// Requests are held back.
    Off,
    /// The driver is being told which of its requests go on.
    Resuming(Told<R>),
}

impl<R> Power<R> {
    /// Requests are held back.
    pub(super) fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    /// Requests are presented.
    pub(super) fn is_on(&self) -> bool {
        matches!(self, Self::On)
    }
}

/// The requests that the driver has not been told of yet.
pub(super) type Told<R> = VecDeque<Arc<R>>;

/// A function of the driver to call with the queue and a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notification {
    pub(super) function: usize,
    pub(super) context: usize,
}

/// The next thing to do for a queue, without its lock.
#[derive(Debug)]
pub(super) enum Step<R> {
    /// Call EvtRequestCancel.
    Cancel(Arc<R>),
    /// Call EvtIoCanceledOnQueue.
    CancelOnQueue(Arc<R>),
    /// Complete with STATUS_CANCELLED a request that never reached the driver.
    Discard(Arc<R>),
    /// Call a state callback of the driver.
    Notify(Notification),
    /// Call EvtIoStop with these action flags.
    Stop(Arc<R>, u32),
    /// Call EvtIoResume.
    Resume(Arc<R>),
    /// Put an acknowledged request back among those that wait.
    TakeBack(Arc<R>),
    /// Present a request to the driver.
    Present(Arc<R>),
    /// Tell who waits that no thread is inside a callback; nothing else happens until the stop itself.
    PowerHeld,
    /// Tell who waits that the power transition is over.
    PowerIdle,
    /// Tell who waits that the queue is empty for good.
    Finished,
    /// Something changed inside; look again.
    Again,
    /// Nothing to do.
    Done,
}

impl<R: Queued> QueueState<R> {
    /// A queue that has just been made.
    pub(super) fn new(powered: bool) -> Self {
        Self {
            accepts: true,
            dispatches: true,
            shut_down: false,
            waiting: VecDeque::new(),
            owned: Vec::new(),
            driver_count: 0,
            dispatching: 0,
            power: if powered { Power::On } else { Power::Off },
            transition_from_empty: false,
            when_idle: None,
            when_empty: None,
            when_ready: None,
            cancelled: VecDeque::new(),
            left_cancelable: Vec::new(),
            cancelled_on_queue: VecDeque::new(),
            cancels_dispatched: false,
            disposing: false,
            deleted: false,
            deferred: false,
        }
    }

    /// Makes the queue accept, unless it is shut down.
    pub(super) fn accept(&mut self) {
        self.accepts = !self.shut_down;
    }

    /// Puts a request at the end of those that wait; false when it was cancelled before.
    pub(super) fn append(&mut self, request: &Arc<R>) -> bool {
        if !request.begin_waiting() {
            return false;
        }
        if self.waiting.is_empty() {
            self.transition_from_empty = true;
        }
        self.waiting.push_back(Arc::clone(request));
        true
    }

    /// Takes the first waiting request that nobody is cancelling and that `wanted` accepts.
    pub(super) fn take_waiting(&mut self, wanted: impl Fn(&R) -> bool) -> Option<Arc<R>> {
        let mut at = 0;
        while let Some(request) = self.waiting.get(at) {
            if !wanted(request) {
                at += 1;
                continue;
            }
            let request = self.waiting.remove(at)?;
            if request.end_waiting() {
                return Some(request);
            }
        }
        None
    }

    /// Makes a request the driver's.
    pub(super) fn give_to_driver(&mut self, request: &Arc<R>) {
        self.owned.push(Arc::clone(request));
        self.driver_count += 1;
    }

    /// Takes a request off the driver's list; it still counts until [`QueueState::driver_count`] is lowered.
    pub(super) fn take_from_driver(&mut self, request: &Arc<R>) {
        self.owned.retain(|other| !Arc::ptr_eq(other, request));
        if let Power::Stopping(told) | Power::Purging(told) | Power::Resuming(told) = &mut self.power {
            told.retain(|other| !Arc::ptr_eq(other, request));
        }
    }

    /// Decides what comes next. `new` is a request that has just come; it is taken when it can be presented at once, and
    /// otherwise waits.
    pub(super) fn next(&mut self, config: &QueueConfig, new: &mut Option<Arc<R>>) -> Step<R> {
        let requests = self.waiting.len() + self.driver_count + usize::from(new.is_some());
        let last_inside = self.dispatching == 1;
        if !self.tells_driver() {
            if !self.cancelled.is_empty() {
                return self.with_new_waiting(new, |state| state.cancelled.pop_front().map(Step::Cancel));
            }
            if !self.cancelled_on_queue.is_empty() {
                let due = |state: &mut Self| state.cancelled_on_queue.pop_front().map(Step::CancelOnQueue);
                return self.with_new_waiting(new, due);
            }
        }
        if self.when_idle.is_some() && last_inside && self.driver_count == 0 {
            self.cancels_dispatched = false;
            return self.with_new_waiting(new, |state| state.when_idle.take().map(Step::Notify));
        }
        if self.when_empty.is_some() && last_inside && requests == 0 {
            self.cancels_dispatched = false;
            return self.when_empty.take().map_or(Step::Again, Step::Notify);
        }
        if !matches!(self.power, Power::On | Power::Off) {
            return self.with_new_waiting(new, |state| state.next_of_power(last_inside));
        }
        if self.disposing && requests == 0 && last_inside {
            self.deleted = true;
            return Step::Finished;
        }
        if self.power.is_off() || !self.dispatches {
            return self.with_new_waiting(new, |_| Some(Step::Done));
        }
        match config.dispatch {
            Dispatch::Manual => self.with_new_waiting(new, |state| {
                let ready = std::mem::take(&mut state.transition_from_empty);
                Some(state.when_ready.filter(|_| ready).map_or(Step::Done, Step::Notify))
            }),
            Dispatch::Sequential if self.driver_count > 0 => self.with_new_waiting(new, |_| Some(Step::Done)),
            Dispatch::Parallel if self.driver_count >= config.limit => {
                self.with_new_waiting(new, |_| Some(Step::Done))
            }
            Dispatch::Sequential | Dispatch::Parallel => self.next_presented(new),
        }
    }

    /// Lets the new request wait, then does `then`; a new request that is cancelled already comes first.
    fn with_new_waiting(
        &mut self,
        new: &mut Option<Arc<R>>,
        then: impl FnOnce(&mut Self) -> Option<Step<R>>,
    ) -> Step<R> {
        if let Some(request) = new.take()
            && !self.append(&request)
        {
            return Step::Discard(request);
        }
        then(self).unwrap_or(Step::Again)
    }

    fn next_presented(&mut self, new: &mut Option<Arc<R>>) -> Step<R> {
        let request = match self.take_waiting(|_| true) {
            Some(first) => {
                if let Some(request) = new.take()
                    && !self.append(&request)
                {
                    self.waiting.push_front(Arc::clone(&first));
                    return if first.begin_waiting() { Step::Discard(request) } else { Step::Again };
                }
                Some(first)
            }
            None => new.take(),
        };
        let Some(request) = request else { return Step::Done };
        self.give_to_driver(&request);
        Step::Present(request)
    }

    fn next_of_power(&mut self, last_inside: bool) -> Option<Step<R>> {
        match &mut self.power {
            Power::Transition => {
                return Some(if last_inside { Step::PowerHeld } else { Step::Done });
            }
            Power::Stopping(told) => {
                if let Some(request) = told.pop_front() {
                    return Some(Step::Stop(request, STOP_ACTION_SUSPEND));
                }
            }
            Power::Purging(told) => {
                if let Some(request) = told.pop_front() {
                    return Some(Step::Stop(request, STOP_ACTION_PURGE));
                }
            }
            Power::Resuming(told) => {
                return Some(match told.pop_front() {
                    Some(request) => Step::Resume(request),
                    None => {
                        self.power = Power::On;
                        Step::Done
                    }
                });
            }
            Power::On | Power::Off => (),
        }
        for request in &self.owned {
            if request.take_requeue() {
                return Some(Step::TakeBack(Arc::clone(request)));
            }
        }
        let unacknowledged = |request: &Arc<R>| request.acknowledgement() != Acknowledgement::Keep;
        let leaving = self.driver_count > self.owned.len();
        if self.owned.iter().any(unacknowledged) || leaving || !last_inside {
            return Some(Step::Done);
        }
        for request in &self.owned {
            request.forget_acknowledgement();
        }
        self.power = Power::Off;
        Some(Step::PowerIdle)
    }

    /// Whether the driver is being told of its requests: cancellations wait until that is over.
    fn tells_driver(&self) -> bool {
        match &self.power {
            Power::Stopping(told) | Power::Purging(told) => !told.is_empty(),
            Power::Resuming(_) => true,
            Power::On | Power::Transition | Power::Off => false,
        }
    }
}

/// WdfRequestStopActionSuspend.
pub(super) const STOP_ACTION_SUSPEND: u32 = 1;
/// WdfRequestStopActionPurge.
pub(super) const STOP_ACTION_PURGE: u32 = 2;

#[cfg(test)]
mod tests;
