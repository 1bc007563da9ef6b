//! Blocking waits of simulated threads, and the one lock under which waited-for state changes.
//!
//! A state that threads wait for (an event's signal, a queue's length) is read and changed only inside
//! [`change`] and [`until`]; both hold the dispatcher lock, so no wake-up is lost. Nothing else may block a
//! simulated thread, so that simulated processors can be handed over here.
//!
//! LOCK: the dispatcher lock is a leaf. No image is called, no other wait begins, and no violation other than
//! one that ends the process happens under it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::turn::{self, Turns};

/// Runs `body` under the dispatcher lock and wakes the waiters to look again.
pub fn change<T>(body: impl FnOnce() -> T) -> T {
    let value = change_quietly(body);
    wake();
    value
}

/// Changes as [`change`] does what only those wait for who named `object`, and those who named none; nobody else is woken.
pub fn change_of<T>(object: usize, body: impl FnOnce() -> T) -> T {
    let value = change_quietly(body);
    CHANGED.notify_all();
    room(object).notify_all();
    value
}

fn change_quietly<T>(body: impl FnOnce() -> T) -> T {
    let mut turns = lock();
    let value = body();
    turns.changed();
    value
}

/// Blocks until `ready` yields a value, or `timeout` has passed (`None` waits for ever).
///
/// `ready` runs under the dispatcher lock, at least once, also with a time-out of zero; it may take what it
/// finds (consume a signal).
pub fn until<T>(timeout: Option<Duration>, ready: impl FnMut() -> Option<T>) -> Option<T> {
    until_in(&CHANGED, timeout, ready)
}

/// Blocks as [`until`] does for what is changed with [`change_of`] the same object, or with [`change`].
pub fn until_of<T>(object: usize, timeout: Option<Duration>, ready: impl FnMut() -> Option<T>) -> Option<T> {
    until_in(room(object), timeout, ready)
}

fn until_in<T>(room: &Condvar, timeout: Option<Duration>, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = timeout.and_then(|timeout| since_boot().checked_add(timeout));
    let mut turns = lock();
    let ticket = turns.ticket();
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        let left = deadline.map(|deadline| deadline.saturating_sub(since_boot()));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        turns = if turn::is_alone() {
            turns.wait(ticket, deadline);
            take_turn(turns, turn::thread())
        } else {
            match left {
                None => room.wait(turns).unwrap_or_else(PoisonError::into_inner),
                Some(left) => room.wait_timeout(turns, left).unwrap_or_else(PoisonError::into_inner).0,
            }
        };
    }
}

/// Lets other simulated threads run; returns at once when none wants to.
pub fn yield_now() {
    if turn::is_alone() {
        let mut turns = lock();
        turns.yield_now();
        drop(take_turn(turns, turn::thread()));
    } else {
        std::thread::yield_now();
    }
}

/// Lets the thread do nothing for a time, whatever changes meanwhile.
pub fn sleep(time: Duration) {
    if turn::is_alone() {
        until(Some(time), || None::<()>);
    } else {
        std::thread::sleep(time);
    }
}

/// Time since the machine was booted, never going back.
pub fn since_boot() -> Duration {
    turn::clock().unwrap_or_else(|| BOOT.elapsed())
}

/// Waits until it is a thread's turn, on a machine of one processor.
pub(super) fn take_turn(mut turns: MutexGuard<'static, Turns>, thread: u64) -> MutexGuard<'static, Turns> {
    wake();
    while !turns.is_turn_of(thread) {
        turns = CHANGED.wait(turns).unwrap_or_else(PoisonError::into_inner);
    }
    turns
}

pub(super) fn lock() -> MutexGuard<'static, Turns> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has every waiting host thread look again.
pub(super) fn wake() {
    CHANGED.notify_all();
    ROOMS.iter().for_each(Condvar::notify_all);
}

/// Where those wait who wait for one object; others may wait in the same room.
fn room(object: usize) -> &'static Condvar {
    // Objects lie 16 bytes apart or more, and many of them at the same place of a page.
    &ROOMS[(object >> 4 ^ object >> 12) % ROOMS.len()]
}

static LOCK: Mutex<Turns> = Mutex::new(Turns::new());
/// Where those wait who named no object, and those whose turn it is not.
static CHANGED: Condvar = Condvar::new();
static ROOMS: [Condvar; 64] = [const { Condvar::new() }; 64];
static BOOT: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::{change, until};

    #[test]
    fn a_wait_sees_a_change_made_by_another_thread() {
        static STATE: AtomicU32 = AtomicU32::new(0);
        let changer = std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(10));
            change(|| STATE.store(7, Ordering::Relaxed));
        });
        let seen = until(None, || Some(STATE.load(Ordering::Relaxed)).filter(|state| *state != 0));
        assert_eq!(seen, Some(7));
        changer.join().expect("the changing thread");
    }

    #[test]
    fn a_wait_with_a_zero_timeout_looks_once() {
        let mut looks = 0;
        let seen: Option<()> = until(Some(Duration::ZERO), || {
            looks += 1;
            None
        });
        assert_eq!((seen, looks), (None, 1));
    }
}
