//! Any driver image, taken through the life of one device: the task `exercise`.
//!
//! The driver is loaded, given a device on the simulated PCI bus, started, opened and sent one request of each kind of
//! device control; then the device is stopped, started again and removed, and the driver unloaded. What a step comes to
//! is the driver's own affair and only reported; that it broke no rule on the way is what counts.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::command::BAD_ARGUMENTS;
use crate::image;
use crate::kmdf;
use crate::lives::Lives;
use crate::nt::build_request::{MJ_DEVICE_CONTROL, MJ_INTERNAL_DEVICE_CONTROL};
use crate::nt::control::Control;
use crate::nt::file;
use crate::nt::status::{self, Status};
use crate::pci_bus::Function;
use crate::pnp::{self, DeviceRef, DriverRef, LoadError};
use crate::sys::FILE_OBJECT;
use crate::wdfldr::choice;

/// Runs the image through every step, as often as asked, and reports each as it is done; returns the exit code.
///
/// A request that the driver keeps is cancelled after a second; one that it keeps even then breaks
/// [`RequestNotCompleted`](crate::judge::Rule::RequestNotCompleted). Of more than one life the first and the last are reported,
/// and none may leave more behind than the one before (see [`Lives`]).
///
/// `values` are DWORDs of the device's hardware key, besides NumVFs.
pub fn run(image: &Path, lives: u32, values: &[(String, u32)], mut report: impl FnMut(&Step)) -> u8 {
    pnp::boot();
    let mut finished = Lives::default();
    for life in 1..=lives {
        let is_reported = life == 1 || life == lives;
        let code = live(image, values, |step| {
            if is_reported {
                report(step)
            }
        });
        if let Some(code) = code {
            return code;
        }
        if life == 1 {
            eprintln!("{}", json!({ "framework": choice::name() }));
        }
        finished.end_one(image);
    }
    0
}

/// Prints each framework structure that a driver hands over from now on, as one object: `structure` and `bytes`.
pub fn print_structures() {
    kmdf::watch_structures(|name, bytes| {
        println!("{}", json!({ "structure": name, "bytes": hex::encode(bytes) }));
    });
}

/// One life; the exit code where the driver is not even loaded.
fn live(image: &Path, values: &[(String, u32)], mut report: impl FnMut(&Step)) -> Option<u8> {
    let driver = match pnp::load_driver(SERVICE, image) {
        Ok(driver) => driver,
        Err(error @ LoadError::Image(_)) => {
            eprintln!("{} {error}", image.display());
            return Some(BAD_ARGUMENTS);
        }
        Err(LoadError::Entry(status)) => {
            report(&Step { name: "load", status });
            return Some(0);
        }
    };
    report(&Step { name: "load", status: status::SUCCESS });
    if let Some(device) = add(&driver, values, &mut report) {
        use_device(&device, &mut report);
        pnp::remove(device);
        report(&Step { name: "remove", status: status::SUCCESS });
    }
    pnp::unload(driver);
    report(&Step { name: "unload", status: status::SUCCESS });
    None
}

/// One step and what came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    name: &'static str,
    status: Status,
}

impl Step {
    /// The step as one object: `step` and `status`.
    pub fn to_json(&self) -> serde_json::Value {
        json!({ "step": self.name, "status": format!("{:#010x}", self.status) })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:24} {:#010x}", self.name, self.status)
    }
}

fn add(driver: &DriverRef, values: &[(String, u32)], report: &mut impl FnMut(&Step)) -> Option<DeviceRef> {
    let function = Function {
        vendor: VENDOR,
        device: DEVICE,
        vf_device: DEVICE,
        total_vfs: VFS,
        num_vfs: Some(VFS.into()),
        values: values.to_vec(),
        ..Function::default()
    };
    let added = pnp::add_device(driver, function);
    report(&Step { name: "add-device", status: *added.as_ref().err().unwrap_or(&status::SUCCESS) });
    added.ok()
}

fn use_device(device: &DeviceRef, report: &mut impl FnMut(&Step)) {
    let mut reported = |name, status| {
        report(&Step { name, status });
        status::is_success(status)
    };
    if !reported("start", pnp::start(device)) {
        return;
    }
    let opened = file::open(device.physical(), "");
    reported("open", *opened.as_ref().err().unwrap_or(&status::SUCCESS));
    if let Ok(opened) = opened {
        reported("device-control", request(device, opened, false));
        reported("internal-device-control", request(device, opened, true));
        file::close_handle(opened);
        reported("close", status::SUCCESS);
    }
    let agreed = pnp::query_stop(device);
    if !status::is_success(agreed) {
        pnp::cancel_stop(device);
        reported("stop", agreed);
        return;
    }
    reported("stop", pnp::stop(device));
    reported("restart", pnp::start(device));
}

/// Sends one request, from user mode or from another driver, and returns its status; STATUS_PENDING when a framework
/// still has it.
fn request(device: &DeviceRef, file: *mut FILE_OBJECT, internal: bool) -> Status {
    let control = Control { code: CODE, internal, user: !internal, input: vec![0; BYTES], output: BYTES };
    let (sent, _data) = control.send(file);
    if let Some(outcome) = sent.wait(Some(PATIENCE)) {
        return outcome.status;
    }
    sent.cancel();
    let major = if internal { MJ_INTERNAL_DEVICE_CONTROL } else { MJ_DEVICE_CONTROL };
    if image::find(dispatch_routine(device, major)).is_some() {
        return sent.finish_within(PATIENCE).status;
    }
    // The dispatch routine is a framework's, which itself finds the callback that kept a request.
    sent.wait(Some(PATIENCE)).map_or(status::PENDING, |outcome| outcome.status)
}

fn dispatch_routine(device: &DeviceRef, major: u8) -> usize {
    // SAFETY: a device that has an open file is live, and its driver object with it.
    let routine = unsafe { (*(*device.top()).DriverObject).MajorFunction[usize::from(major)] };
    routine.map_or(0, |routine| routine as usize)
}

const SERVICE: &str = "exercised";
/// A device that no INF names.
const VENDOR: u16 = 0xFFFF;
const DEVICE: u16 = 0xFFFE;
const VFS: u16 = 4;
/// FILE_DEVICE_UNKNOWN, function 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS.
const CODE: u32 = 0x22_2000;
const BYTES: usize = 16;
/// How long a driver may keep a request before it is cancelled, and after.
const PATIENCE: Duration = Duration::from_secs(1);
