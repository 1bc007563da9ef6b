//! Run-down protection (EX_RUNDOWN_REF): uses that a teardown waits for, in one word.
//!
//! The word is twice the number of uses, and odd once the run-down has begun, as the kernel keeps it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::irql::{APC_LEVEL, DISPATCH_LEVEL};
use super::spin_lock;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::wait;

/// Makes a reference that can be taken.
///
/// Follows the ExInitializeRundownProtection page (any IRQL).
///
/// # Safety
/// `word` is writable.
pub unsafe extern "win64" fn ExInitializeRundownProtection(word: *mut u64) {
    // SAFETY: the caller promises a writable word.
    for_caller(|| unsafe { word.write(0) });
}

/// Makes a reference that was run down ready to be taken again.
///
/// Follows the ExReInitializeRundownProtection page (IRQL <= APC_LEVEL). Judged: IRQL; one that was not run down.
///
/// # Safety
/// `word` is an initialized reference.
pub unsafe extern "win64" fn ExReInitializeRundownProtection(word: *mut u64) {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the caller promises a reference.
    let before = for_caller(|| unsafe { AtomicU64::from_ptr(word) }.swap(0, Ordering::AcqRel));
    if before != RUN_DOWN {
        violation(Rule::ObjectState, format_args!("the run-down reference {word:p} was not run down"));
    }
}

/// Takes a use; false once the run-down has begun.
///
/// Follows the ExAcquireRundownProtection page (IRQL <= DISPATCH_LEVEL). Judged: IRQL.
///
/// # Safety
/// `word` is an initialized reference.
pub unsafe extern "win64" fn ExAcquireRundownProtection(word: *mut u64) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    for_caller(|| {
        // SAFETY: the caller promises a reference, whose word is only touched atomically.
        let word = unsafe { AtomicU64::from_ptr(word) };
        let taken = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |uses| {
            (uses & RUN_DOWN == 0).then_some(uses + ONE_USE)
        });
        u8::from(taken.is_ok())
    })
}

/// Gives a use back.
///
/// Follows the ExReleaseRundownProtection page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a use that was never taken.
///
/// # Safety
/// `word` is an initialized reference.
pub unsafe extern "win64" fn ExReleaseRundownProtection(word: *mut u64) {
    judge::irql_at_most(DISPATCH_LEVEL);
    let before = for_caller(|| {
        // SAFETY: the caller promises a reference, whose word is only touched atomically.
        let word = unsafe { AtomicU64::from_ptr(word) };
        wait::change(|| word.fetch_sub(ONE_USE, Ordering::AcqRel))
    });
    if before < ONE_USE {
        violation(
            Rule::Reference,
            format_args!("the run-down reference {word:p} is released once too often"),
        );
    }
}

/// Begins the run-down and waits until every use has been given back.
///
/// Follows the ExWaitForRundownProtectionRelease page (IRQL <= APC_LEVEL). Judged: IRQL; a spin lock held.
///
/// # Safety
/// `word` is an initialized reference.
pub unsafe extern "win64" fn ExWaitForRundownProtectionRelease(word: *mut u64) {
    judge::irql_at_most(APC_LEVEL);
    spin_lock::expect_none_held("the thread waits");
    for_caller(|| {
        // SAFETY: the caller promises a reference, whose word is only touched atomically.
        let word = unsafe { AtomicU64::from_ptr(word) };
        word.fetch_or(RUN_DOWN, Ordering::AcqRel);
        wait::until(None, || (word.load(Ordering::Acquire) == RUN_DOWN).then_some(()));
    });
}

/// Says that the run-down is complete, so that nobody can take a use any more.
///
/// Follows the ExRundownCompleted page (IRQL <= APC_LEVEL). Judged: IRQL; uses that are still out.
///
/// # Safety
/// `word` is an initialized reference.
pub unsafe extern "win64" fn ExRundownCompleted(word: *mut u64) {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the caller promises a reference.
    let before = for_caller(|| unsafe { AtomicU64::from_ptr(word) }.swap(RUN_DOWN, Ordering::AcqRel));
    if before > RUN_DOWN {
        violation(Rule::ObjectState, format_args!("the run-down reference {word:p} has uses out"));
    }
}

const RUN_DOWN: u64 = 1;
const ONE_USE: u64 = 2;
