//! What a driver has left behind when it goes.

use std::time::Duration;

use super::loader::DriverRef;
use crate::judge::{self, Rule};
use crate::memory::Tag;
use crate::nt::{bugcheck, device, etw, flight, handle, namespace, object, pool, thread, timer, work_item};

/// Breaks [`Rule::Leak`] when a device of the driver is left.
pub(super) fn judge_devices(driver: &DriverRef) {
    if let Some((device, references)) = device::left_of(driver.object()).first() {
        report(driver, &[format!("a device object with {references} references at {device:#x}")]);
    }
}

/// Breaks [`Rule::Leak`] when anything else is left that code of the driver's image has made.
pub(super) fn judge_image(driver: &DriverRef) {
    let image = driver.image();
    let settled = work_item::settle(PATIENCE);
    if let Some(set_at) = timer::left_of(image) {
        judge::violation_at(Rule::Leak, "", set_at, "a timer is still set");
    }
    let mut left = Vec::new();
    if !settled {
        left.push("a work item that has not ended".to_owned());
    }
    left.extend(pool::leaked_by(image).iter().map(|block| {
        let (size, tag, at) = (block.size, Tag(block.tag), image.offset_of(block.allocated_at));
        format!("a pool block of {size} bytes, tag {tag}, allocated at {}+{at:#x}", image.name())
    }));
    left.extend(flight::leaked_by(image).iter().map(|irp| format!("the IRP {irp:#x}")));
    left.extend(work_item::leaked_by(image).iter().map(|item| format!("the work item {item:#x}")));
    left.extend(handle::leaked_by(image));
    left.extend(namespace::leaked_by(image));
    left.extend(etw::leaked_by(image));
    left.extend(counted(thread::running_of(image), "running system threads"));
    left.extend(counted(bugcheck::leaked_by(image), "registered bugcheck routines"));
    let references = object::references(driver.object().addr()).unwrap_or(1) - 1;
    left.extend(counted(references.unsigned_abs(), "references of the driver object"));
    report(driver, &left);
}

fn counted(count: usize, what: &str) -> Option<String> {
    (count != 0).then(|| format!("{count} {what}"))
}

fn report(driver: &DriverRef, left: &[String]) {
    let Some(first) = left.first() else { return };
    let more = if left.len() > 1 { format!(", and {} more", left.len() - 1) } else { String::new() };
    let detail = format!("left behind: {first}{more}");
    judge::violation_at_load(Rule::Leak, "", driver.path().as_ref(), detail);
}

/// How long work that a driver has queued may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
