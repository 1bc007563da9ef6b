//! Cancelling an IRP: IoCancelIrp.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::flight;
use super::irp;
use super::irql::DISPATCH_LEVEL;
use super::spin_lock;
use crate::judge::{self, Rule};
use crate::machine::{self, Word};
use crate::sys::IRP;

/// Cancels an IRP: sets its mark, and calls its cancel routine where one is set. Says whether one was.
///
/// Follows the IoCancelIrp page (IRQL <= DISPATCH_LEVEL). The cancel routine is called with the cancel spin lock held, at
/// DISPATCH_LEVEL, and must release it to the level in `CancelIrql`. Judged: IRQL; something that is no live IRP; a cancel
/// routine that returns without having released the lock, or at another level.
///
/// # Safety
/// `irp` is a live IRP that cannot be freed meanwhile.
pub unsafe extern "win64" fn IoCancelIrp(irp: *mut IRP) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    flight::expect_live(irp, Rule::ObjectState, "cancelled");
    let mut before = 0;
    // SAFETY: the IRP was found live and the caller promises that it stays so up to the cancel routine.
    unsafe {
        spin_lock::IoAcquireCancelSpinLock(&raw mut before);
        (*irp).Cancel = 1;
        let slot = AtomicUsize::from_ptr((&raw mut (*irp).CancelRoutine).cast());
        let routine = slot.swap(0, Ordering::AcqRel);
        if routine == 0 {
            spin_lock::IoReleaseCancelSpinLock(before);
            return 0;
        }
        (*irp).CancelIrql = before;
        let device = (*irp::current(irp)).DeviceObject;
        machine::call_lowering_to(routine, &[device.word(), irp.word()], before);
        if spin_lock::holds_cancel_lock() {
            judge::violation_at(
                Rule::SpinLock,
                "",
                routine,
                "the cancel routine did not release the cancel spin lock",
            );
        }
    }
    1
}
