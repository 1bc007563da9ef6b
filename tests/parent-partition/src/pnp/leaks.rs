//! What a driver has left behind when it goes.

use std::time::Duration;

use super::loader::DriverRef;
use crate::image::Image;
use crate::judge::{self, Rule};
use crate::nt::left::Left;
use crate::nt::{
    bugcheck, callback_object, device, etw, ex_timer, flight, handle, interrupt, lookaside, namespace,
    object, pageable, pnp_notification, pool, thread, timer, wmi, work_item,
};

/// Breaks [`Rule::Leak`] when a device of the driver is left, once the work that it has queued has ended.
pub(super) fn judge_devices(driver: &DriverRef) {
    expect_settled(driver);
    judge(&device::left_of(driver.object()));
}

/// What is left that code of the driver's image has made, devices included.
pub(super) fn left_of(driver: &DriverRef) -> Vec<Left> {
    expect_settled(driver);
    let mut left = device::left_of(driver.object());
    left.extend(left_of_image(driver.image()));
    left
}

/// Breaks [`Rule::Leak`] when anything else is left that code of the driver's image has made.
pub(super) fn judge_image(driver: &DriverRef) {
    let image = driver.image();
    expect_settled(driver);
    judge(&left_of_image(image));
    let object = driver.object().addr();
    let (_, others) = object::held(object, image);
    // A driver that calls into this one keeps its code; that it lets go is judged when it is unloaded itself.
    let references = object::references(object).unwrap_or(1) - 1 - others;
    if references != 0 {
        blame_driver(driver, format_args!("{references} references of the driver object"));
    }
    if let Some((held, references)) = object::drivers_held_by(image, object).first() {
        blame_driver(driver, format_args!("{references} references of the driver object at {held:#x}"));
    }
}

fn left_of_image(image: &Image) -> Vec<Left> {
    let ledgers = [
        timer::left_of(image),
        pool::leaked_by(image),
        flight::leaked_by(image),
        work_item::leaked_by(image),
        handle::leaked_by(image),
        namespace::leaked_by(image),
        etw::leaked_by(image),
        thread::running_of(image),
        bugcheck::leaked_by(image),
        callback_object::leaked_by(image),
        ex_timer::leaked_by(image),
        interrupt::leaked_by(image),
        lookaside::leaked_by(image),
        pnp_notification::leaked_by(image),
        pageable::leaked_by(image),
        wmi::leaked_by(image),
    ];
    ledgers.concat()
}

/// A work item keeps its device and runs code of the image, so nothing is counted before all have ended.
fn expect_settled(driver: &DriverRef) {
    if !work_item::settle(PATIENCE) {
        blame_driver(driver, "a work item that has not ended");
    }
}

/// Waits until what system threads have begun has ended.
pub fn settle() {
    let _settled = work_item::settle(PATIENCE);
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
