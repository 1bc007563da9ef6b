//! The rules an image is held to, and how breaking one ends the run.
//!
//! A rule is broken by an image, never by the simulator: what the simulator finds wrong with itself is a
//! panic, and is reported as the simulator's own defect.

pub(crate) mod lock_order;

use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::machine::{irql, thread_block};
use crate::record::{self, Kind, Record};

/// Ends the run: the image whose call is being served broke `rule`.
///
/// The call's name and its return address are those of the innermost routine that the current thread's
/// image called. May be used from any simulator code.
pub fn violation(rule: Rule, detail: impl Display) -> ! {
    let Some(block) = thread_block::current() else { violation_at(rule, "", 0, detail) };
    let mut record = Record::new(Kind::Violation);
    record.blame(rule, block.call_name().unwrap_or(""), block.return_address());
    record.add_callers(block.callers());
    record.describe(format_args!("{detail}"));
    record::end(&record)
}

/// Ends the run as [`violation`] does, for a call and a code address that the caller names.
///
/// `at` is the address of the code to blame, 0 where there is none (an import that does not exist).
pub fn violation_at(rule: Rule, call: &str, at: usize, detail: impl Display) -> ! {
    let mut record = Record::new(Kind::Violation);
    record.blame(rule, call, at);
    record.describe(format_args!("{detail}"));
    record::end(&record)
}

/// Ends the run as [`violation`] does, unless this run tolerates the rule: what is found could go on.
pub(crate) fn finding(rule: Rule, detail: impl Display) {
    if !is_tolerated(rule) {
        violation(rule, detail);
    }
}

/// Lets what breaks a rule go on from here where it can: a run that is held to a recording of a kernel without a judge.
pub fn tolerate(rule: Rule) {
    TOLERATED.fetch_or(1 << rule as u32, Ordering::Relaxed);
}

/// Whether [`tolerate`] was called for the rule.
pub(crate) fn is_tolerated(rule: Rule) -> bool {
    TOLERATED.load(Ordering::Relaxed) & 1 << rule as u32 != 0
}

/// One bit a rule.
static TOLERATED: AtomicU64 = AtomicU64::new(0);
const _: () = assert!(Rule::ALL.len() <= u64::BITS as usize);

/// Ends the run: the image of file `path` broke `rule` over the name `call`, and no code of it can be named.
pub fn violation_at_load(rule: Rule, call: &str, path: &Path, detail: impl Display) -> ! {
    let mut record = Record::new(Kind::Violation);
    record.blame(rule, call, 0);
    record.name_image(&path.to_string_lossy());
    record.describe(format_args!("{detail}"));
    record::end(&record)
}

/// Checks that the current thread runs at `level` or below; breaks [`Rule::Irql`] otherwise, unless that is tolerated.
pub fn irql_at_most(level: u8) {
    let now = irql::current();
    if now > level {
        finding(Rule::Irql, format_args!("called at IRQL {now}, allowed at most {level}"));
    }
}

/// Checks that the current thread runs at exactly `level`; breaks [`Rule::Irql`] otherwise.
pub fn irql_exactly(level: u8) {
    let now = irql::current();
    if now != level {
        violation(Rule::Irql, format_args!("called at IRQL {now}, must be {level}"));
    }
}

/// Runs `touch`, which reads or writes memory that the image named; a fault in it is the image's.
///
/// For `memcpy` and its kind, and for any structure an image hands over by pointer.
pub fn for_caller<T>(touch: impl FnOnce() -> T) -> T {
    let Some(block) = thread_block::current() else { return touch() };
    block.begin_for_caller();
    let value = touch();
    block.end_for_caller();
    value
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// One rule; its name is what the report of a broken rule carries.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum Rule { $($(#[doc = $doc])+ $variant,)+ }

        impl Rule {
            /// Every rule, in the order of its number.
            pub const ALL: &[Rule] = &[$(Rule::$variant,)+];

            /// The rule's name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name,)+ }
            }
        }
    };
}

rules! {
    /// A routine is called above or below the IRQL its page allows ("Requirements" of each DDI page).
    Irql = "irql",
    /// A wait with a time-out other than zero above APC_LEVEL (KeWaitForSingleObject).
    WaitAboveApc = "wait-above-apc",
    /// The image imports a routine that does not exist here.
    UnknownImport = "unknown-import",
    /// A handle or object of another type than the routine takes, or none at all (Handling WDF objects).
    HandleType = "handle-type",
    /// A request or IRP completed a second time (IofCompleteRequest, WdfRequestComplete).
    DoubleCompletion = "double-completion",
    /// Something the image made is still there when it unloads (DRIVER_UNLOAD).
    Leak = "leak",
    /// A touch of memory that is not the image's, or not in that way.
    Access = "access",
    /// An instruction that the processor refuses, or that stops: breakpoint, division, illegal.
    Exception = "exception",
    /// A pool block freed twice, never allocated, or freed with another tag (ExFreePoolWithTag).
    BadFree = "bad-free",
    /// More of the kernel stack used than there is (Using the kernel stack).
    StackOverflow = "stack-overflow",
    /// The image asked for a bugcheck (KeBugCheckEx, __fastfail).
    Bugcheck = "bugcheck",
    /// A callback returned at another IRQL than it was called at (Managing hardware priorities).
    ReturnedIrql = "returned-irql",
    /// A critical region left without one entered, or held over a callback's return (KeLeaveCriticalRegion).
    CriticalRegion = "critical-region",
    /// A spin lock acquired twice, released by another, or held over a return (KeAcquireSpinLock).
    SpinLock = "spin-lock",
    /// A request the image was given and never completed (WdfRequestComplete).
    RequestNotCompleted = "request-not-completed",
    /// An IRP's stack locations used up or misused (IofCallDriver).
    IrpStack = "irp-stack",
    /// STATUS_PENDING and the IRP's pending mark that do not agree, or another status than it was completed with
    /// (IoMarkIrpPending).
    IrpPending = "irp-pending",
    /// An IRP completed or passed on with its cancel routine still set (IoSetCancelRoutine).
    CancelRoutine = "cancel-routine",
    /// A successful read that left part of the caller's buffer as it was (SRIOV_READ_BLOCK).
    UnfilledRead = "unfilled-read",
    /// A reference count that does not balance (ObfDereferenceObject, InterfaceDereference).
    Reference = "reference",
    /// An argument the routine's page does not allow.
    BadParameter = "bad-parameter",
    /// Bytes beside a pool block were changed; found when it is freed.
    PoolOverrun = "pool-overrun",
    /// A pointer to call that is no code (of an image, or of the kernel).
    BadCallback = "bad-callback",
    /// A file object, device or driver used after its last close, delete or unload.
    ObjectState = "object-state",
    /// A DPC that never ends, since it wants a lock that the thread it interrupted holds (DPC_WATCHDOG_VIOLATION).
    Deadlock = "deadlock",
    /// Two locks taken in both orders, which can deadlock (Driver Verifier, "Deadlock Detection").
    LockOrder = "lock-order",
    /// VFs left on in a device that stops, leaves D0 or is removed (EnableVirtualization).
    VfsEnabled = "vfs-enabled",
    /// A routine that the framework or kernel has, and that is not served here.
    NotServed = "not-served",
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn rule_names_are_distinct_kebab_case() {
        let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rule::ALL.len());
    }

    #[test]
    fn a_rule_is_found_by_its_number() {
        for (index, rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(index, *rule as usize);
        }
    }
}
