//! Spin locks (KSPIN_LOCK), the cancel spin lock among them.
//!
//! The lock's word holds its owner's thread address, so that taking it twice and releasing another's are found.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::irql::{self, DISPATCH_LEVEL};
use crate::judge::{self, Rule, finding, for_caller, lock_order, violation};
use crate::machine::{self, wait};
use crate::sys::KLOCK_QUEUE_HANDLE;

/// Makes a free spin lock.
///
/// Follows the KeInitializeSpinLock page (any IRQL).
///
/// # Safety
/// `lock` is writable.
pub unsafe extern "win64" fn KeInitializeSpinLock(lock: *mut u64) {
    // SAFETY: the caller promises a writable word.
    for_caller(|| unsafe { lock.write(0) });
    lock_order::forget(lock.addr());
}

/// Raises to DISPATCH_LEVEL, takes the lock and returns the level before.
///
/// Follows the KeAcquireSpinLock page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a lock that the thread holds already.
///
/// # Safety
/// `lock` is an initialized spin lock.
pub unsafe extern "win64" fn KeAcquireSpinLockRaiseToDpc(lock: *mut u64) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    let before = machine::irql::raise(DISPATCH_LEVEL);
    // SAFETY: the caller promises a lock.
    unsafe { acquire(lock) };
    before
}

/// Takes the lock at DISPATCH_LEVEL.
///
/// Follows the KeAcquireSpinLockAtDpcLevel page (IRQL >= DISPATCH_LEVEL). Judged: IRQL; a lock that the thread holds.
///
/// # Safety
/// `lock` is an initialized spin lock.
pub unsafe extern "win64" fn KeAcquireSpinLockAtDpcLevel(lock: *mut u64) {
    expect_dispatch_level();
    // SAFETY: the caller promises a lock.
    unsafe { acquire(lock) };
}

/// Takes the lock at DISPATCH_LEVEL when it is free, and says whether it was.
///
/// Follows the KeTryToAcquireSpinLockAtDpcLevel page (IRQL >= DISPATCH_LEVEL). Judged: IRQL.
///
/// # Safety
/// `lock` is an initialized spin lock.
pub unsafe extern "win64" fn KeTryToAcquireSpinLockAtDpcLevel(lock: *mut u64) -> u8 {
    expect_dispatch_level();
    // SAFETY: the caller promises a lock.
    let taken = for_caller(|| unsafe { try_acquire(lock) });
    if taken {
        HELD.with_borrow_mut(|held| held.push(lock.addr()));
        lock_order::taken(lock.addr());
    }
    u8::from(taken)
}

/// Releases the lock and lowers to the level that taking it returned.
///
/// Follows the KeReleaseSpinLock page (IRQL = DISPATCH_LEVEL). Judged: IRQL; a lock that the thread does not hold; a
/// level above DISPATCH_LEVEL, or below it while another lock is held.
///
/// # Safety
/// `lock` is an initialized spin lock.
pub unsafe extern "win64" fn KeReleaseSpinLock(lock: *mut u64, level: u8) {
    judge::irql_exactly(DISPATCH_LEVEL);
    // SAFETY: the caller promises a lock.
    unsafe { release(lock) };
    irql::KeLowerIrql(level);
}

/// Releases the lock and stays at the level.
///
/// Follows the KeReleaseSpinLockFromDpcLevel page (IRQL >= DISPATCH_LEVEL). Judged: IRQL; a lock that is not held.
///
/// # Safety
/// `lock` is an initialized spin lock.
pub unsafe extern "win64" fn KeReleaseSpinLockFromDpcLevel(lock: *mut u64) {
    expect_dispatch_level();
    // SAFETY: the caller promises a lock.
    unsafe { release(lock) };
}

/// Takes the lock as a queued one, and keeps the level before in the handle.
///
/// Follows the KeAcquireInStackQueuedSpinLock page. Judged as [`KeAcquireSpinLockRaiseToDpc`].
///
/// # Safety
/// `lock` is an initialized spin lock and `handle` is writable.
pub unsafe extern "win64" fn KeAcquireInStackQueuedSpinLock(lock: *mut u64, handle: *mut KLOCK_QUEUE_HANDLE) {
    // SAFETY: the caller promises both.
    unsafe {
        let before = KeAcquireSpinLockRaiseToDpc(lock);
        for_caller(|| {
            (*handle).LockQueue.Lock = lock.cast();
            (*handle).OldIrql = before;
        });
    }
}

/// Releases a queued lock and lowers to the level before.
///
/// Follows the KeReleaseInStackQueuedSpinLock page. Judged as [`KeReleaseSpinLock`].
///
/// # Safety
/// `handle` is one that [`KeAcquireInStackQueuedSpinLock`] filled.
pub unsafe extern "win64" fn KeReleaseInStackQueuedSpinLock(handle: *mut KLOCK_QUEUE_HANDLE) {
    // SAFETY: the caller promises a filled handle.
    unsafe {
        let (lock, level) = for_caller(|| ((*handle).LockQueue.Lock, (*handle).OldIrql));
        KeReleaseSpinLock(lock.cast(), level);
    }
}

/// Takes the lock as a queued one at DISPATCH_LEVEL.
///
/// Follows the KeAcquireInStackQueuedSpinLockAtDpcLevel page. Judged as [`KeAcquireSpinLockAtDpcLevel`].
///
/// # Safety
/// As [`KeAcquireInStackQueuedSpinLock`].
pub unsafe extern "win64" fn KeAcquireInStackQueuedSpinLockAtDpcLevel(
    lock: *mut u64,
    handle: *mut KLOCK_QUEUE_HANDLE,
) {
    // SAFETY: the caller promises both.
    unsafe {
        KeAcquireSpinLockAtDpcLevel(lock);
        for_caller(|| (*handle).LockQueue.Lock = lock.cast());
    }
}

/// Releases a queued lock and stays at the level.
///
/// Follows the KeReleaseInStackQueuedSpinLockFromDpcLevel page. Judged as [`KeReleaseSpinLockFromDpcLevel`].
///
/// # Safety
/// `handle` is one that a queued acquisition filled.
pub unsafe extern "win64" fn KeReleaseInStackQueuedSpinLockFromDpcLevel(handle: *mut KLOCK_QUEUE_HANDLE) {
    // SAFETY: the caller promises a filled handle.
    unsafe {
        let lock = for_caller(|| (*handle).LockQueue.Lock);
        KeReleaseSpinLockFromDpcLevel(lock.cast());
    }
}

/// Takes the lock that guards every IRP's cancel routine.
///
/// Follows the IoAcquireCancelSpinLock page (IRQL <= DISPATCH_LEVEL). Judged as [`KeAcquireSpinLockRaiseToDpc`].
///
/// # Safety
/// `level` is writable.
pub unsafe extern "win64" fn IoAcquireCancelSpinLock(level: *mut u8) {
    // SAFETY: the lock is this module's; the caller promises a writable level.
    unsafe {
        let before = KeAcquireSpinLockRaiseToDpc(CANCEL.as_ptr());
        for_caller(|| level.write(before));
    }
}

/// Releases the cancel spin lock and lowers to a level.
///
/// Follows the IoReleaseCancelSpinLock page (IRQL = DISPATCH_LEVEL). Judged as [`KeReleaseSpinLock`].
pub extern "win64" fn IoReleaseCancelSpinLock(level: u8) {
    // SAFETY: the lock is this module's.
    unsafe { KeReleaseSpinLock(CANCEL.as_ptr(), level) };
}

/// Says whether the calling thread holds the cancel spin lock.
pub(super) fn holds_cancel_lock() -> bool {
    CANCEL.load(Ordering::Relaxed) == owner()
}

/// Breaks [`Rule::SpinLock`] when the calling thread holds a spin lock.
pub(super) fn expect_none_held(what: &str) {
    HELD.with_borrow(|held| {
        if let Some(lock) = held.last() {
            finding(Rule::SpinLock, format_args!("{what} while the spin lock at {lock:#x} is held"));
        }
    });
}

/// How many spin locks the calling thread holds.
pub(crate) fn held() -> usize {
    HELD.with_borrow(Vec::len)
}

fn expect_dispatch_level() {
    let now = machine::irql::current();
    if now < DISPATCH_LEVEL {
        violation(Rule::Irql, format_args!("called at IRQL {now}, must be at least {DISPATCH_LEVEL}"));
    }
}

fn owner() -> u64 {
    machine::current_thread().addr() as u64
}

/// # Safety
/// `lock` is an initialized spin lock.
unsafe fn acquire(lock: *mut u64) {
    for_caller(|| {
        // SAFETY: the caller promises a lock; its word is only touched atomically from here on.
        if unsafe { AtomicU64::from_ptr(lock) }.load(Ordering::Relaxed) == owner() {
            violation(
                Rule::SpinLock,
                format_args!("the spin lock at {lock:p} is held by this thread already"),
            );
        }
    });
    lock_order::wanted(lock.addr());
    for_caller(|| {
        // SAFETY: as above.
        while !unsafe { try_acquire(lock) } {
            wait::yield_now();
        }
    });
    HELD.with_borrow_mut(|held| held.push(lock.addr()));
    lock_order::taken(lock.addr());
}

/// # Safety
/// `lock` is an initialized spin lock.
unsafe fn try_acquire(lock: *mut u64) -> bool {
    // SAFETY: the caller promises a lock, whose word is only touched atomically.
    let word = unsafe { AtomicU64::from_ptr(lock) };
    word.compare_exchange(0, owner(), Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// # Safety
/// `lock` is an initialized spin lock.
unsafe fn release(lock: *mut u64) {
    for_caller(|| {
        // SAFETY: the caller promises a lock, whose word is only touched atomically.
        let word = unsafe { AtomicU64::from_ptr(lock) };
        if word.load(Ordering::Relaxed) != owner() {
            violation(Rule::SpinLock, format_args!("the spin lock at {lock:p} is not held by this thread"));
        }
        word.store(0, Ordering::Release);
    });
    HELD.with_borrow_mut(|held| held.retain(|other| *other != lock.addr()));
    lock_order::released(lock.addr());
}

thread_local! {
    static HELD: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}
static CANCEL: AtomicU64 = AtomicU64::new(0);
