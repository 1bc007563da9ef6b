//! WDFSPINLOCK: a lock that owns the processor while it is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use super::attributes::Attributes;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::kernel;
use super::loader;
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify::{self, Violation};
use crate::judge::{self, Rule};

/// A spin lock.
#[derive(Debug)]
pub(super) struct SpinLock {
    object: Arc<Object>,
    word: AtomicU64,
    /// The thread that holds it, 0 for none.
    owner: AtomicUsize,
    /// The IRQL to go back to.
    before: AtomicU8,
}

impl Kind for SpinLock {
    const NAME: &'static str = "WDFSPINLOCK";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfSpinLockCreate, WdfSpinLockAcquire, WdfSpinLockRelease]
}

/// Makes a spin lock; without a parent the driver is it. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfSpinLockCreate(globals: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(out, "SpinLock");
    driver_memory::write(out, 0_usize);
    let parent = binding.driver().map(|driver| driver.object.clone());
    let made = Attributes::read(attributes).and_then(|attributes| {
        object::create(&binding, &attributes, parent.as_ref(), |object| SpinLock {
            object,
            word: AtomicU64::new(0),
            owner: AtomicUsize::new(0),
            before: AtomicU8::new(0),
        })
    });
    match made {
        Ok(lock) => {
            kernel::initialize_spin_lock(&lock.word);
            driver_memory::write(out, lock.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Takes the lock and raises to DISPATCH_LEVEL. IRQL <= DISPATCH_LEVEL.
///
/// Judged: a lock that the thread holds already (trace `misuse-spinlock-recursive-verifier`: it waits for ever).
extern "win64" fn WdfSpinLockAcquire(globals: usize, lock: Handle) {
    loader::binding(globals);
    let lock = handle::of::<SpinLock>(lock);
    let thread = kernel::current_thread();
    if lock.owner.load(Ordering::Relaxed) == thread {
        judge::violation(Rule::SpinLock, "the thread holds this WDFSPINLOCK already");
    }
    let before = kernel::acquire_spin_lock(&lock.word);
    lock.owner.store(thread, Ordering::Relaxed);
    lock.before.store(before, Ordering::Relaxed);
}

/// Gives the lock back and lowers to the level from before. DISPATCH_LEVEL.
///
/// Judged: a lock that the thread does not hold (trace `misuse-spinlock-release-free-verifier`).
extern "win64" fn WdfSpinLockRelease(globals: usize, lock: Handle) {
    loader::binding(globals);
    let lock = handle::of::<SpinLock>(lock);
    if lock.owner.load(Ordering::Relaxed) != kernel::current_thread() {
        verify::violation(
            Rule::SpinLock,
            Violation::InvalidLockOperation,
            "the WDFSPINLOCK is released by a thread that does not hold it",
        );
    }
    let before = lock.before.load(Ordering::Relaxed);
    lock.owner.store(0, Ordering::Relaxed);
    kernel::release_spin_lock(&lock.word, before);
}
