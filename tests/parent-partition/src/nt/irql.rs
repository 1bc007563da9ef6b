//! The routines by which drivers read and change the interrupt request level.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{dpc, spin_lock};
use crate::machine;
pub use crate::machine::irql::{APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL, PASSIVE_LEVEL};

/// Returns the level at which the caller runs.
///
/// Follows the KeGetCurrentIrql page (any IRQL).
pub extern "win64" fn KeGetCurrentIrql() -> u8 {
    machine::irql::current()
}

/// Raises the level and returns the one before.
///
/// Follows the KeRaiseIrql page (any IRQL). Judged: a level below the current one, or above HIGH_LEVEL.
pub extern "win64" fn KfRaiseIrql(new: u8) -> u8 {
    if UNRAISED.load(Ordering::Relaxed) { machine::irql::current() } else { machine::irql::raise(new) }
}

/// Has [`KfRaiseIrql`] leave the level as it is: a driver then behaves like one that forgets to raise it.
pub fn forget_to_raise() {
    UNRAISED.store(true, Ordering::Relaxed);
}

/// Raises the level to DISPATCH_LEVEL and returns the one before.
///
/// Follows the KeRaiseIrqlToDpcLevel page (IRQL <= DISPATCH_LEVEL). Judged: IRQL.
pub extern "win64" fn KeRaiseIrqlToDpcLevel() -> u8 {
    machine::irql::raise(DISPATCH_LEVEL)
}

/// Lowers the level to one that KeRaiseIrql returned, and runs the DPCs that waited for it.
///
/// Follows the KeLowerIrql page (any IRQL). Judged: a level above the current one; a level below DISPATCH_LEVEL while
/// the thread holds a spin lock.
pub extern "win64" fn KeLowerIrql(new: u8) {
    if new < DISPATCH_LEVEL {
        spin_lock::expect_none_held("the IRQL is lowered");
    }
    lower(new);
}

/// Moves the level as a write to CR8 does, up or down.
pub(crate) fn set(new: u8) {
    if new >= machine::irql::current() {
        machine::irql::raise(new);
    } else {
        lower(new);
    }
}

/// Lowers the level and runs the DPCs that waited for it.
pub(super) fn lower(new: u8) {
    if new < DISPATCH_LEVEL && machine::irql::current() >= DISPATCH_LEVEL {
        machine::irql::lower(DISPATCH_LEVEL);
        dpc::drain();
    }
    machine::irql::lower(new);
    machine::interrupt::run_waiting();
}

static UNRAISED: AtomicBool = AtomicBool::new(false);
