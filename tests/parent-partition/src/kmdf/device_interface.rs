//! Device interfaces: registered by a driver, enabled by the framework while the device is started.

use std::sync::{MutexGuard, PoisonError};

use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle};
use super::kernel;
use super::loader;
use super::status::{self, Status};
use super::string::Text;
use super::table::{Routine, routines};
use super::verify;
use crate::sys;

/// One device interface.
#[derive(Debug)]
pub(super) struct DeviceInterface {
    class: [u8; 16],
    reference: Vec<u16>,
    /// The name NT gave it.
    link: Vec<u16>,
    /// Whether the driver wants it enabled while the device is started.
    wanted: bool,
}

impl DeviceInterface {
    /// Makes it visible: the device is started.
    pub(super) fn enable(&self) {
        if self.wanted {
            kernel::set_device_interface_state(&self.link, true);
        }
    }

    /// Hides it: the device stops or goes.
    pub(super) fn disable(&self) {
        if self.wanted {
            kernel::set_device_interface_state(&self.link, false);
        }
    }
}

impl Device {
    /// Its device interfaces.
    pub(super) fn device_interfaces(&self) -> MutexGuard<'_, Vec<DeviceInterface>> {
        self.device_interfaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the device interfaces: the device is removed.
    pub(super) fn remove_interfaces(&self) {
        self.device_interfaces().clear();
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfDeviceCreateDeviceInterface,
        WdfDeviceSetDeviceInterfaceState,
        WdfDeviceSetDeviceInterfaceStateEx,
        WdfDeviceRetrieveDeviceInterfaceString,
    ]
}

/// Registers a device interface of a class; it is enabled at the next start, or now if the device is started.
///
/// Follows the WdfDeviceCreateDeviceInterface page. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceCreateDeviceInterface(
    globals: usize,
    device: Handle,
    class: usize,
    reference: usize,
) -> Status {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    verify::required(class, "InterfaceClassGUID");
    verify::passive_level();
    let reference = optional_units(reference);
    let guid: sys::GUID = driver_memory::read(class);
    let link = match kernel::register_device_interface(device.settings.physical_device, &guid, &reference) {
        Ok(link) => link,
        Err(status) => return status,
    };
    let interface = DeviceInterface { class: driver_memory::read(class), reference, link, wanted: true };
    if device.pnp.is_started() {
        interface.enable();
    }
    device.device_interfaces().push(interface);
    status::SUCCESS
}

/// Enables or disables a device interface; while the device is not started only the wish is kept. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceSetDeviceInterfaceState(
    globals: usize,
    device: Handle,
    class: usize,
    reference: usize,
    enable: u8,
) {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    verify::required(class, "InterfaceClassGUID");
    verify::passive_level();
    let class: [u8; 16] = driver_memory::read(class);
    let reference = optional_units(reference);
    let started = device.pnp.is_started();
    let mut interfaces = device.device_interfaces();
    let found = interfaces.iter_mut().find(|known| known.class == class && known.reference == reference);
    let Some(interface) = found else { return };
    let wanted = enable != 0;
    if interface.wanted != wanted {
        interface.wanted = wanted;
        if started {
            kernel::set_device_interface_state(&interface.link, wanted);
        }
    }
}

/// As WdfDeviceSetDeviceInterfaceState. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceSetDeviceInterfaceStateEx(
    globals: usize,
    device: Handle,
    class: usize,
    reference: usize,
    enable: u8,
) {
    WdfDeviceSetDeviceInterfaceState(globals, device, class, reference, enable);
}

/// Stores the name of a device interface into a string object. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceRetrieveDeviceInterfaceString(
    globals: usize,
    device: Handle,
    class: usize,
    reference: usize,
    string: Handle,
) -> Status {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    let string = handle::of::<Text>(string);
    verify::required(class, "InterfaceClassGUID");
    verify::passive_level();
    let class: [u8; 16] = driver_memory::read(class);
    let reference = optional_units(reference);
    let interfaces = device.device_interfaces();
    match interfaces.iter().find(|known| known.class == class && known.reference == reference) {
        Some(interface) => {
            string.set(&interface.link);
            status::SUCCESS
        }
        None => status::OBJECT_NAME_NOT_FOUND,
    }
}

fn optional_units(string: usize) -> Vec<u16> {
    if string == 0 {
        return Vec::new();
    }
    let string: sys::UNICODE_STRING = driver_memory::read(string);
    driver_memory::units(string.Buffer as usize, usize::from(string.Length) / 2)
}
