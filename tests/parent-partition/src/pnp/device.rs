//! Devices: their stacks built, started, stopped and removed.

use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::leaks::PATIENCE;
use super::loader::DriverRef;
use super::minor::{Minor, send};
use super::queries;
use super::resources::{Interrupt, Resources};
use crate::invoke;
use crate::judge::{self, Rule};
use crate::nt::device::{self, DO_DEVICE_INITIALIZING};
use crate::nt::status::{self, Status};
use crate::nt::{device_interface, file, handle, object, pnp_notification, work_item};
use crate::pci_bus::{self, Function};
use crate::sys::{DEVICE_OBJECT, DRIVER_OBJECT};

/// A device with its stack.
#[derive(Debug)]
pub struct DeviceRef {
    pdo: usize,
    /// The image of the function driver, to blame for what is left of the stack.
    blamed: String,
    stage: Mutex<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Added,
    Started,
    StopAgreed,
    Stopped,
    RemovalAgreed,
    Surprised,
    Failed,
}

impl DeviceRef {
    /// The physical device object, at the bottom of the stack.
    #[must_use]
    pub fn physical(&self) -> *mut DEVICE_OBJECT {
        std::ptr::with_exposed_provenance_mut(self.pdo)
    }

    /// The top of the stack.
    #[must_use]
    pub fn top(&self) -> *mut DEVICE_OBJECT {
        // SAFETY: the bus keeps the physical device object until the device is removed, which takes this.
        unsafe { device::top(self.physical()) }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, minor: Minor) -> Status {
        send(self.physical(), minor, |_| {}).finish().status
    }
}

/// Enumerates a function and has a driver add its device to the new stack.
///
/// # Errors
/// What the driver's add-device routine returned; STATUS_INVALID_DEVICE_STATE for a driver without one.
pub fn add_device(driver: &DriverRef, function: Function) -> Result<DeviceRef, Status> {
    add_device_stack(&[driver], function)
}

/// Enumerates a function and builds its stack from several drivers, lowest first; the last is blamed for what is left.
///
/// Judged: a driver that answers success without having attached a device, or leaves DO_DEVICE_INITIALIZING set; one that
/// fails and leaves a device attached.
///
/// # Errors
/// As [`add_device`], of the first driver that fails; what the ones below have attached is removed.
pub fn add_device_stack(drivers: &[&DriverRef], function: Function) -> Result<DeviceRef, Status> {
    let service = drivers.first().map_or("", |driver| driver.service());
    build_stack(drivers, pci_bus::enumerate(&function, service))
}

/// Has a driver add a device that stands for itself alone: enumerated by the root, without resources.
///
/// # Errors
/// As [`add_device`].
pub fn add_rooted_device(driver: &DriverRef) -> Result<DeviceRef, Status> {
    build_stack(&[driver], pci_bus::enumerate_rooted(driver.service()))
}

fn build_stack(drivers: &[&DriverRef], pdo: *mut DEVICE_OBJECT) -> Result<DeviceRef, Status> {
    let blamed = drivers.last().map_or_else(String::new, |driver| driver.path().to_owned());
    let new = DeviceRef { pdo: pdo.expose_provenance(), blamed, stage: Mutex::new(Stage::Added) };
    for driver in drivers {
        let below = new.top();
        let status = add_one(driver.object(), pdo);
        let above = new.top();
        if status::is_success(status) {
            // SAFETY: the device on top of a live stack is live.
            expect(driver, above != below, "added no device to the stack");
            // SAFETY: as above.
            let flags = unsafe { (*above).Flags };
            expect(driver, flags & DO_DEVICE_INITIALIZING == 0, "left DO_DEVICE_INITIALIZING set");
        } else {
            expect(driver, above == below, "left a device attached that it failed to add");
            new.take_down();
            return Err(status);
        }
    }
    Ok(new)
}

/// Starts a device, after it was added or stopped, with a memory range and a message interrupt; a stack that starts is
/// asked for its capabilities, its state and its children, as the PnP manager does. One that says then that its device has
/// failed can only be removed.
pub fn start(device: &DeviceRef) -> Status {
    let hardware = pci_bus::Hardware::find(device.pdo);
    let resources = hardware.map(|hardware| {
        let function = hardware.function();
        Resources::new(
            function.windows(),
            Interrupt { level: INTERRUPT_LEVEL, line: function.line_interrupt },
        )
    });
    let sent = send(device.physical(), Minor::StartDevice, |location| {
        // SAFETY: the union's member of this minor function.
        let start = unsafe { &mut location.Parameters.StartDevice };
        start.AllocatedResources = resources.as_ref().map_or(null_mut(), Resources::raw);
        start.AllocatedResourcesTranslated = resources.as_ref().map_or(null_mut(), Resources::translated);
    });
    let status = sent.finish().status;
    drop(resources);
    let healthy = status::is_success(status) && queries::after_start(device.physical());
    *device.stage() = if healthy { Stage::Started } else { Stage::Failed };
    status
}

/// Asks whether a started device can be stopped to move its resources.
pub fn query_stop(device: &DeviceRef) -> Status {
    let status = device.ask(Minor::QueryStopDevice);
    if status::is_success(status) {
        *device.stage() = Stage::StopAgreed;
    }
    status
}

/// Says that a device which was asked need not stop.
pub fn cancel_stop(device: &DeviceRef) -> Status {
    let status = device.ask(Minor::CancelStopDevice);
    let mut stage = device.stage();
    if *stage == Stage::StopAgreed {
        *stage = Stage::Started;
    }
    status
}

/// Stops a device that agreed to it.
pub fn stop(device: &DeviceRef) -> Status {
    let status = device.ask(Minor::StopDevice);
    *device.stage() = Stage::Stopped;
    status
}

/// Asks whether a device can be removed: first those who have it open and asked to be asked, then its stack. One that is
/// still open then cannot be, and its stack is not asked. A device that has agreed to stop is told first that it need not: a
/// stop that is agreed to is carried out or taken back before anything else begins (IRP_MN_CANCEL_STOP_DEVICE), and a
/// framework waits for that.
pub fn query_remove(device: &DeviceRef) -> Status {
    if *device.stage() == Stage::StopAgreed {
        cancel_stop(device);
    }
    if let Err(refused) = pnp_notification::ask_targets(device.pdo) {
        return refused;
    }
    let status = match file::left_of(device.physical()) {
        (0, _) => device.ask(Minor::QueryRemoveDevice),
        _ => status::DEVICE_BUSY,
    };
    if status::is_success(status) {
        *device.stage() = Stage::RemovalAgreed;
    } else {
        pnp_notification::tell_cancelled(device.pdo);
    }
    status
}

/// Says that a device which was asked need not be removed.
pub fn cancel_remove(device: &DeviceRef) -> Status {
    let status = device.ask(Minor::CancelRemoveDevice);
    let mut stage = device.stage();
    if *stage == Stage::RemovalAgreed {
        *stage = Stage::Started;
    }
    drop(stage);
    pnp_notification::tell_cancelled(device.pdo);
    status
}

/// Tells the stack that the device is gone; [`remove`] follows when the last file is closed.
pub fn surprise_remove(device: &DeviceRef) -> Status {
    let status = device.ask(Minor::SurpriseRemoval);
    *device.stage() = Stage::Surprised;
    pnp_notification::tell_removed(device.pdo);
    status
}

/// Removes a device for good: asked first when it is started and has not agreed yet; a refusal is followed by a surprise
/// removal.
///
/// Judged: a device that is still attached, an interface still enabled, and a reference still held when the stack has been
/// removed.
///
/// A driver that keeps the device open although it is told that it is gone breaks [`Rule::ObjectState`].
///
/// # Panics
/// When somebody else has a file of the device open: the simulator's actors close theirs first.
pub fn remove(device: DeviceRef) {
    let stage = *device.stage();
    if matches!(stage, Stage::Started | Stage::StopAgreed | Stage::Stopped)
        && !status::is_success(query_remove(&device))
    {
        device.ask(Minor::CancelRemoveDevice);
        surprise_remove(&device);
    }
    if let Some(file) = file::open_of(device.physical()).first() {
        let opener = handle::opener_of(*file).expect("the simulator's actors have closed their files");
        judge::violation_at(Rule::ObjectState, "", opener, "keeps a handle of a device that is removed");
    }
    device.take_down();
}

impl DeviceRef {
    /// Sends the last IRP of a stack, and takes its physical device object away.
    fn take_down(self) {
        // A file closed above PASSIVE_LEVEL is still being closed by a worker. One that hangs is found at unload.
        let _settled = work_item::settle(PATIENCE);
        self.ask(Minor::RemoveDevice);
        if *self.stage() != Stage::Surprised {
            pnp_notification::tell_removed(self.pdo);
        }
        let pdo = self.physical();
        // SAFETY: the bus keeps the physical device object until `unplug`.
        let attached = unsafe { (*pdo).AttachedDevice };
        self.expect_gone(attached.is_null(), || "a device is still attached to the removed stack".to_owned());
        let enabled = device_interface::left_enabled(self.pdo);
        self.expect_gone(enabled.is_empty(), || {
            format!("the device interface {} is still enabled", enabled[0])
        });
        let (_, referenced) = file::left_of(pdo);
        self.expect_gone(referenced == 0, || format!("{referenced} closed files are still referenced"));
        // Dropped by `unplug`, and by nobody else.
        let references = object::references(self.pdo).unwrap_or(0);
        self.expect_gone(references == 1, || {
            format!("{} references of the physical device are left", references - 1)
        });
        pci_bus::unplug(pdo);
    }

    fn expect_gone(&self, gone: bool, what: impl FnOnce() -> String) {
        if !gone {
            judge::violation_at_load(Rule::Leak, "", self.blamed.as_ref(), what());
        }
    }
}

fn add_one(driver: *mut DRIVER_OBJECT, pdo: *mut DEVICE_OBJECT) -> Status {
    // SAFETY: a loaded driver's object and its extension are live.
    let routine = unsafe { (*(*driver).DriverExtension).AddDevice };
    match routine {
        Some(routine) => invoke!(routine as usize; driver, pdo) as Status,
        None => status::INVALID_DEVICE_STATE,
    }
}

fn expect(driver: &DriverRef, right: bool, what: &str) {
    if !right {
        // SAFETY: a loaded driver's object and its extension are live.
        let routine = unsafe { (*(*driver.object()).DriverExtension).AddDevice };
        judge::violation_at(Rule::ObjectState, "", routine.map_or(0, |routine| routine as usize), what);
    }
}

/// The level at which devices interrupt.
const INTERRUPT_LEVEL: u32 = 8;
