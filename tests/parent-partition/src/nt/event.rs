//! Events (KEVENT).

use super::dispatcher::{self, Kind};
use super::irql::DISPATCH_LEVEL;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::wait;
use crate::sys::KEVENT;

/// Makes an event of a type (0 notification, 1 synchronization), signaled or not.
///
/// Follows the KeInitializeEvent page (any IRQL). Judged: a type that does not exist.
///
/// # Safety
/// `event` is writable and stays where it is.
pub unsafe extern "win64" fn KeInitializeEvent(event: *mut KEVENT, kind: u32, state: u8) {
    let kind = match kind {
        0 => Kind::NotificationEvent,
        1 => Kind::SynchronizationEvent,
        other => violation(Rule::BadParameter, format_args!("no event type {other}")),
    };
    // SAFETY: the caller promises a writable event.
    for_caller(|| unsafe {
        dispatcher::initialize(&raw mut (*event).Header, kind, size_of::<KEVENT>(), i32::from(state != 0));
    });
}

/// Signals an event and returns whether it was signaled before.
///
/// Follows the KeSetEvent page (IRQL <= DISPATCH_LEVEL, below it when a wait is announced). Judged: IRQL; an object
/// that is no event, or was never initialized.
///
/// # Safety
/// `event` is an initialized event.
pub unsafe extern "win64" fn KeSetEvent(event: *mut KEVENT, _increment: i32, wait: u8) -> i32 {
    judge::irql_at_most(if wait == 0 { DISPATCH_LEVEL } else { DISPATCH_LEVEL - 1 });
    // SAFETY: the caller promises an event.
    unsafe { exchange(event, 1) }
}

/// Clears an event and returns whether it was signaled before.
///
/// Follows the KeResetEvent page (IRQL <= DISPATCH_LEVEL). Judged as [`KeSetEvent`].
///
/// # Safety
/// `event` is an initialized event.
pub unsafe extern "win64" fn KeResetEvent(event: *mut KEVENT) -> i32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises an event.
    unsafe { exchange(event, 0) }
}

/// Clears an event.
///
/// Follows the KeClearEvent page (IRQL <= DISPATCH_LEVEL). Judged as [`KeSetEvent`].
///
/// # Safety
/// `event` is an initialized event.
pub unsafe extern "win64" fn KeClearEvent(event: *mut KEVENT) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises an event.
    unsafe { exchange(event, 0) };
}

/// Returns whether an event is signaled.
///
/// Follows the KeReadStateEvent page (IRQL <= DISPATCH_LEVEL). Judged as [`KeSetEvent`].
///
/// # Safety
/// `event` is an initialized event.
pub unsafe extern "win64" fn KeReadStateEvent(event: *mut KEVENT) -> i32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises an event.
    for_caller(|| unsafe {
        expect_event(event);
        wait::until(Some(std::time::Duration::ZERO), || Some((*event).Header.SignalState)).unwrap_or_default()
    })
}

/// # Safety
/// `event` is readable and writable.
unsafe fn exchange(event: *mut KEVENT, state: i32) -> i32 {
    // SAFETY: the caller promises an event; its state changes under the dispatcher lock.
    for_caller(|| unsafe {
        expect_event(event);
        wait::change_of(event.addr(), || std::mem::replace(&mut (*event).Header.SignalState, state))
    })
}

/// # Safety
/// `event` is readable.
unsafe fn expect_event(event: *mut KEVENT) {
    // SAFETY: the caller promises a readable object.
    let kind = unsafe { dispatcher::kind(&raw mut (*event).Header) };
    if !matches!(kind, Kind::NotificationEvent | Kind::SynchronizationEvent) {
        violation(Rule::HandleType, format_args!("{event:p} is a {kind:?}, not an event"));
    }
}
