//! Remove locks (IO_REMOVE_LOCK): a count of uses that a removal waits for.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::event::KeInitializeEvent;
use super::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::status::{self, Status};
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::wait;
use crate::sys::IO_REMOVE_LOCK;

/// Makes a remove lock.
///
/// Follows the IoInitializeRemoveLock page (PASSIVE_LEVEL). Judged: IRQL.
///
/// # Safety
/// `lock` is writable and stays where it is.
pub unsafe extern "win64" fn IoInitializeRemoveLockEx(
    lock: *mut IO_REMOVE_LOCK,
    _tag: u32,
    _minutes: u32,
    _high: u32,
    _size: u32,
) {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a writable lock.
    for_caller(|| unsafe {
        (*lock).Common.Removed = 0;
        (*lock).Common.IoCount = 1;
        KeInitializeEvent(&raw mut (*lock).Common.RemoveEvent, 1, 0);
    });
}

/// Counts a use; STATUS_DELETE_PENDING once the removal has begun.
///
/// Follows the IoAcquireRemoveLock page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a lock that was never initialized.
///
/// # Safety
/// `lock` is an initialized remove lock.
pub unsafe extern "win64" fn IoAcquireRemoveLockEx(
    lock: *mut IO_REMOVE_LOCK,
    _tag: *mut c_void,
    _file: *const c_char,
    _line: u32,
    _size: u32,
) -> Status {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a lock; it changes under the dispatcher lock.
    for_caller(|| unsafe {
        expect_initialized(lock);
        wait::change(|| {
            if (*lock).Common.Removed != 0 {
                return status::DELETE_PENDING;
            }
            (*lock).Common.IoCount += 1;
            status::SUCCESS
        })
    })
}

/// Ends a use.
///
/// Follows the IoReleaseRemoveLock page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a use that was never counted.
///
/// # Safety
/// `lock` is an initialized remove lock.
pub unsafe extern "win64" fn IoReleaseRemoveLockEx(lock: *mut IO_REMOVE_LOCK, _tag: *mut c_void, _size: u32) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a lock; it changes under the dispatcher lock.
    for_caller(|| unsafe {
        expect_initialized(lock);
        let least = wait::change(|| {
            (*lock).Common.IoCount -= 1;
            (*lock).Common.IoCount
        });
        if least < 0 || (least == 0 && (*lock).Common.Removed == 0) {
            violation(Rule::Reference, format_args!("the remove lock {lock:p} is released once too often"));
        }
    });
}

/// Ends the last use of the removal itself and waits for all others.
///
/// Follows the IoReleaseRemoveLockAndWait page (PASSIVE_LEVEL). Judged: IRQL; a removal that has begun before; a use that is
/// not given back in ten seconds.
///
/// # Safety
/// `lock` is an initialized remove lock.
pub unsafe extern "win64" fn IoReleaseRemoveLockAndWaitEx(
    lock: *mut IO_REMOVE_LOCK,
    _tag: *mut c_void,
    _size: u32,
) {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a lock; it changes under the dispatcher lock.
    for_caller(|| unsafe {
        expect_initialized(lock);
        let twice = wait::change(|| {
            (*lock).Common.IoCount -= 2;
            std::mem::replace(&mut (*lock).Common.Removed, 1) != 0
        });
        if twice {
            violation(
                Rule::ObjectState,
                format_args!("the remove lock {lock:p} was released for removal before"),
            );
        }
        if wait::until(Some(PATIENCE), || ((*lock).Common.IoCount <= 0).then_some(())).is_none() {
            let left = (*lock).Common.IoCount;
            violation(
                Rule::Reference,
                format_args!("{left} uses of the remove lock {lock:p} are not given back"),
            );
        }
    });
}

/// Longer than anything that a removal has to wait for takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// # Safety
/// `lock` is readable.
unsafe fn expect_initialized(lock: *mut IO_REMOVE_LOCK) {
    // SAFETY: the caller promises a readable lock.
    unsafe { super::dispatcher::kind(&raw mut (*lock).Common.RemoveEvent.Header) };
}
