//! The header that everything a thread can wait for begins with.
//!
//! The state is in the object's own DISPATCHER_HEADER, where an image may read it. It changes under the machine's
//! dispatcher lock only. The header's list never holds a waiter here; it points to itself from initialization on, so
//! that an object that was never initialized, or was moved afterwards, is found.

use crate::judge::{Rule, violation};
use crate::sys::DISPATCHER_HEADER;

/// The object types of the DISPATCHER_HEADER, as KOBJECTS numbers them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Stays signaled until it is cleared.
    NotificationEvent = 0,
    /// Releases one waiter and clears itself.
    SynchronizationEvent = 1,
    /// Has an owner; free when signaled.
    Mutant = 2,
    /// Counts down with each wait.
    Semaphore = 5,
    /// A timer that stays signaled.
    NotificationTimer = 8,
    /// A timer that releases one waiter.
    SynchronizationTimer = 9,
}

/// Makes the header of a new object.
///
/// # Safety
/// `header` is writable and part of an object of `bytes` bytes.
pub(super) unsafe fn initialize(header: *mut DISPATCHER_HEADER, kind: Kind, bytes: usize, state: i32) {
    // SAFETY: the caller promises a writable header.
    unsafe {
        let raw = header.cast::<u8>();
        raw.cast::<u32>().write(u32::from(kind as u8) | (((bytes / 4) as u32) << 16));
        (*header).SignalState = state;
        let list = &raw mut (*header).WaitListHead;
        (*list).Flink = list;
        (*list).Blink = list;
    }
}

/// The kind of an initialized object; anything else breaks [`Rule::HandleType`].
///
/// # Safety
/// `header` is readable.
pub(super) unsafe fn kind(header: *mut DISPATCHER_HEADER) -> Kind {
    // SAFETY: the caller promises a readable header.
    let (number, list, place) = unsafe {
        let list = &raw mut (*header).WaitListHead;
        (header.cast::<u8>().read(), (*list).Flink, list)
    };
    if list != place {
        let how = if list.is_null() {
            "never initialized"
        } else {
            "moved or overwritten after it was initialized"
        };
        violation(Rule::HandleType, format_args!("the object at {header:p} was {how}"));
    }
    match number {
        0 => Kind::NotificationEvent,
        1 => Kind::SynchronizationEvent,
        2 => Kind::Mutant,
        5 => Kind::Semaphore,
        8 => Kind::NotificationTimer,
        9 => Kind::SynchronizationTimer,
        other => {
            violation(Rule::HandleType, format_args!("{header:p} holds no dispatcher object (type {other})"))
        }
    }
}
