//! Critical and guarded regions: stretches of a thread in which kernel APCs are held off.

use crate::judge;
use crate::machine;
use crate::machine::irql::{APC_LEVEL, current};

/// Enters a critical region; regions nest.
///
/// Follows the KeEnterCriticalRegion page (IRQL <= APC_LEVEL). Judged: IRQL.
pub extern "win64" fn KeEnterCriticalRegion() {
    judge::irql_at_most(APC_LEVEL);
    machine::enter_critical_region();
}

/// Leaves the innermost critical region.
///
/// Follows the KeLeaveCriticalRegion page (IRQL <= APC_LEVEL). Judged: IRQL; no region entered.
pub extern "win64" fn KeLeaveCriticalRegion() {
    judge::irql_at_most(APC_LEVEL);
    machine::leave_critical_region();
}

/// Enters a guarded region, which holds off special kernel APCs too.
///
/// Follows the KeEnterGuardedRegion page (IRQL <= APC_LEVEL). Judged: IRQL.
pub extern "win64" fn KeEnterGuardedRegion() {
    KeEnterCriticalRegion();
}

/// Leaves the innermost guarded region.
///
/// Follows the KeLeaveGuardedRegion page (IRQL <= APC_LEVEL). Judged: IRQL; no region entered.
pub extern "win64" fn KeLeaveGuardedRegion() {
    KeLeaveCriticalRegion();
}

/// Says whether normal kernel APCs are held off.
///
/// Follows the KeAreApcsDisabled page (any IRQL).
pub extern "win64" fn KeAreApcsDisabled() -> u8 {
    u8::from(machine::critical_region_depth() > 0 || current() >= APC_LEVEL)
}

/// Says whether all kernel APCs are held off; regions are not told from guarded ones here.
///
/// Follows the KeAreAllApcsDisabled page (any IRQL).
pub extern "win64" fn KeAreAllApcsDisabled() -> u8 {
    u8::from(current() >= APC_LEVEL)
}
