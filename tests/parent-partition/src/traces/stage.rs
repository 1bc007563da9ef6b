//! The driver and the one device of a scenario: loaded, added, unloaded at the probe's word.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{bus, line};
use crate::image::Image;
use crate::invoke;
use crate::machine::{irql, turn};
use crate::memory;
use crate::nt::driver;
use crate::nt::hive;
use crate::nt::status::{self, Status};
use crate::sys::{DEVICE_OBJECT, DRIVER_OBJECT, UNICODE_STRING};

/// Names the image that the probe's stimuli load, and whether the framework's enhanced checks are on for it.
pub(super) fn set_image(image: &'static Image, enhanced: bool) {
    assert!(IMAGE.set((image, enhanced)).is_ok(), "a process plays one scenario");
}

/// Makes the driver object and enters the driver.
pub(super) extern "win64" fn load_driver() -> Status {
    line::write(r#""do":"DriverEntry""#);
    let (image, enhanced) = *IMAGE.get().expect("the image is known before its code runs");
    let key = driver::service_key(SERVICE);
    let options = format!(r"{key}\Parameters\Wdf");
    hive::create(&options);
    if enhanced {
        hive::set(&options, "EnhancedVerifierOptions", hive::Value::dword(FUNCTION_TABLE_HOOKS));
    }
    let object = driver::create(SERVICE, Some(image));
    DRIVER.store(object.expose_provenance(), Ordering::Relaxed);
    let path: *mut UNICODE_STRING = driver::zeroed();
    // SAFETY: the structure was just allocated.
    unsafe { *path = driver::text(&key) };
    let entered = invoke!(image.entry(); object, path) as Status;
    // SAFETY: both blocks were made above; a driver that needs the path later has copied it.
    unsafe { memory::free((*path).Buffer.addr(), None) };
    memory::free(path.addr(), None);
    // SAFETY: nothing takes the driver object away.
    let unload = unsafe { (*object).DriverUnload.is_some() };
    line::write(format_args!(r#""result":{},"unload":{unload}"#, line::status(entered)));
    turn::let_others_run();
    entered
}

/// Makes the device and has the driver add its own to it.
pub(super) extern "win64" fn add_device() -> Status {
    line::write(r#""do":"AddDevice""#);
    let device = bus::enumerate(SERVICE);
    DEVICE.store(device.expose_provenance(), Ordering::Relaxed);
    // SAFETY: the driver object and its extension stay; the device was just made.
    let (added, attached) = unsafe {
        let routine = (*(*driver_object()).DriverExtension).AddDevice;
        let added = match routine {
            Some(routine) => invoke!(routine as usize; driver_object(), device) as Status,
            None => status::INVALID_DEVICE_STATE,
        };
        (added, !(*device).AttachedDevice.is_null())
    };
    line::write(format_args!(r#""result":{},"attached":{attached}"#, line::status(added)));
    turn::let_others_run();
    added
}

/// Calls the driver's unload routine; its image stays, since the scenario is part of it.
pub(super) extern "win64" fn unload_driver() {
    line::write(r#""do":"unload""#);
    // SAFETY: the driver object stays.
    let routine = unsafe { (*driver_object()).DriverUnload };
    invoke!(routine.map_or(0, |routine| routine as usize); driver_object());
    line::write(format_args!(r#""result":"unloaded","irql":{}"#, irql::current()));
    turn::let_others_run();
}

/// The device at the bottom of the stack.
pub(super) fn physical_device() -> *mut DEVICE_OBJECT {
    std::ptr::with_exposed_provenance_mut(DEVICE.load(Ordering::Relaxed))
}

fn driver_object() -> *mut DRIVER_OBJECT {
    std::ptr::with_exposed_provenance_mut(DRIVER.load(Ordering::Relaxed))
}

const SERVICE: &str = "probe";
static IMAGE: OnceLock<(&'static Image, bool)> = OnceLock::new();
/// Checks around callbacks, the one enhanced option that the recordings had on.
const FUNCTION_TABLE_HOOKS: u32 = 1;
static DRIVER: AtomicUsize = AtomicUsize::new(0);
static DEVICE: AtomicUsize = AtomicUsize::new(0);
