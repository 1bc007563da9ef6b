//! Kernel mutexes (KMUTEX) and semaphores (KSEMAPHORE).

use super::dispatcher::{self, Kind};
use super::irql::DISPATCH_LEVEL;
use crate::judge::{self, Rule, for_caller, lock_order, violation};
use crate::machine::{self, wait};
use crate::sys::{KMUTANT, KSEMAPHORE};

/// Makes a free mutex.
///
/// Follows the KeInitializeMutex page (any IRQL).
///
/// # Safety
/// `mutex` is writable and stays where it is.
pub unsafe extern "win64" fn KeInitializeMutex(mutex: *mut KMUTANT, _level: u32) {
    // SAFETY: the caller promises a writable mutex.
    for_caller(|| unsafe {
        dispatcher::initialize(&raw mut (*mutex).Header, Kind::Mutant, size_of::<KMUTANT>(), 1);
        (*mutex).OwnerThread = std::ptr::null_mut();
        (*mutex).ApcDisable = 1;
    });
    lock_order::forget(mutex.addr());
}

/// Releases a mutex once and returns its state before: 0 or below while it is owned.
///
/// Follows the KeReleaseMutex page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a thread that is not the owner.
///
/// # Safety
/// `mutex` is an initialized mutex.
pub unsafe extern "win64" fn KeReleaseMutex(mutex: *mut KMUTANT, _wait: u8) -> i32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a mutex; it changes under the dispatcher lock.
    let before = for_caller(|| unsafe {
        let kind = dispatcher::kind(&raw mut (*mutex).Header);
        if kind != Kind::Mutant {
            violation(Rule::HandleType, format_args!("{mutex:p} is a {kind:?}, not a mutex"));
        }
        wait::change(|| {
            if (*mutex).OwnerThread.cast() != machine::current_thread() {
                violation(Rule::ObjectState, format_args!("the mutex {mutex:p} is not this thread's"));
            }
            let before = (*mutex).Header.SignalState;
            (*mutex).Header.SignalState += 1;
            if before == 0 {
                (*mutex).OwnerThread = std::ptr::null_mut();
            }
            before
        })
    });
    if before == 0 {
        lock_order::released(mutex.addr());
        machine::leave_critical_region();
    }
    before
}

/// Makes a semaphore.
///
/// Follows the KeInitializeSemaphore page (any IRQL). Judged: a count or limit out of range.
///
/// # Safety
/// `semaphore` is writable and stays where it is.
pub unsafe extern "win64" fn KeInitializeSemaphore(semaphore: *mut KSEMAPHORE, count: i32, limit: i32) {
    if count < 0 || limit <= 0 || count > limit {
        violation(Rule::BadParameter, format_args!("a semaphore of {count} with the limit {limit}"));
    }
    // SAFETY: the caller promises a writable semaphore.
    for_caller(|| unsafe {
        dispatcher::initialize(&raw mut (*semaphore).Header, Kind::Semaphore, size_of::<KSEMAPHORE>(), count);
        (*semaphore).Limit = limit;
    });
}

/// Adds to a semaphore and returns its count before.
///
/// Follows the KeReleaseSemaphore page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a sum above the limit.
///
/// # Safety
/// `semaphore` is an initialized semaphore.
pub unsafe extern "win64" fn KeReleaseSemaphore(
    semaphore: *mut KSEMAPHORE,
    _increment: i32,
    adjustment: i32,
    _wait: u8,
) -> i32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a semaphore; it changes under the dispatcher lock.
    for_caller(|| unsafe {
        let kind = dispatcher::kind(&raw mut (*semaphore).Header);
        if kind != Kind::Semaphore {
            violation(Rule::HandleType, format_args!("{semaphore:p} is a {kind:?}, not a semaphore"));
        }
        wait::change(|| {
            let before = (*semaphore).Header.SignalState;
            let after = before.saturating_add(adjustment);
            if adjustment <= 0 || after > (*semaphore).Limit {
                violation(Rule::BadParameter, format_args!("{before} + {adjustment} passes the limit"));
            }
            (*semaphore).Header.SignalState = after;
            before
        })
    })
}

/// Returns a semaphore's count.
///
/// Follows the KeReadStateSemaphore page (any IRQL).
///
/// # Safety
/// `semaphore` is an initialized semaphore.
pub unsafe extern "win64" fn KeReadStateSemaphore(semaphore: *mut KSEMAPHORE) -> i32 {
    // SAFETY: the caller promises a semaphore.
    for_caller(|| unsafe { (*semaphore).Header.SignalState })
}

/// Whether the calling thread has the mutex, and may have it once more.
///
/// # Safety
/// `mutex` is an initialized mutex.
pub(super) unsafe fn is_own(mutex: *mut KMUTANT) -> bool {
    // SAFETY: the caller promises a mutex; nobody else makes or ends this thread's ownership.
    unsafe { (*mutex).OwnerThread.cast() == machine::current_thread() }
}

/// Whether the calling thread can have the mutex now.
///
/// # Safety
/// `mutex` is an initialized mutex, and the dispatcher lock is held.
pub(super) unsafe fn is_free(mutex: *mut KMUTANT) -> bool {
    // SAFETY: the caller promises a mutex.
    unsafe { (*mutex).Header.SignalState > 0 || is_own(mutex) }
}

/// Gives a mutex that [`is_free`] to the calling thread; the first time holds off its APCs.
///
/// # Safety
/// As [`is_free`].
pub(super) unsafe fn take(mutex: *mut KMUTANT) {
    // SAFETY: the caller promises a mutex.
    unsafe {
        (*mutex).Header.SignalState -= 1;
        if (*mutex).Header.SignalState == 0 {
            (*mutex).OwnerThread = machine::current_thread().cast();
            lock_order::taken(mutex.addr());
            machine::enter_critical_region();
        }
    }
}
