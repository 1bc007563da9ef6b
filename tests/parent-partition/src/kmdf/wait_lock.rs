//! WDFWAITLOCK: a lock that threads wait for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::attributes::Attributes;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::kernel::{self, Event};
use super::loader;
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::{self, Rule, lock_order};
use crate::nt::critical_region::{KeEnterCriticalRegion, KeLeaveCriticalRegion};

/// A wait lock; its holder is in a critical region.
pub(super) struct WaitLock {
    object: Arc<Object>,
    /// Signalled while the lock is free.
    free: Event,
    /// The thread that holds it, 0 for none.
    owner: AtomicUsize,
}

impl Kind for WaitLock {
    const NAME: &'static str = "WDFWAITLOCK";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl WaitLock {
    /// What the order of locks knows it by.
    fn place(&self) -> usize {
        self.owner.as_ptr().addr()
    }
}

impl Drop for WaitLock {
    fn drop(&mut self) {
        lock_order::forget(self.place());
    }
}

impl fmt::Debug for WaitLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfWaitLockCreate, WdfWaitLockAcquire, WdfWaitLockRelease]
}

/// Makes a wait lock; without a parent the driver is it. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfWaitLockCreate(globals: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(out, "Lock");
    driver_memory::write(out, 0_usize);
    let parent = binding.driver().map(|driver| driver.object.clone());
    let made = Attributes::read(attributes).and_then(|attributes| {
        object::create(&binding, &attributes, parent.as_ref(), |object| WaitLock {
            object,
            free: Event::synchronization(),
            owner: AtomicUsize::new(0),
        })
    });
    match made {
        Ok(lock) => {
            lock.free.set();
            driver_memory::write(out, lock.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Takes the lock; STATUS_TIMEOUT when that takes longer than asked for.
///
/// Follows the WdfWaitLockAcquire page: PASSIVE_LEVEL (trace `misuse-waitlock-dispatch-verifier`), IRQL <= DISPATCH_LEVEL
/// with a time-out of 0. Judged: a lock that the thread holds already (trace `misuse-waitlock-recursive-verifier`); one that
/// is waited for out of the order of locks.
extern "win64" fn WdfWaitLockAcquire(globals: usize, lock: Handle, timeout: usize) -> Status {
    loader::binding(globals);
    let lock = handle::of::<WaitLock>(lock);
    let timeout: Option<i64> = (timeout != 0).then(|| driver_memory::read(timeout));
    if timeout == Some(0) {
        verify::up_to_dispatch_level();
    } else if !verify::may_wait() {
        return status::INVALID_DEVICE_REQUEST;
    }
    let thread = kernel::current_thread();
    if lock.owner.load(Ordering::Relaxed) == thread {
        judge::violation(Rule::ObjectState, "the thread holds this WDFWAITLOCK already");
    }
    if timeout != Some(0) {
        lock_order::wanted(lock.place());
    }
    KeEnterCriticalRegion();
    if !lock.free.wait_until(timeout) {
        KeLeaveCriticalRegion();
        return status::TIMEOUT;
    }
    lock.owner.store(thread, Ordering::Relaxed);
    lock_order::taken(lock.place());
    status::SUCCESS
}

/// Gives the lock back. IRQL <= DISPATCH_LEVEL.
///
/// Judged: a lock that the thread does not hold; the framework itself does not look (trace
/// `misuse-waitlock-release-free-verifier`).
extern "win64" fn WdfWaitLockRelease(globals: usize, lock: Handle) {
    loader::binding(globals);
    let lock = handle::of::<WaitLock>(lock);
    if lock.owner.load(Ordering::Relaxed) != kernel::current_thread() {
        verify::unnoticed(Rule::ObjectState, "the WDFWAITLOCK is released by a thread that does not hold it");
    }
    lock.owner.store(0, Ordering::Relaxed);
    lock_order::released(lock.place());
    lock.free.set();
    KeLeaveCriticalRegion();
}
