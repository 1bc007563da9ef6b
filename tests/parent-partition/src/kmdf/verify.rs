//! The framework's own findings: bugchecks that always end the run, and the verifier's.
//!
//! The framework ends a run with bugcheck 0x10D (WDF_VIOLATION) for what it cannot go on after, and, with the verifier on,
//! stops at what is wrong but could go on. Both end the run here; without the verifier the second kind goes on as the
//! framework does, which recorded traces show. A run can ask to go on with it, as under a debugger that answers `g`.

use std::fmt::Display;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::kernel;
use crate::judge::{self, Rule};
use crate::nt::irql::PASSIVE_LEVEL;

static VERIFIER: AtomicBool = AtomicBool::new(true);
static OBSERVER: OnceLock<fn(Rule, &str)> = OnceLock::new();

/// Turns the verifier of every driver bound from now on off or on (it is on).
pub fn set_verifier(on: bool) {
    VERIFIER.store(on, Ordering::SeqCst);
}

/// Has the run go on after each finding of the verifier, of which `observer` is told; once in a process.
pub fn go_on_after_findings(observer: fn(Rule, &str)) {
    // A second observer would be told what the first one is.
    let _ = OBSERVER.set(observer);
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
        match OBSERVER.get() {
            Some(observer) => observer(rule, &detail.to_string()),
            None => judge::violation(rule, detail),
        }
    }
}

/// As [`finding`], for what the code at an address of the driver has done before.
pub(super) fn finding_at(rule: Rule, at: usize, detail: impl Display) {
    if verifier() {
        match OBSERVER.get() {
            Some(observer) => observer(rule, &detail.to_string()),
            None => judge::violation_at(rule, "", at, detail),
        }
    }
}

/// What a page forbids and the framework does not look at: ends the run, unless it goes on after findings as the framework
/// would, without a word.
pub(super) fn unnoticed(rule: Rule, detail: impl Display) {
    if OBSERVER.get().is_none() {
        judge::violation(rule, detail);
    }
}

/// Whether the run goes on after findings.
pub(super) fn goes_on() -> bool {
    OBSERVER.get().is_some()
}

/// A pointer that must not be NULL.
pub(super) fn required(address: usize, name: &str) {
    if address == 0 {
        violation(Rule::BadParameter, Violation::RequiredParameterIsNull, format_args!("{name} is NULL"));
    }
}

/// A routine that its page allows at PASSIVE_LEVEL only; the framework itself checks it with the verifier alone.
pub(super) fn passive_level() {
    let now = kernel::current_irql();
    if now != PASSIVE_LEVEL {
        finding(Rule::Irql, format_args!("called at IRQL {now}, must be {}", PASSIVE_LEVEL));
    }
}

/// As [`passive_level`], for a routine that does nothing at another level when the run goes on after the finding.
///
/// SPEC: traces `misuse-queue-stop-dispatch-verifier`, `misuse-timer-stop-wait-dispatch-verifier`.
pub(super) fn may_wait() -> bool {
    passive_level();
    !verifier() || kernel::current_irql() == PASSIVE_LEVEL
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
