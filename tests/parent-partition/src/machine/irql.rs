//! The interrupt request level of the current simulated thread.
//!
//! The only place that changes it: simulated processors hang on the change.

use super::processor;
use super::thread_block::expect_current;
use crate::judge::{Rule, violation};

/// Ordinary thread execution.
pub const PASSIVE_LEVEL: u8 = 0;
/// Asynchronous procedure calls held off.
pub const APC_LEVEL: u8 = 1;
/// The processor is owned: no wait, no pageable memory.
pub const DISPATCH_LEVEL: u8 = 2;
/// The highest level there is.
pub const HIGH_LEVEL: u8 = 15;

/// The current thread's level; PASSIVE_LEVEL on a host thread that is no kernel thread.
pub fn current() -> u8 {
    super::thread_block::current().map_or(PASSIVE_LEVEL, |block| block.irql())
}

/// Raises to `level` and returns the level before (KfRaiseIrql); breaks [`Rule::Irql`] when that is higher.
pub fn raise(level: u8) -> u8 {
    let block = expect_current();
    let before = block.irql();
    if level < before || level > HIGH_LEVEL {
        violation(Rule::Irql, format_args!("raised from IRQL {before} to {level}"));
    }
    if before < DISPATCH_LEVEL && level >= DISPATCH_LEVEL {
        processor::take(block);
    }
    block.set_irql(level);
    before
}

/// Lowers to `level` (KeLowerIrql); breaks [`Rule::Irql`] when the current level is lower.
pub fn lower(level: u8) {
    let block = expect_current();
    let before = block.irql();
    if level > before {
        violation(Rule::Irql, format_args!("lowered from IRQL {before} to {level}"));
    }
    block.set_irql(level);
    if before >= DISPATCH_LEVEL && level < DISPATCH_LEVEL {
        processor::give_back(block);
    }
}

/// Runs simulator code at `level`, which is the current one or higher (a DPC, a locked section).
pub fn at<T>(level: u8, body: impl FnOnce() -> T) -> T {
    let before = raise(level);
    let value = body();
    lower(before);
    value
}
