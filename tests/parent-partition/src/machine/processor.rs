//! The processors of the simulated machine: a thread at DISPATCH_LEVEL or above owns one.
//!
//! There are two unless [`limit`] says otherwise. A thread that raises its level to DISPATCH_LEVEL takes one, waits while all are
//! owned, and gives it back when it lowers its level again. While all are owned, a thread below DISPATCH_LEVEL gets no further
//! than its next call of a routine: it is preempted there until one is free. So an image in which every processor waits at
//! DISPATCH_LEVEL for what a preempted thread has (a lock that was taken without raising the level) ends here as it would on
//! the real machine: [`Rule::Deadlock`].
//!
//! ```text
//!   below DISPATCH_LEVEL ──raise──► takes a processor ──lower──► gives it back
//!        │ calls a routine while all are owned
//!        └──► preempted until one is free
//! ```
//!
//! Threads below DISPATCH_LEVEL share what the host gives them: how many of them run at a moment is not limited, since code at
//! that level has to stand every order of events anyway. On a machine of one processor without preemption (`turn`) whose
//! turn it is takes the place of all this.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::irql::DISPATCH_LEVEL;
use super::thread_block::ThreadBlock;
use super::{interrupt, turn};
use crate::judge::{Rule, violation_at};

/// Gives the machine so many processors, before anything runs on it.
///
/// # Panics
///
/// When it is none, or more than [`MOST`].
pub fn limit(processors: u32) {
    assert!((1..=MOST).contains(&processors), "1 to {MOST} processors");
    COUNT.store(processors, Ordering::Release);
}

/// How many processors the machine has.
pub fn count() -> u32 {
    if turn::is_alone() { 1 } else { COUNT.load(Ordering::Acquire) }
}

/// Takes a processor for a thread that is about to be at DISPATCH_LEVEL or above.
pub(super) fn take(block: &ThreadBlock) {
    if !turn::is_alone() {
        let number = try_take().unwrap_or_else(|| wait_for(try_take));
        block.set_processor(Some(number));
    }
}

/// Gives back the processor of a thread that is below DISPATCH_LEVEL from now on.
pub(super) fn give_back(block: &ThreadBlock) {
    let Some(number) = block.processor() else { return };
    block.set_processor(None);
    let before = OWNED.fetch_and(!(1 << number), Ordering::SeqCst);
    if before == all() {
        interrupt::WAITING.fetch_sub(1, Ordering::Release);
    }
    if WAITERS.load(Ordering::SeqCst) != 0 {
        drop(LOCK.lock().unwrap_or_else(PoisonError::into_inner));
        FREE.notify_all();
    }
}

/// Has a thread below DISPATCH_LEVEL wait while all processors are owned; called where an image calls a routine.
pub(super) fn pass(block: &ThreadBlock) {
    let free = || (OWNED.load(Ordering::SeqCst) != all()).then_some(());
    if block.irql() < DISPATCH_LEVEL && free().is_none() {
        wait_for(free);
    }
}

/// Takes the first free processor.
fn try_take() -> Option<u32> {
    let all = all();
    let mut owned = OWNED.load(Ordering::SeqCst);
    while owned != all {
        let number = (!owned).trailing_zeros();
        let then = owned | 1 << number;
        match OWNED.compare_exchange_weak(owned, then, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => {
                // The gate looks at this, and has the thread that comes wait.
                if then == all {
                    interrupt::WAITING.fetch_add(1, Ordering::Release);
                }
                return Some(number);
            }
            Err(now) => owned = now,
        }
    }
    None
}

/// Waits until `ready` yields; breaks [`Rule::Deadlock`] when no owner of a processor goes on.
fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    WAITERS.fetch_add(1, Ordering::SeqCst);
    let mut guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let value = loop {
        if let Some(value) = ready() {
            break value;
        }
        guard = FREE.wait_timeout(guard, BETWEEN_LOOKS).unwrap_or_else(PoisonError::into_inner).0;
        if begun.elapsed() > PATIENCE {
            interrupt::find_deadlock();
        }
        if begun.elapsed() > PATIENCE + PATIENCE {
            violation_at(Rule::Deadlock, "", 0, "every processor is owned, and none becomes free");
        }
    };
    drop(guard);
    WAITERS.fetch_sub(1, Ordering::SeqCst);
    value
}

/// The processors as a mask.
fn all() -> u32 {
    u32::MAX >> (u32::BITS - COUNT.load(Ordering::Relaxed))
}

/// As many as the mask has room for.
pub const MOST: u32 = u32::BITS;
/// How many a machine has that nobody says anything about.
pub const USUAL: u32 = 2;

static COUNT: AtomicU32 = AtomicU32::new(USUAL);
/// Bit n is set while processor n is owned.
static OWNED: AtomicU32 = AtomicU32::new(0);
static WAITERS: AtomicUsize = AtomicUsize::new(0);
/// Held for looking; nothing is called under it.
static LOCK: Mutex<()> = Mutex::new(());
static FREE: Condvar = Condvar::new();
/// Work of DISPATCH_LEVEL takes microseconds; the host may be busy with something else.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
