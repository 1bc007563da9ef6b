//! WDFDEVICE: a functional or filter device object on a stack.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use super::attributes::Attributes;
use super::device_init::DeviceInit;
use super::device_interface::DeviceInterface;
use super::driver_memory;
use super::file::Files;
use super::handle::{self, Handle, Kind};
use super::io_target::IoTarget;
use super::irp::{self, InterfaceQuery};
use super::kernel;
use super::loader;
use super::object::{self, Object};
use super::pnp::Pnp;
use super::query_interface::QueryInterfaces;
use super::queue_set::QueueSet;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::Rule;
use crate::sys;

/// A device.
#[derive(Debug)]
pub(super) struct Device {
    /// The common part.
    pub(super) object: Arc<Object>,
    /// What its driver said before it was made.
    pub(super) settings: DeviceInit,
    /// Its DEVICE_OBJECT.
    pub(super) wdm: usize,
    /// The DEVICE_OBJECT that was the top of the stack before: where its requests go on.
    pub(super) attached: usize,
    /// Its I/O queues.
    pub(super) queues: QueueSet,
    /// Where it is between start and removal.
    pub(super) pnp: Pnp,
    /// Interfaces for other drivers, answered from a query.
    pub(super) query_interfaces: QueryInterfaces,
    /// Device interfaces, enabled while it is started.
    pub(super) device_interfaces: Mutex<Vec<DeviceInterface>>,
    /// Its open files.
    pub(super) files: Files,
    target: OnceLock<Arc<IoTarget>>,
}

impl Kind for Device {
    const NAME: &'static str = "WDFDEVICE";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Device {
    /// The target that stands for the rest of the stack.
    pub(super) fn target(&self) -> &Arc<IoTarget> {
        self.target.get().expect("set when the device is made")
    }

    /// Takes the device out of its stack and deletes it; everything below it in the tree is gone already.
    pub(super) fn leave_stack(&self) {
        by_device_object().remove(&self.wdm);
        kernel::detach_device(self.attached);
        kernel::delete_device(self.wdm);
        self.object.dereference();
    }
}

/// The device behind a DEVICE_OBJECT that the framework made.
pub(super) fn of_wdm(device_object: usize) -> Option<Arc<Device>> {
    by_device_object().get(&device_object).cloned()
}

fn by_device_object() -> MutexGuard<'static, HashMap<usize, Arc<Device>>> {
    static DEVICES: LazyLock<Mutex<HashMap<usize, Arc<Device>>>> = LazyLock::new(Mutex::default);
    DEVICES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Undoes the device that was made of a WDFDEVICE_INIT, since EvtDriverDeviceAdd failed after all.
pub(super) fn abandon(init: usize) {
    let device = made().iter().find(|(token, _)| *token == init).map(|(_, device)| device.clone());
    if let Some(device) = device {
        device.object.dispose();
        device.object.release_children();
        device.leave_stack();
    }
}

/// Forgets which device was made of a WDFDEVICE_INIT: EvtDriverDeviceAdd has returned.
pub(super) fn forget_init(init: usize) {
    made().retain(|(token, _)| *token != init);
}

fn made() -> MutexGuard<'static, Vec<(usize, Arc<Device>)>> {
    static MADE: Mutex<Vec<(usize, Arc<Device>)>> = Mutex::new(Vec::new());
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfDeviceCreate,
        WdfDeviceGetDriver,
        WdfDeviceGetIoTarget,
        WdfDeviceWdmGetDeviceObject,
        WdfDeviceWdmGetAttachedDevice,
        WdfDeviceWdmGetPhysicalDevice,
        WdfWdmDeviceGetWdfDeviceHandle,
        WdfDeviceGetDefaultQueue,
        WdfDeviceConfigureRequestDispatching,
        WdfDeviceGetFileObject,
        WdfDeviceSetFailed,
        WdfFdoQueryForInterface,
    ]
}

/// Makes the device object, attaches it to the stack and takes over the WDFDEVICE_INIT.
///
/// Follows the WdfDeviceCreate page. PASSIVE_LEVEL. SPEC: the power thread interface is asked for before the device is
/// attached, by a filter when it starts (traces `start`, `filter-plain`); the pointer is NULL after success.
extern "win64" fn WdfDeviceCreate(globals: usize, init: usize, attributes: usize, out: usize) -> Status {
    loader::binding(globals);
    verify::required(init, "DeviceInit");
    let token: usize = driver_memory::read(init);
    verify::required(token, "*DeviceInit");
    verify::required(out, "Device");
    verify::passive_level();
    let attributes = match Attributes::read_without_parent(attributes) {
        Ok(attributes) => attributes,
        Err(status) => return status,
    };
    let settings = DeviceInit::take(token);
    match create(settings.clone(), &attributes) {
        Ok(device) => {
            driver_memory::write(init, 0_usize);
            driver_memory::write(out, device.object.handle);
            made().push((token, device));
            status::SUCCESS
        }
        Err(status) => {
            DeviceInit::put_back(token, settings);
            status
        }
    }
}

fn create(settings: DeviceInit, attributes: &Attributes) -> Result<Arc<Device>, Status> {
    let driver = settings.driver.clone();
    let binding = &driver.object.binding;
    if !settings.filter {
        kernel::with_top_of_stack(settings.physical_device, |top| {
            ask_for_interface(top, &POWER_THREAD_INTERFACE)
        });
    }
    let wdm = kernel::create_device(
        binding.driver_object,
        &kernel::DeviceKind {
            device_type: if settings.device_type == 0 { FILE_DEVICE_UNKNOWN } else { settings.device_type },
            characteristics: settings.characteristics,
            exclusive: settings.exclusive,
        },
    )?;
    let Some(attached) = kernel::attach_device(wdm, settings.physical_device) else {
        kernel::delete_device(wdm);
        return Err(status::NO_SUCH_DEVICE);
    };
    let made = object::create(binding, attributes, Some(&driver.object), |object| Device {
        object,
        wdm,
        attached,
        queues: QueueSet::new(),
        pnp: Pnp::new(),
        query_interfaces: QueryInterfaces::default(),
        device_interfaces: Mutex::new(Vec::new()),
        files: Files::default(),
        target: OnceLock::new(),
        settings,
    });
    let device = match made {
        Ok(device) => device,
        Err(status) => {
            kernel::detach_device(attached);
            kernel::delete_device(wdm);
            return Err(status);
        }
    };
    device.object.keep_from_deletion();
    by_device_object().insert(wdm, device.clone());
    let target = IoTarget::of_stack(&device)?;
    device.target.set(target).map_err(|_| status::UNSUCCESSFUL)?;
    finish(&device);
    Ok(device)
}

/// Sets what NT looks at in a DEVICE_OBJECT, then lets requests in.
fn finish(device: &Device) {
    let settings = &device.settings;
    let mut flags = match settings.io_type {
        0 => kernel::device_flags(device.attached) & (DO_BUFFERED_IO | DO_DIRECT_IO),
        IO_BUFFERED => DO_BUFFERED_IO,
        IO_DIRECT => DO_DIRECT_IO,
        _ => 0,
    };
    flags |= if settings.filter {
        kernel::device_flags(device.attached) & DO_POWER_PAGABLE
    } else if settings.power_pageable {
        DO_POWER_PAGABLE
    } else {
        0
    };
    // A preprocess callback that copies its stack location uses up one more than a driver that skips.
    let extra_locations = i8::from(!settings.preprocess.is_empty());
    kernel::finish_device(device.wdm, flags, extra_locations);
}

/// Asks a device for one of the interfaces that the framework's devices have among themselves; nothing comes of it here.
pub(super) fn ask_for_interface(target: usize, guid: &sys::GUID) {
    let mut buffer = sys::INTERFACE::default();
    let query = InterfaceQuery {
        guid: std::ptr::from_ref(guid) as usize,
        buffer: std::ptr::from_mut(&mut buffer) as usize,
        size: size_of::<sys::INTERFACE>() as u16,
        version: 1,
        specific_data: 0,
    };
    irp::query_interface(target, &query);
}

/// Returns the device's driver. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceGetDriver(globals: usize, device: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Device>(device).settings.driver.object.handle
}

/// Returns the target that stands for the stack below. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceGetIoTarget(globals: usize, device: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Device>(device).target().object.handle
}

/// Returns the device's DEVICE_OBJECT. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceWdmGetDeviceObject(globals: usize, device: Handle) -> usize {
    loader::binding(globals);
    handle::of::<Device>(device).wdm
}

/// Returns the DEVICE_OBJECT below. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceWdmGetAttachedDevice(globals: usize, device: Handle) -> usize {
    loader::binding(globals);
    handle::of::<Device>(device).attached
}

/// Returns the physical device object of the stack. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceWdmGetPhysicalDevice(globals: usize, device: Handle) -> usize {
    loader::binding(globals);
    handle::of::<Device>(device).settings.physical_device
}

/// Returns the WDFDEVICE of a DEVICE_OBJECT, NULL for one that is not the framework's. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfWdmDeviceGetWdfDeviceHandle(globals: usize, device_object: usize) -> Handle {
    loader::binding(globals);
    verify::required(device_object, "DeviceObject");
    of_wdm(device_object).map_or(0, |device| device.object.handle)
}

/// Returns the default queue, NULL where there is none. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceGetDefaultQueue(globals: usize, device: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Device>(device).queues.default_queue().map_or(0, |queue| queue.object.handle)
}

/// Sends one type of request to a queue of the device's own. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceConfigureRequestDispatching(
    globals: usize,
    device: Handle,
    queue: Handle,
    request_type: u32,
) -> Status {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    let queue = handle::of(queue);
    verify::passive_level();
    device.queues.route(&device, &queue, request_type)
}

/// Returns the WDFFILEOBJECT of a FILE_OBJECT, NULL where there is none. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceGetFileObject(globals: usize, device: Handle, file_object: usize) -> Handle {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    device.files.of(file_object).map_or(0, |file| file.object.handle)
}

/// Says that the device has failed: PnP asks for its state and removes it.
///
/// Follows the WdfDeviceSetFailed page; a restart is not served. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceSetFailed(globals: usize, device: Handle, action: u32) {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    if action != FAILED_NO_RESTART {
        crate::judge::violation(Rule::NotServed, "WdfDeviceFailedAttemptRestart is not served");
    }
    device.pnp.set_failed(&device);
}

/// Asks the stack below for an interface. PASSIVE_LEVEL.
///
/// Follows the WdfFdoQueryForInterface page: the buffer's Size and Version need not be set, its GUID is the caller's.
extern "win64" fn WdfFdoQueryForInterface(
    globals: usize,
    device: Handle,
    guid: usize,
    interface: usize,
    size: u16,
    version: u16,
    specific_data: usize,
) -> Status {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    verify::required(guid, "InterfaceType");
    verify::required(interface, "Interface");
    verify::passive_level();
    let query = InterfaceQuery { guid, buffer: interface, size, version, specific_data };
    irp::query_interface(device.attached, &query)
}

/// GUID_POWER_THREAD_INTERFACE: asked for before a device is attached.
pub(super) const POWER_THREAD_INTERFACE: sys::GUID = sys::GUID {
    Data1: 0xDC7A_8E51,
    Data2: 0x49B3,
    Data3: 0x4A3A,
    Data4: [0x9E, 0x81, 0x62, 0x52, 0x05, 0xE7, 0xD7, 0x29],
};
/// GUID_REENUMERATE_SELF_INTERFACE_STANDARD: asked for at the first start.
pub(super) const REENUMERATE_SELF_INTERFACE: sys::GUID = sys::GUID {
    Data1: 0x2AEB_0243,
    Data2: 0x6A6E,
    Data3: 0x486B,
    Data4: [0x82, 0xFC, 0xD8, 0x15, 0xF6, 0xB9, 0x70, 0x06],
};

const FILE_DEVICE_UNKNOWN: u32 = 0x22;
const IO_BUFFERED: u32 = 2;
const IO_DIRECT: u32 = 3;
const DO_BUFFERED_IO: u32 = 0x4;
const DO_DIRECT_IO: u32 = 0x10;
const DO_POWER_PAGABLE: u32 = 0x2000;
const FAILED_NO_RESTART: u32 = 2;
