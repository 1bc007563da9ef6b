//! What a queue does next, in every state: with requests that are no more than their answers.

use std::cell::Cell;
use std::sync::Arc;

use super::{Notification, Power, QueueState, Queued, STOP_ACTION_PURGE, STOP_ACTION_SUSPEND, Step};
use crate::kmdf::queue::{Dispatch, Handlers, QueueConfig};
use crate::kmdf::request::Acknowledgement;

/// A request by its number, and what it answers.
#[derive(Debug)]
struct Fake {
    number: u32,
    cancelled: Cell<bool>,
    acknowledgement: Cell<Acknowledgement>,
}

impl Queued for Fake {
    fn begin_waiting(&self) -> bool {
        !self.cancelled.get()
    }

    fn end_waiting(&self) -> bool {
        !self.cancelled.get()
    }

    fn acknowledgement(&self) -> Acknowledgement {
        self.acknowledgement.get()
    }

    fn take_requeue(&self) -> bool {
        let requeue = self.acknowledgement.get() == Acknowledgement::Requeue;
        if requeue {
            self.acknowledgement.set(Acknowledgement::None);
        }
        requeue
    }

    fn forget_acknowledgement(&self) {
        self.acknowledgement.set(Acknowledgement::None);
    }
}

#[expect(
    clippy::arc_with_non_send_sync,
    reason = "a queue keeps its requests in Arc; here one thread has them all"
)]
fn request(number: u32) -> Arc<Fake> {
    Arc::new(Fake { number, cancelled: Cell::new(false), acknowledgement: Cell::new(Acknowledgement::None) })
}

fn config(dispatch: Dispatch, limit: usize) -> QueueConfig {
    QueueConfig {
        dispatch,
        limit,
        power_managed: true,
        allows_zero_length: false,
        is_default: true,
        handlers: Handlers::default(),
    }
}

/// A queue of a powered device, as the one thread inside its event loop sees it.
fn queue() -> QueueState<Fake> {
    let mut state = QueueState::new(true);
    state.dispatching = 1;
    state
}

/// The step as a word, with the number of its request.
fn word(step: Step<Fake>) -> String {
    match step {
        Step::Cancel(request) => format!("cancel {}", request.number),
        Step::CancelOnQueue(request) => format!("cancel-on-queue {}", request.number),
        Step::Discard(request) => format!("discard {}", request.number),
        Step::Notify(notification) => format!("notify {}", notification.function),
        Step::Stop(request, action) => format!("stop {} {action}", request.number),
        Step::Resume(request) => format!("resume {}", request.number),
        Step::TakeBack(request) => format!("take-back {}", request.number),
        Step::Present(request) => format!("present {}", request.number),
        Step::PowerHeld => "held".to_owned(),
        Step::PowerIdle => "idle".to_owned(),
        Step::Finished => "finished".to_owned(),
        Step::Again => "again".to_owned(),
        Step::Done => "done".to_owned(),
    }
}

fn next(state: &mut QueueState<Fake>, config: &QueueConfig) -> String {
    word(state.next(config, &mut None))
}

fn arrive(state: &mut QueueState<Fake>, config: &QueueConfig, request: &Arc<Fake>) -> String {
    word(state.next(config, &mut Some(request.clone())))
}

fn complete(state: &mut QueueState<Fake>, request: &Arc<Fake>) {
    state.take_from_driver(request);
    state.driver_count -= 1;
}

#[test]
fn a_sequential_queue_presents_the_next_request_when_the_last_is_completed() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    let (first, second) = (request(1), request(2));
    assert_eq!(arrive(&mut state, &config, &first), "present 1");
    assert_eq!(arrive(&mut state, &config, &second), "done");
    complete(&mut state, &first);
    assert_eq!(next(&mut state, &config), "present 2");
}

#[test]
fn a_parallel_queue_presents_up_to_its_limit() {
    let (mut state, config) = (queue(), config(Dispatch::Parallel, 2));
    let requests = [request(1), request(2), request(3)];
    assert_eq!(arrive(&mut state, &config, &requests[0]), "present 1");
    assert_eq!(arrive(&mut state, &config, &requests[1]), "present 2");
    assert_eq!(arrive(&mut state, &config, &requests[2]), "done");
    complete(&mut state, &requests[0]);
    assert_eq!(next(&mut state, &config), "present 3");
}

#[test]
fn a_parallel_queue_with_a_limit_of_zero_never_presents_a_request() {
    let (mut state, config) = (queue(), config(Dispatch::Parallel, 0));
    assert_eq!(arrive(&mut state, &config, &request(1)), "done");
    assert_eq!(state.waiting.len(), 1);
}

#[test]
fn requests_that_wait_go_before_a_new_one() {
    let (mut state, config) = (queue(), config(Dispatch::Parallel, usize::MAX));
    state.dispatches = false;
    assert_eq!(arrive(&mut state, &config, &request(1)), "done");
    state.dispatches = true;
    assert_eq!(arrive(&mut state, &config, &request(2)), "present 1");
    assert_eq!(next(&mut state, &config), "present 2");
}

#[test]
fn a_request_that_is_cancelled_already_is_presented_where_it_need_not_wait() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    let cancelled = request(1);
    cancelled.cancelled.set(true);
    assert_eq!(arrive(&mut state, &config, &cancelled), "present 1");
    let second = request(2);
    second.cancelled.set(true);
    assert_eq!(arrive(&mut state, &config, &second), "discard 2");
}

#[test]
fn a_waiting_request_whose_cancel_routine_runs_is_passed_over() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    state.dispatches = false;
    let (first, second) = (request(1), request(2));
    arrive(&mut state, &config, &first);
    arrive(&mut state, &config, &second);
    first.cancelled.set(true);
    state.dispatches = true;
    assert_eq!(next(&mut state, &config), "present 2");
}

#[test]
fn a_manual_queue_tells_that_it_is_ready_once_an_emptiness() {
    let (mut state, config) = (queue(), config(Dispatch::Manual, 0));
    state.when_ready = Some(Notification { function: 7, context: 0 });
    assert_eq!(arrive(&mut state, &config, &request(1)), "notify 7");
    assert_eq!(arrive(&mut state, &config, &request(2)), "done");
}

#[test]
fn a_stop_is_told_when_the_driver_holds_nothing_and_no_other_thread_is_inside() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    let first = request(1);
    arrive(&mut state, &config, &first);
    state.dispatches = false;
    state.when_idle = Some(Notification { function: 3, context: 0 });
    assert_eq!(next(&mut state, &config), "done");
    complete(&mut state, &first);
    state.dispatching = 2;
    assert_eq!(next(&mut state, &config), "done");
    state.dispatching = 1;
    assert_eq!(next(&mut state, &config), "notify 3");
    assert_eq!(next(&mut state, &config), "done");
}

#[test]
fn a_drain_is_told_when_nothing_waits_either() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    let (first, second) = (request(1), request(2));
    arrive(&mut state, &config, &first);
    arrive(&mut state, &config, &second);
    state.accepts = false;
    state.when_empty = Some(Notification { function: 4, context: 0 });
    complete(&mut state, &first);
    assert_eq!(next(&mut state, &config), "present 2");
    complete(&mut state, &second);
    assert_eq!(next(&mut state, &config), "notify 4");
}

#[test]
fn a_held_queue_says_so_when_the_last_callback_is_over_and_presents_nothing() {
    let (mut state, config) = (queue(), config(Dispatch::Parallel, usize::MAX));
    state.power = Power::Transition;
    state.dispatching = 2;
    assert_eq!(arrive(&mut state, &config, &request(1)), "done");
    state.dispatching = 1;
    assert_eq!(next(&mut state, &config), "held");
}

#[test]
fn a_stop_for_power_tells_the_driver_of_each_request_and_waits_for_its_answers() {
    let (mut state, config) = (queue(), config(Dispatch::Parallel, usize::MAX));
    let (first, second) = (request(1), request(2));
    arrive(&mut state, &config, &first);
    arrive(&mut state, &config, &second);
    state.power = Power::Stopping(state.owned.iter().cloned().collect());
    assert_eq!(next(&mut state, &config), format!("stop 1 {STOP_ACTION_SUSPEND}"));
    assert_eq!(next(&mut state, &config), format!("stop 2 {STOP_ACTION_SUSPEND}"));
    assert_eq!(next(&mut state, &config), "done");
    first.acknowledgement.set(Acknowledgement::Keep);
    assert_eq!(next(&mut state, &config), "done");
    complete(&mut state, &second);
    assert_eq!(next(&mut state, &config), "idle");
    assert!(state.power.is_off());
    assert_eq!(first.acknowledgement.get(), Acknowledgement::None);
}

#[test]
fn a_request_that_comes_back_over_a_stop_is_taken_back_once() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    let first = request(1);
    arrive(&mut state, &config, &first);
    state.power = Power::Stopping([first.clone()].into());
    assert_eq!(next(&mut state, &config), format!("stop 1 {STOP_ACTION_SUSPEND}"));
    first.acknowledgement.set(Acknowledgement::Requeue);
    assert_eq!(next(&mut state, &config), "take-back 1");
    complete(&mut state, &first);
    assert_eq!(next(&mut state, &config), "idle");
}

#[test]
fn a_purge_tells_of_what_is_left_with_its_own_action() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    let first = request(1);
    arrive(&mut state, &config, &first);
    state.power = Power::Purging([first.clone()].into());
    assert_eq!(next(&mut state, &config), format!("stop 1 {STOP_ACTION_PURGE}"));
}

#[test]
fn a_resumed_queue_tells_what_goes_on_before_it_presents_anything() {
    let (mut state, config) = (queue(), config(Dispatch::Parallel, usize::MAX));
    let (kept, waiting) = (request(1), request(2));
    arrive(&mut state, &config, &kept);
    state.power = Power::Off;
    assert_eq!(arrive(&mut state, &config, &waiting), "done");
    state.power = Power::Resuming([kept].into());
    assert_eq!(next(&mut state, &config), "resume 1");
    assert_eq!(next(&mut state, &config), "done");
    assert!(state.power.is_on());
    assert_eq!(next(&mut state, &config), "present 2");
}

#[test]
fn a_cancellation_waits_while_the_driver_is_being_told_of_its_requests() {
    let (mut state, config) = (queue(), config(Dispatch::Parallel, usize::MAX));
    let (first, second) = (request(1), request(2));
    arrive(&mut state, &config, &first);
    arrive(&mut state, &config, &second);
    state.cancelled.push_back(first.clone());
    state.power = Power::Stopping(state.owned.iter().cloned().collect());
    assert_eq!(next(&mut state, &config), format!("stop 1 {STOP_ACTION_SUSPEND}"));
    assert_eq!(next(&mut state, &config), format!("stop 2 {STOP_ACTION_SUSPEND}"));
    assert_eq!(next(&mut state, &config), "cancel 1");
}

#[test]
fn a_queue_that_is_disposed_is_finished_with_its_last_request() {
    let (mut state, config) = (queue(), config(Dispatch::Sequential, 0));
    let first = request(1);
    arrive(&mut state, &config, &first);
    state.disposing = true;
    assert_eq!(next(&mut state, &config), "done");
    complete(&mut state, &first);
    assert_eq!(next(&mut state, &config), "finished");
    assert!(state.deleted);
}
