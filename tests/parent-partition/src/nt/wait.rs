//! Waiting: KeWaitForSingleObject, KeWaitForMultipleObjects, KeDelayExecutionThread.

use std::ffi::c_void;
use std::time::Duration;

use super::dispatcher::{self, Kind};
use super::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::status::{self, Status};
use super::{handle, mutex, spin_lock, thread, time};
use crate::judge::{self, Rule, for_caller, lock_order, violation};
use crate::machine::{self, wait};
use crate::sys::{DISPATCHER_HEADER, KMUTANT, LARGE_INTEGER};

/// Waits until an object is signaled, or for a time: NULL for ever, 0 not at all, below 0 from now, above 0 until that
/// system time, in units of 100 ns. Returns STATUS_SUCCESS or STATUS_TIMEOUT.
///
/// Follows the KeWaitForSingleObject page (IRQL <= APC_LEVEL, DISPATCH_LEVEL with a time of 0). Judged: a wait above
/// APC_LEVEL; an object that cannot be waited for or was never initialized; a wait with a spin lock held; a mutex that is
/// waited for out of the order of locks.
///
/// # Safety
/// `object` is a dispatcher object or a thread; `timeout` is NULL or readable.
pub unsafe extern "win64" fn KeWaitForSingleObject(
    object: *mut c_void,
    _reason: i32,
    _mode: i8,
    _alertable: u8,
    timeout: *const LARGE_INTEGER,
) -> Status {
    // SAFETY: the caller promises what these ask for.
    unsafe {
        let timeout = limit(timeout);
        let waitable = Waitable::of(object);
        if may_block(timeout) {
            waitable.want();
        }
        match wait::until_of(object.addr(), timeout, || waitable.take()) {
            Some(()) => status::SUCCESS,
            None => status::TIMEOUT,
        }
    }
}

/// Waits for the object behind a handle.
///
/// Follows the ZwWaitForSingleObject page (PASSIVE_LEVEL): STATUS_INVALID_HANDLE. Judged: IRQL; otherwise as
/// [`KeWaitForSingleObject`].
///
/// # Safety
/// `timeout` is NULL or readable.
pub unsafe extern "win64" fn ZwWaitForSingleObject(
    handle: *mut c_void,
    alertable: u8,
    timeout: *const LARGE_INTEGER,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let Some(address) = handle::object(handle) else { return status::INVALID_HANDLE };
    // SAFETY: the object lives by its handle; the caller promises the time.
    unsafe { KeWaitForSingleObject(std::ptr::with_exposed_provenance_mut(address), 0, 0, alertable, timeout) }
}

/// Waits for all of several objects (type 0) or for any (type 1), whose index is then the status.
///
/// Follows the KeWaitForMultipleObjects page. Judged as [`KeWaitForSingleObject`]; more than 64 objects, or more than 3
/// without wait blocks.
///
/// # Safety
/// `objects` has `count` pointers to dispatcher objects or threads; `timeout` is NULL or readable.
pub unsafe extern "win64" fn KeWaitForMultipleObjects(
    count: u32,
    objects: *const *mut c_void,
    kind: u32,
    _reason: i32,
    _mode: i8,
    _alertable: u8,
    timeout: *const LARGE_INTEGER,
    wait_blocks: *mut c_void,
) -> Status {
    if count > MOST_OBJECTS || (count > MOST_WITHOUT_BLOCKS && wait_blocks.is_null()) {
        violation(Rule::BadParameter, format_args!("{count} objects, wait blocks at {wait_blocks:p}"));
    }
    // SAFETY: the caller promises `count` objects.
    let (timeout, waitables) = unsafe {
        let timeout = limit(timeout);
        let objects = for_caller(|| std::slice::from_raw_parts(objects, count as usize).to_vec());
        (timeout, objects.into_iter().map(|object| Waitable::of(object)).collect::<Vec<_>>())
    };
    let all = kind == 0;
    // Who waits for any of several is not held up by one of them.
    if may_block(timeout) && (all || waitables.len() == 1) {
        // SAFETY: the caller promises that the objects stay for the length of the wait.
        waitables.iter().for_each(|one| unsafe { one.want() });
    }
    // SAFETY: the caller promises that the objects stay for the length of the wait.
    let ready = wait::until(timeout, || unsafe {
        if !all {
            return waitables.iter().position(|one| one.take().is_some());
        }
        if !waitables.iter().all(|one| one.is_ready()) {
            return None;
        }
        for one in &waitables {
            one.take();
        }
        Some(0)
    });
    ready.map_or(status::TIMEOUT, |index| index as Status)
}

/// Suspends the thread for a time as [`KeWaitForSingleObject`] reads it.
///
/// Follows the KeDelayExecutionThread page (IRQL <= APC_LEVEL). Judged: IRQL; a spin lock held.
///
/// # Safety
/// `interval` is readable.
pub unsafe extern "win64" fn KeDelayExecutionThread(
    _mode: i8,
    _alertable: u8,
    interval: *const LARGE_INTEGER,
) -> Status {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the caller promises a readable interval.
    let units = for_caller(|| unsafe { (*interval).QuadPart });
    spin_lock::expect_none_held("the thread waits");
    if units == 0 {
        wait::yield_now();
    } else {
        wait::sleep(time::until(units));
    }
    status::SUCCESS
}

/// # Safety
/// `timeout` is NULL or readable.
unsafe fn limit(timeout: *const LARGE_INTEGER) -> Option<Duration> {
    // SAFETY: the caller promises NULL or a readable number.
    let units = (!timeout.is_null()).then(|| for_caller(|| unsafe { (*timeout).QuadPart }));
    let now = machine::irql::current();
    if units == Some(0) {
        judge::irql_at_most(DISPATCH_LEVEL);
    } else {
        if now > APC_LEVEL {
            judge::finding(Rule::WaitAboveApc, format_args!("waits at IRQL {now}"));
        }
        spin_lock::expect_none_held("the thread waits");
    }
    units.map(time::until)
}

fn may_block(timeout: Option<Duration>) -> bool {
    timeout.is_none_or(|timeout| !timeout.is_zero())
}

enum Waitable {
    Object(*mut DISPATCHER_HEADER, Kind),
    Thread(*mut c_void),
}

impl Waitable {
    /// # Safety
    /// `object` is readable, or a thread.
    unsafe fn of(object: *mut c_void) -> Self {
        if thread::is_thread(object) {
            return Self::Thread(object);
        }
        let header = object.cast::<DISPATCHER_HEADER>();
        // SAFETY: the caller promises a readable object.
        Self::Object(header, for_caller(|| unsafe { dispatcher::kind(header) }))
    }

    /// The calling thread is about to wait for the object: for a lock, if it is a mutex that it does not have.
    ///
    /// # Safety
    /// The object is still there.
    unsafe fn want(&self) {
        let Self::Object(header, Kind::Mutant) = *self else { return };
        // SAFETY: the caller promises a live object.
        if !for_caller(|| unsafe { mutex::is_own(header.cast::<KMUTANT>()) }) {
            lock_order::wanted(header.addr());
        }
    }

    /// # Safety
    /// The object is still there, and the dispatcher lock is held.
    unsafe fn is_ready(&self) -> bool {
        match *self {
            Self::Thread(object) => thread::has_ended(object),
            // SAFETY: the caller promises a live object.
            Self::Object(header, Kind::Mutant) => unsafe { mutex::is_free(header.cast::<KMUTANT>()) },
            // SAFETY: the caller promises a live object.
            Self::Object(header, _) => unsafe { (*header).SignalState > 0 },
        }
    }

    /// Takes the signal, where there is one.
    ///
    /// # Safety
    /// The object is still there, and the dispatcher lock is held.
    unsafe fn take(&self) -> Option<()> {
        // SAFETY: the caller promises a live object under the dispatcher lock.
        for_caller(|| unsafe {
            if !self.is_ready() {
                return None;
            }
            match *self {
                Self::Thread(_) => {}
                Self::Object(header, kind) => match kind {
                    Kind::NotificationEvent | Kind::NotificationTimer => {}
                    Kind::SynchronizationEvent | Kind::SynchronizationTimer => (*header).SignalState = 0,
                    Kind::Semaphore => (*header).SignalState -= 1,
                    Kind::Mutant => mutex::take(header.cast::<KMUTANT>()),
                },
            }
            Some(())
        })
    }
}

/// MAXIMUM_WAIT_OBJECTS and THREAD_WAIT_OBJECTS.
const MOST_OBJECTS: u32 = 64;
const MOST_WITHOUT_BLOCKS: u32 = 3;
