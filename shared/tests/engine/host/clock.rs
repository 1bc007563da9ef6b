//! Clock, events and critical regions over threads.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use backchannel::{ParkSpot, Parker, Platform, SECOND};

use super::leaf_lock;

/// The engine's host. Its clock stands still but for what a test adds, so that no test depends on a fast machine.
pub(crate) struct ThreadHost {
    added: AtomicU64,
    runs_since: OnceLock<Instant>,
    signalled: Mutex<HashMap<ParkSpot, bool>>,
    changed: Condvar,
    waiting: AtomicU32,
    sleeps: AtomicU32,
}

thread_local! {
    static REGIONS: Cell<u32> = const { Cell::new(0) };
    static THREAD: u64 = {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

impl ThreadHost {
    pub(crate) fn new() -> Self {
        Self {
            added: AtomicU64::new(SECOND),
            runs_since: OnceLock::new(),
            signalled: Mutex::new(HashMap::new()),
            changed: Condvar::new(),
            waiting: AtomicU32::new(0),
            sleeps: AtomicU32::new(0),
        }
    }

    /// Lets the clock jump.
    pub(crate) fn advance(&self, time: u64) {
        self.added.fetch_add(time, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Lets the clock run from here on, for a test that waits for a time to pass.
    pub(crate) fn run(&self) {
        self.runs_since.get_or_init(Instant::now);
    }

    pub(crate) fn time(&self) -> u64 {
        self.now()
    }

    /// Waits until so many callers wait for their turn.
    pub(crate) fn await_waiters(&self, number: u32) {
        while self.waiters() < number {
            std::thread::yield_now();
        }
    }

    /// How many callers wait for their turn, or for an answer.
    pub(crate) fn waiters(&self) -> u32 {
        self.waiting.load(Ordering::Acquire)
    }

    /// Waits until a caller has looked twice whether others have left, from here on.
    pub(crate) fn await_sleeper(&self) {
        let before = self.sleeps.load(Ordering::Acquire);
        while self.sleeps.load(Ordering::Acquire) < before + 2 {
            std::thread::yield_now();
        }
    }

    /// Says whether the running thread is outside all critical regions.
    pub(crate) fn is_outside() -> bool {
        REGIONS.get() == 0
    }
}

impl Parker for ThreadHost {
    fn enter_critical_region(&self) {
        REGIONS.set(REGIONS.get() + 1);
    }

    fn leave_critical_region(&self) {
        REGIONS.set(REGIONS.get().checked_sub(1).expect("a critical region was left twice"));
    }

    fn park(&self, spot: ParkSpot, deadline: Option<u64>) -> bool {
        assert!(spot.waiter < ParkSpot::PER_VF, "there is no such spot: {spot:?}");
        assert!(REGIONS.get() > 0, "a caller waits outside a critical region");
        assert_eq!(leaf_lock::held(), 0, "a caller waits with a leaf lock");
        let mut signalled = self.signalled.lock().expect("no test fails under this lock");
        self.waiting.fetch_add(1, Ordering::Release);
        let woken = loop {
            if signalled.insert(spot, false) == Some(true) {
                break true;
            }
            if deadline.is_some_and(|deadline| self.now() >= deadline) {
                break false;
            }
            signalled = self
                .changed
                .wait_timeout(signalled, Duration::from_millis(2))
                .expect("no test fails under this lock")
                .0;
        };
        self.waiting.fetch_sub(1, Ordering::Release);
        woken
    }

    fn unpark(&self, spot: ParkSpot) {
        let before = self.signalled.lock().expect("no test fails under this lock").insert(spot, true);
        assert_ne!(before, Some(true), "a spot was unparked twice before it was consumed: {spot:?}");
        self.changed.notify_all();
    }

    fn sleep(&self, _until: u64) {
        assert_eq!(leaf_lock::held(), 0, "a caller sleeps with a leaf lock");
        self.sleeps.fetch_add(1, Ordering::Release);
        std::thread::sleep(Duration::from_micros(100));
    }
}

impl Platform for ThreadHost {
    fn now(&self) -> u64 {
        let passed = self.runs_since.get().map_or(0, |began| began.elapsed().as_nanos() / 100);
        u64::try_from(passed).expect("a test does not run for 58,000 years")
            + self.added.load(Ordering::Relaxed)
    }

    fn thread(&self) -> u64 {
        THREAD.with(|thread| *thread)
    }
}
