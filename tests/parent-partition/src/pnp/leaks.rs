//! What a driver has left behind when it goes.

use std::time::Duration;

use super::loader::DriverRef;
use crate::judge::{self, Rule};
use crate::nt::left::Left;
use crate::nt::{bugcheck, device, etw, flight, handle, namespace, object, pool, thread, timer, work_item};

/// Breaks [`Rule::Leak`] when a device of the driver is left, once the work that it has queued has ended.
pub(super) fn judge_devices(driver: &DriverRef) {
    expect_settled(driver);
    judge(&device::left_of(driver.object()));
}

/// Breaks [`Rule::Leak`] when anything else is left that code of the driver's image has made.
pub(super) fn judge_image(driver: &DriverRef) {
    let image = driver.image();
    expect_settled(driver);
    judge(&timer::left_of(image));
    let ledgers = [
        pool::leaked_by(image),
        flight::leaked_by(image),
        work_item::leaked_by(image),
        handle::leaked_by(image),
        namespace::leaked_by(image),
        etw::leaked_by(image),
        thread::running_of(image),
        bugcheck::leaked_by(image),
    ];
    judge(&ledgers.concat());
    let references = object::references(driver.object().addr()).unwrap_or(1) - 1;
    if references != 0 {
        blame_driver(driver, format_args!("{references} references of the driver object"));
    }
}

/// A work item keeps its device and runs code of the image, so nothing is counted before all have ended.
fn expect_settled(driver: &DriverRef) {
    if !work_item::settle(PATIENCE) {
        blame_driver(driver, "a work item that has not ended");
    }
}

/// Blames the code that made the first of these things.
fn judge(left: &[Left]) {
    let Some(first) = left.first() else { return };
    let more = if left.len() > 1 { format!(", and {} more", left.len() - 1) } else { String::new() };
    judge::violation_at(Rule::Leak, "", first.made_at, format_args!("left behind: {first}{more}"));
}

fn blame_driver(driver: &DriverRef, what: impl std::fmt::Display) -> ! {
    judge::violation_at_load(Rule::Leak, "", driver.path().as_ref(), format_args!("left behind: {what}"));
}

/// How long work that a driver has queued may take to end.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
