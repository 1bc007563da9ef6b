//! Clocks: performance counter, interrupt time, system time. Units of 100 ns, counted from the machine's boot.

use std::time::Duration;

use super::irql::HIGH_LEVEL;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::wait::since_boot;
use crate::sys::LARGE_INTEGER;

/// Returns the performance counter and, where asked, its frequency: 10 MHz.
///
/// Follows the KeQueryPerformanceCounter page (any IRQL).
///
/// # Safety
/// `frequency` is NULL or writable.
pub unsafe extern "win64" fn KeQueryPerformanceCounter(frequency: *mut LARGE_INTEGER) -> LARGE_INTEGER {
    if !frequency.is_null() {
        // SAFETY: the caller promises a writable number.
        for_caller(|| unsafe { (*frequency).QuadPart = UNITS_PER_SECOND });
    }
    LARGE_INTEGER { QuadPart: units() }
}

/// Returns the interrupt time and the performance counter of the same moment.
///
/// Follows the KeQueryInterruptTimePrecise page (any IRQL).
///
/// # Safety
/// `counter` is writable.
pub unsafe extern "win64" fn KeQueryInterruptTimePrecise(counter: *mut u64) -> u64 {
    let now = units().cast_unsigned();
    // SAFETY: the caller promises a writable number.
    for_caller(|| unsafe { *counter = now });
    now
}

/// Returns the interrupt time without the time asleep; the simulated machine never sleeps.
///
/// Follows the KeQueryUnbiasedInterruptTime page (any IRQL).
pub extern "win64" fn KeQueryUnbiasedInterruptTime() -> u64 {
    units().cast_unsigned()
}

/// Returns the system time, which starts at the same moment in every run.
///
/// Follows the KeQuerySystemTimePrecise page (any IRQL).
///
/// # Safety
/// `time` is writable.
pub unsafe extern "win64" fn KeQuerySystemTimePrecise(time: *mut LARGE_INTEGER) {
    // SAFETY: the caller promises a writable number.
    for_caller(|| unsafe { (*time).QuadPart = BOOT + units() });
}

/// Returns the units between two clock interrupts: 15.625 ms.
///
/// Follows the KeQueryTimeIncrement page (any IRQL).
pub extern "win64" fn KeQueryTimeIncrement() -> u32 {
    156_250
}

/// Stalls the processor.
///
/// Follows the KeStallExecutionProcessor page (any IRQL). Judged: more than the 50 microseconds that the page allows.
pub extern "win64" fn KeStallExecutionProcessor(microseconds: u32) {
    judge::irql_at_most(HIGH_LEVEL);
    if microseconds > 50 {
        violation(Rule::BadParameter, format_args!("stalls for {microseconds} microseconds"));
    }
    let end = since_boot() + Duration::from_micros(u64::from(microseconds));
    while since_boot() < end {
        std::hint::spin_loop();
    }
}

/// The span of a time as the waiting routines take it: below 0 from now, above 0 until that system time.
pub(super) fn until(time: i64) -> Duration {
    let units = if time <= 0 { time.unsigned_abs() } else { (time - BOOT - units()).max(0).cast_unsigned() };
    Duration::from_nanos(units.saturating_mul(100))
}

/// The system time.
pub(super) fn system_time() -> i64 {
    BOOT + units()
}

fn units() -> i64 {
    (since_boot().as_nanos() / 100) as i64
}

const UNITS_PER_SECOND: i64 = 10_000_000;
/// 2024-01-01 00:00 UTC, counted from 1601.
const BOOT: i64 = 133_485_408_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_below_zero_counts_from_now() {
        assert_eq!(until(-10_000), Duration::from_millis(1));
    }

    #[test]
    fn a_time_above_zero_is_a_moment() {
        assert_eq!(until(BOOT), Duration::ZERO);
        let hour = Duration::from_secs(3600);
        let in_an_hour = until(BOOT + units() + 3600 * UNITS_PER_SECOND);
        assert!(in_an_hour <= hour && in_an_hour > hour / 2);
    }
}
