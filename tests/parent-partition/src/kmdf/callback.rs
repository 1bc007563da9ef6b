//! How the framework calls a driver.

use super::kernel;
use crate::machine;
use crate::nt;

/// The address behind an optional function pointer of a driver's structure, 0 for NULL.
pub(super) fn address<F: Copy>(function: &Option<F>) -> usize {
    const { assert!(size_of::<Option<F>>() == size_of::<usize>()) };
    // SAFETY: `F` is a function pointer, so the option is one pointer in size and NULL is `None`.
    unsafe { std::mem::transmute_copy(function) }
}

/// Calls a function of the driver; IRQL and critical regions are checked when it returns.
pub(super) fn call(function: usize, arguments: &[u64]) -> u64 {
    machine::call(function, arguments)
}

/// Calls a function of the driver that returns an NTSTATUS.
pub(super) fn call_for_status(function: usize, arguments: &[u64]) -> i32 {
    (call(function, arguments) as u32).cast_signed()
}

/// Calls a function of the driver unless it registered none.
pub(super) fn notify(function: usize, arguments: &[u64]) {
    if function != 0 {
        call(function, arguments);
    }
}

/// Runs `body` in a critical region, as the framework does around requests and power callbacks.
///
/// SPEC: traces `misuse-return-critical-region-*` and `misuse-d0entry-critical-region-*` show normal APCs disabled on
/// entry. Above APC_LEVEL there is nothing to hold off.
pub(super) fn in_critical_region<T>(body: impl FnOnce() -> T) -> T {
    if kernel::current_irql() > nt::irql::APC_LEVEL {
        return body();
    }
    nt::critical_region::KeEnterCriticalRegion();
    let value = body();
    nt::critical_region::KeLeaveCriticalRegion();
    value
}
