//! Fast mutexes (FAST_MUTEX).

use super::dispatcher::{self, Kind};
use super::irql::APC_LEVEL;
use super::spin_lock;
use crate::judge::{self, Rule, for_caller, lock_order, violation};
use crate::machine::{self, wait};
use crate::sys::{FAST_MUTEX, KEVENT};

/// Takes a fast mutex at APC_LEVEL.
///
/// Follows the ExAcquireFastMutex page (IRQL <= APC_LEVEL). Judged: IRQL; a mutex that the thread holds already; a spin
/// lock held.
///
/// # Safety
/// `mutex` is an initialized fast mutex.
pub unsafe extern "win64" fn ExAcquireFastMutex(mutex: *mut FAST_MUTEX) {
    judge::irql_at_most(APC_LEVEL);
    spin_lock::expect_none_held("the thread waits");
    let before = machine::irql::raise(APC_LEVEL);
    // SAFETY: the caller promises a mutex.
    unsafe { take(mutex, before) };
}

/// Takes a fast mutex at APC_LEVEL when it is free, and says whether it was.
///
/// Follows the ExTryToAcquireFastMutex page (IRQL <= APC_LEVEL). Judged: IRQL.
///
/// # Safety
/// `mutex` is an initialized fast mutex.
pub unsafe extern "win64" fn ExTryToAcquireFastMutex(mutex: *mut FAST_MUTEX) -> u8 {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the caller promises a mutex; it changes under the dispatcher lock.
    let free = for_caller(|| unsafe { wait::change(|| (*mutex).Count == 1 && (*mutex).Owner.is_null()) });
    if free {
        // SAFETY: as above.
        unsafe { ExAcquireFastMutex(mutex) };
    }
    u8::from(free)
}

/// Releases a fast mutex and lowers to the level before.
///
/// Follows the ExReleaseFastMutex page (IRQL = APC_LEVEL). Judged: IRQL; a mutex that the thread does not hold.
///
/// # Safety
/// `mutex` is an initialized fast mutex.
pub unsafe extern "win64" fn ExReleaseFastMutex(mutex: *mut FAST_MUTEX) {
    judge::irql_exactly(APC_LEVEL);
    // SAFETY: the caller promises a mutex.
    let before = unsafe { give(mutex) };
    machine::irql::lower(before);
}

/// Takes a fast mutex without raising the level, inside a critical region or at APC_LEVEL.
///
/// Follows the ExAcquireFastMutexUnsafe page. Judged: APCs not held off; a mutex that the thread holds already.
///
/// # Safety
/// `mutex` is an initialized fast mutex.
pub unsafe extern "win64" fn ExAcquireFastMutexUnsafe(mutex: *mut FAST_MUTEX) {
    judge::irql_at_most(APC_LEVEL);
    if machine::irql::current() < APC_LEVEL && machine::critical_region_depth() == 0 {
        violation(Rule::CriticalRegion, "the fast mutex is taken with APCs enabled");
    }
    spin_lock::expect_none_held("the thread waits");
    // SAFETY: the caller promises a mutex.
    unsafe { take(mutex, machine::irql::current()) };
}

/// Releases a fast mutex and stays at the level.
///
/// Follows the ExReleaseFastMutexUnsafe page. Judged: IRQL; a mutex that the thread does not hold.
///
/// # Safety
/// `mutex` is an initialized fast mutex.
pub unsafe extern "win64" fn ExReleaseFastMutexUnsafe(mutex: *mut FAST_MUTEX) {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the caller promises a mutex.
    unsafe { give(mutex) };
}

/// # Safety
/// `mutex` is an initialized fast mutex.
unsafe fn take(mutex: *mut FAST_MUTEX, level: u8) {
    // SAFETY: the caller promises a mutex; it changes under the dispatcher lock.
    for_caller(|| unsafe {
        if (*mutex).Owner == machine::current_thread() {
            violation(
                Rule::ObjectState,
                format_args!("the fast mutex {mutex:p} is held by this thread already"),
            );
        }
        let event: *mut KEVENT = &raw mut (*mutex).Event;
        let kind = dispatcher::kind(&raw mut (*event).Header);
        if kind != Kind::SynchronizationEvent {
            violation(Rule::ObjectState, format_args!("the fast mutex {mutex:p} was never initialized"));
        }
        lock_order::wanted(mutex.addr());
        wait::until(None, || {
            if (*mutex).Count != 1 {
                return None;
            }
            (*mutex).Count = 0;
            (*mutex).Owner = machine::current_thread();
            Some(())
        });
        (*mutex).OldIrql = u32::from(level);
        lock_order::taken(mutex.addr());
    });
}

/// # Safety
/// `mutex` is an initialized fast mutex.
unsafe fn give(mutex: *mut FAST_MUTEX) -> u8 {
    // SAFETY: the caller promises a mutex; it changes under the dispatcher lock.
    for_caller(|| unsafe {
        if (*mutex).Owner != machine::current_thread() {
            violation(Rule::ObjectState, format_args!("the fast mutex {mutex:p} is not held by this thread"));
        }
        let level = (*mutex).OldIrql as u8;
        lock_order::released(mutex.addr());
        wait::change(|| {
            (*mutex).Owner = std::ptr::null_mut();
            (*mutex).Count = 1;
        });
        level
    })
}
