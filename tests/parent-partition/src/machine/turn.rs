//! Whose turn it is on a machine of one processor without preemption, and its clock.
//!
//! On such a machine a thread runs until it waits; then the thread that has waited longest and may go on runs. What
//! a driver does is then the same in every run, which is how traces of it can be compared. A run begins with free
//! threads; [`one_processor`] changes that for the rest of it.
//!
//! INVARIANT: the thread that has the turn is in no place of the queue; every other seated thread is in exactly one.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::wait;

/// The queue of threads that wait, part of what the dispatcher lock guards.
#[derive(Debug)]
pub(super) struct Turns {
    has_turn: Option<u64>,
    places: Vec<Place>,
    next_ticket: u64,
    /// Counts the changes of what threads wait for.
    changes: u64,
}

#[derive(Debug)]
struct Place {
    /// Order of arrival.
    ticket: u64,
    thread: u64,
    /// The change that the thread has looked at without finding what it waits for; `None` before its first look.
    seen: Option<u64>,
    deadline: Option<Duration>,
    /// The thread goes on when no other can; of several, the last to come.
    idle: bool,
}

/// A thread's seat on the machine; gives the turn up for good when dropped.
#[derive(Debug)]
pub(super) struct Seat(Option<u64>);

/// Makes the machine one of a single processor without preemption, on which the calling thread runs.
///
/// Its clock stands still but for [`advance`].
pub fn one_processor() {
    let mut turns = wait::lock();
    CLOCK.store(wait::since_boot().as_nanos() as u64, Ordering::Relaxed);
    ALONE.store(true, Ordering::Relaxed);
    let thread = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
    THREAD.set(thread);
    turns.has_turn = Some(thread);
}

/// Lets the other threads run until each of them waits for something that only this one can bring about, or for a time.
pub fn let_others_run() {
    if is_alone() {
        let mut turns = wait::lock();
        let (ticket, seen) = (turns.ticket(), Some(turns.changes));
        turns.give_up(Place { ticket, thread: THREAD.get(), seen, deadline: None, idle: true });
        drop(wait::take_turn(turns, THREAD.get()));
    }
}

/// Lets a time pass: each thread that waits for a moment in it goes on at that moment, in order.
pub fn advance(time: Duration) {
    let_others_run();
    let end = wait::since_boot() + time;
    loop {
        let turns = wait::lock();
        let next =
            turns.places.iter().filter_map(|place| place.deadline).filter(|moment| *moment <= end).min();
        let Some(next) = next else { break };
        set_clock(next);
        drop(turns);
        let_others_run();
    }
    set_clock(end);
    let_others_run();
}

/// Whether the machine has a single processor.
pub(super) fn is_alone() -> bool {
    ALONE.load(Ordering::Relaxed)
}

/// The clock of a machine of one processor.
pub(super) fn clock() -> Option<Duration> {
    is_alone().then(|| Duration::from_nanos(CLOCK.load(Ordering::Relaxed)))
}

/// The calling thread's number; 0 for one without a seat.
pub(super) fn thread() -> u64 {
    THREAD.get()
}

fn set_clock(moment: Duration) {
    CLOCK.fetch_max(moment.as_nanos() as u64, Ordering::Relaxed);
}

impl Turns {
    pub(super) const fn new() -> Self {
        Self { has_turn: None, places: Vec::new(), next_ticket: 0, changes: 0 }
    }

    /// The next place's number.
    pub(super) fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Something changed that threads may wait for.
    pub(super) fn changed(&mut self) {
        self.changes += 1;
    }

    pub(super) fn is_turn_of(&self, thread: u64) -> bool {
        self.has_turn == Some(thread)
    }

    /// The calling thread waits, having looked at everything that changed so far, and another goes on.
    pub(super) fn wait(&mut self, ticket: u64, deadline: Option<Duration>) {
        let place = Place { ticket, thread: THREAD.get(), seen: Some(self.changes), deadline, idle: false };
        self.give_up(place);
    }

    /// The calling thread lets the others have their turn and then goes on.
    pub(super) fn yield_now(&mut self) {
        let ticket = self.ticket();
        self.give_up(Place { ticket, thread: THREAD.get(), seen: None, deadline: None, idle: false });
    }

    fn give_up(&mut self, place: Place) {
        assert!(self.is_turn_of(place.thread), "a thread without the turn runs");
        self.places.push(place);
        self.hand_over();
    }

    fn hand_over(&mut self) {
        let (changes, now) = (self.changes, wait::since_boot());
        let goes_on = |place: &Place| {
            !place.idle
                && (place.seen != Some(changes) || place.deadline.is_some_and(|deadline| deadline <= now))
        };
        let places = || self.places.iter().enumerate();
        let first = places().filter(|(_, place)| goes_on(place)).min_by_key(|(_, place)| place.ticket);
        let next =
            first.or_else(|| places().filter(|(_, place)| place.idle).max_by_key(|(_, place)| place.ticket));
        self.has_turn = next.map(|(index, _)| index).map(|index| self.places.swap_remove(index).thread);
    }
}

impl Seat {
    /// A seat for a thread that is about to be started; on a machine of free threads there is nothing to wait for.
    pub(super) fn reserve() -> Self {
        Self(is_alone().then(|| {
            let thread = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
            let mut turns = wait::lock();
            let ticket = turns.ticket();
            turns.places.push(Place { ticket, thread, seen: None, deadline: None, idle: false });
            thread
        }))
    }

    /// Takes the seat on the calling thread and waits for its turn.
    pub(super) fn take(&self) {
        if let Some(thread) = self.0 {
            THREAD.set(thread);
            drop(wait::take_turn(wait::lock(), thread));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(thread) = self.0 {
            let mut turns = wait::lock();
            turns.places.retain(|place| place.thread != thread);
            if turns.is_turn_of(thread) {
                turns.hand_over();
            }
            drop(turns);
            wait::wake();
        }
    }
}

static ALONE: AtomicBool = AtomicBool::new(false);
/// Nanoseconds since the machine was booted.
static CLOCK: AtomicU64 = AtomicU64::new(0);
static NEXT_THREAD: AtomicU64 = AtomicU64::new(1);
thread_local! {
    static THREAD: Cell<u64> = const { Cell::new(0) };
}
