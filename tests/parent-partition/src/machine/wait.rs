//! Blocking waits of simulated threads, and the one lock under which waited-for state changes.
//!
//! A state that threads wait for (an event's signal, a queue's length) is read and changed only inside
//! [`change`] and [`until`]; both hold the dispatcher lock, so no wake-up is lost. Nothing else may block a
//! simulated thread, so that simulated processors can be handed over here.
//!
//! LOCK: the dispatcher lock is a leaf. No image is called, no other wait begins, and no violation other than
//! one that ends the process happens under it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs `body` under the dispatcher lock and wakes the waiters to look again.
pub fn change<T>(body: impl FnOnce() -> T) -> T {
    let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let value = body();
    drop(guard);
    CHANGED.notify_all();
    value
}

/// Blocks until `ready` yields a value, or `timeout` has passed (`None` waits for ever).
///
/// `ready` runs under the dispatcher lock, at least once, also with a time-out of zero; it may take what it
/// finds (consume a signal).
pub fn until<T>(timeout: Option<Duration>, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        guard = match deadline {
            None => CHANGED.wait(guard).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
                CHANGED.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

/// Lets other simulated threads run; returns at once when none wants to.
pub fn yield_now() {
    std::thread::yield_now();
}

/// Time since the machine was booted, never going back.
pub fn since_boot() -> Duration {
    BOOT.elapsed()
}

static LOCK: Mutex<()> = Mutex::new(());
static CHANGED: Condvar = Condvar::new();
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
