//! Something that may be used between its opening and its closing; closing waits for those inside.
//!
//! ```text
//!            fill            open            close
//!   empty --------> closed --------> open ----------> closed
//!     ^               |                | empty          | empty
//!     +---------------+----------------+----------------+        empty and close wait for those inside
//! ```
//!
//! Calls come at any time, also after the device is gone; they get inside while it is open and are refused otherwise.
//! `PnP` and power callbacks look at it while it is closed. Only those inside are waited for, never those who merely hold
//! the interface.
#![expect(unsafe_code, reason = "a cell that is lent by count")]

use core::{
    cell::UnsafeCell,
    fmt,
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

/// A value and the count of those who are using it.
pub(crate) struct Rundown<T> {
    /// [`FILLING`], [`PRESENT`], [`OPEN`], and how many are inside.
    state: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written and taken out only by the one who set FILLING, and looked at only by those counted inside
// while PRESENT is set; the two exclude each other.
unsafe impl<T: Send + Sync> Sync for Rundown<T> {}

/// Someone inside; leaves when dropped.
pub(crate) struct Inside<'a, T> {
    rundown: &'a Rundown<T>,
    value: &'a T,
}

impl<T> Rundown<T> {
    /// Empty.
    pub(crate) const fn new() -> Self {
        Self { state: AtomicU32::new(0), value: UnsafeCell::new(None) }
    }

    /// Puts a value in, closed; gives it back if there is one.
    pub(crate) fn fill(&self, value: T) -> Result<(), T> {
        if self.state.compare_exchange(0, FILLING, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return Err(value);
        }
        // SAFETY: FILLING is set by us, and nobody is inside.
        unsafe { *self.value.get() = Some(value) };
        self.state.store(PRESENT, Ordering::Release);
        Ok(())
    }

    /// Lets calls in.
    pub(crate) fn open(&self) {
        let _was_open = self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| {
            (state & PRESENT != 0).then_some(state | OPEN)
        });
    }

    /// Goes inside if it is open.
    pub(crate) fn enter(&self) -> Option<Inside<'_, T>> {
        self.enter_if(OPEN)
    }

    /// Goes inside though it may be closed: for who brings opening and closing about.
    pub(crate) fn enter_closed(&self) -> Option<Inside<'_, T>> {
        self.enter_if(PRESENT)
    }

    /// Lets nobody in any more, and waits for those inside; `wait` lets other threads run for a moment.
    pub(crate) fn close(&self, wait: impl Fn()) {
        let _before = self.state.fetch_and(!OPEN, Ordering::AcqRel);
        while self.state.load(Ordering::Acquire) & COUNT != 0 {
            wait();
        }
    }

    /// Closes, and takes the value out.
    pub(crate) fn empty(&self, wait: impl Fn()) -> Option<T> {
        let _before = self.state.fetch_and(!OPEN, Ordering::AcqRel);
        loop {
            match self.state.compare_exchange(PRESENT, FILLING, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => break,
                Err(state) if state & PRESENT == 0 => return None,
                Err(_) => wait(),
            }
        }
        // SAFETY: FILLING is set by us, and nobody is inside.
        let value = unsafe { (*self.value.get()).take() };
        self.state.store(0, Ordering::Release);
        value
    }

    fn enter_if(&self, needed: u32) -> Option<Inside<'_, T>> {
        self.state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
                (state & needed != 0).then_some(state.wrapping_add(1))
            })
            .ok()?;
        // SAFETY: PRESENT is set, as OPEN implies it, and stays as long as we are counted: the value is not written.
        let value = unsafe { (*self.value.get()).as_ref() };
        if value.is_none() {
            self.leave();
        }
        value.map(|value| Inside { rundown: self, value })
    }

    fn leave(&self) {
        let _before = self.state.fetch_sub(1, Ordering::Release);
    }
}

impl<T> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        self.rundown.leave();
    }
}

impl<T> Deref for Inside<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> fmt::Debug for Rundown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rundown").field("state", &self.state.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}

const FILLING: u32 = 1 << 31;
const PRESENT: u32 = 1 << 30;
const OPEN: u32 = 1 << 29;
/// More threads than a machine has.
const COUNT: u32 = OPEN - 1;
