//! The framework's own findings: bugchecks that always end the run, and the verifier's.
//!
//! The framework ends a run with bugcheck 0x10D (WDF_VIOLATION) for what it cannot go on after, and, with the verifier on,
//! stops at what is wrong but could go on. Both end the run here; without the verifier the second kind goes on as the
//! framework does, which recorded traces show.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::judge::{self, Rule};

static VERIFIER: AtomicBool = AtomicBool::new(true);

/// Turns the verifier of every driver bound from now on off or on (it is on).
pub fn set_verifier(on: bool) {
    VERIFIER.store(on, Ordering::SeqCst);
}

/// Whether the verifier is on.
pub(super) fn verifier() -> bool {
    VERIFIER.load(Ordering::SeqCst)
}

/// Ends the run with bugcheck 0x10D and its first parameter ("Bug check 0x10D: WDF_VIOLATION").
pub(super) fn violation(rule: Rule, code: Violation, detail: impl Display) -> ! {
    judge::violation(rule, format_args!("WDF_VIOLATION 0x10D/0x{:X}: {detail}", code as u32));
}

/// Ends the run when the verifier is on, else returns.
pub(super) fn finding(rule: Rule, detail: impl Display) {
    if verifier() {
        judge::violation(rule, detail);
    }
}

/// A pointer that must not be NULL.
pub(super) fn required(address: usize, name: &str) {
    if address == 0 {
        violation(Rule::BadParameter, Violation::RequiredParameterIsNull, format_args!("{name} is NULL"));
    }
}

/// A routine that its page allows at PASSIVE_LEVEL only; the framework itself checks it with the verifier alone.
pub(super) fn passive_level() {
    if verifier() {
        judge::irql_exactly(0);
    }
}

/// A routine that its page allows up to DISPATCH_LEVEL.
pub(super) fn up_to_dispatch_level() {
    if verifier() {
        judge::irql_at_most(2);
    }
}

/// First parameter of bugcheck 0x10D.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Violation {
    /// A required parameter is NULL.
    RequiredParameterIsNull = 4,
    /// A handle is no handle, or of another type.
    InvalidHandle = 5,
    /// A request in a state that the call does not allow.
    RequestFatalError = 6,
    /// An object freed by dereferencing.
    ObjectError = 7,
    /// A lock released that is not held.
    InvalidLockOperation = 11,
}
