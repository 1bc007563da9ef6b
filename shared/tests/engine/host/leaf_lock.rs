//! A raw lock that knows the rule for leaf locks: one at a time.
#![expect(unsafe_code, reason = "lock_api's trait for raw locks is unsafe to implement")]

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use lock_api::{GuardSend, RawMutex};

/// Fails the test when a thread takes a second one.
pub(crate) struct LeafLock(AtomicBool);

thread_local! {
    static HELD: Cell<u32> = const { Cell::new(0) };
}

/// How many leaf locks the running thread holds.
pub(crate) fn held() -> u32 {
    HELD.get()
}

// SAFETY: only the thread whose exchange turned `false` into `true` holds the lock until it unlocks.
unsafe impl RawMutex for LeafLock {
    const INIT: Self = Self(AtomicBool::new(false));

    type GuardMarker = GuardSend;

    fn lock(&self) {
        assert_eq!(held(), 0, "two leaf locks at a time");
        while !self.try_exchange() {
            std::thread::yield_now();
        }
        HELD.set(1);
    }

    fn try_lock(&self) -> bool {
        assert_eq!(held(), 0, "two leaf locks at a time");
        let locked = self.try_exchange();
        HELD.set(u32::from(locked));
        locked
    }

    unsafe fn unlock(&self) {
        HELD.set(0);
        self.0.store(false, Ordering::Release);
    }
}

impl LeafLock {
    fn try_exchange(&self) -> bool {
        self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}
