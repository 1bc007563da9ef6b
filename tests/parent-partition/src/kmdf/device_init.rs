//! WDFDEVICE_INIT: what a driver says of a device before it makes it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use super::attributes::Attributes;
use super::callback;
use super::driver::Driver;
use super::driver_memory;
use super::handle;
use super::loader;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::Rule;
use crate::sys;

/// The collected settings; the default is what a device gets that its driver said nothing about.
#[derive(Clone, Debug)]
pub(super) struct DeviceInit {
    /// Whose device it will be.
    pub(super) driver: Arc<Driver>,
    /// The physical device object of its stack.
    pub(super) physical_device: usize,
    /// Whether it passes on what it does not handle.
    pub(super) filter: bool,
    /// How read and write data come (WDF_DEVICE_IO_TYPE); 0 for a filter, which takes what the stack has.
    pub(super) io_type: u32,
    /// Whether one handle at a time may be open.
    pub(super) exclusive: bool,
    /// DEVICE_TYPE, 0 for FILE_DEVICE_UNKNOWN.
    pub(super) device_type: u32,
    /// Device characteristics to add.
    pub(super) characteristics: u32,
    /// Whether its power transitions may touch pageable memory.
    pub(super) power_pageable: bool,
    /// Plug and play and power callbacks.
    pub(super) events: PnpPowerEvents,
    /// File object callbacks, where the driver gave any.
    pub(super) files: Option<FileConfig>,
    /// Attributes of each request.
    pub(super) request_attributes: Attributes,
    /// WDM preprocess callbacks by major function.
    pub(super) preprocess: Vec<Preprocess>,
    /// EvtIoInCallerContext.
    pub(super) in_caller_context: usize,
}

/// Addresses of the callbacks of WDF_PNPPOWER_EVENT_CALLBACKS, 0 where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PnpPowerEvents {
    pub(super) d0_entry: usize,
    pub(super) d0_entry_post_interrupts_enabled: usize,
    pub(super) d0_exit: usize,
    pub(super) d0_exit_pre_interrupts_disabled: usize,
    pub(super) prepare_hardware: usize,
    pub(super) release_hardware: usize,
    pub(super) self_managed_io_cleanup: usize,
    pub(super) self_managed_io_flush: usize,
    pub(super) self_managed_io_init: usize,
    pub(super) self_managed_io_suspend: usize,
    pub(super) self_managed_io_restart: usize,
    pub(super) surprise_removal: usize,
    pub(super) query_remove: usize,
    pub(super) query_stop: usize,
    pub(super) usage_notification: usize,
    pub(super) relations_query: usize,
}

/// WDF_FILEOBJECT_CONFIG.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileConfig {
    /// EvtDeviceFileCreate.
    pub(super) create: usize,
    /// EvtFileClose.
    pub(super) close: usize,
    /// EvtFileCleanup.
    pub(super) cleanup: usize,
    /// Whether cleanup and close go on down the stack: `None` for a filter's default.
    pub(super) forward_cleanup_close: Option<bool>,
    /// Whether there is a WDFFILEOBJECT for each file object.
    pub(super) tracks_files: bool,
    /// Attributes of each file object.
    pub(super) attributes: Attributes,
}

/// A WDM preprocess callback.
#[derive(Clone, Debug)]
pub(super) struct Preprocess {
    /// Major function it is for.
    pub(super) major: u8,
    /// Minor functions it is for; empty for all.
    pub(super) minors: Vec<u8>,
    /// EvtDeviceWdmIrpPreprocess.
    pub(super) function: usize,
}

impl DeviceInit {
    /// Makes the structure for a new device of a stack and returns what a driver knows it by.
    pub(super) fn publish(driver: &Arc<Driver>, physical_device: usize) -> usize {
        let init = Self {
            driver: driver.clone(),
            physical_device,
            filter: false,
            io_type: IO_BUFFERED,
            exclusive: false,
            device_type: 0,
            characteristics: 0,
            power_pageable: true,
            events: PnpPowerEvents::default(),
            files: None,
            request_attributes: Attributes::default(),
            preprocess: Vec::new(),
            in_caller_context: 0,
        };
        let token = handle::reserve();
        table().insert(token, init);
        token
    }

    /// Takes the structure for WdfDeviceCreate; ends the run when there is none.
    pub(super) fn take(token: usize) -> Self {
        table().remove(&token).unwrap_or_else(|| refuse(token))
    }

    /// Puts the structure back: the device was not made.
    pub(super) fn put_back(token: usize, init: Self) {
        table().insert(token, init);
    }

    /// Frees the structure if no device was made of it.
    pub(super) fn discard(token: usize) {
        table().remove(&token);
    }

    /// Runs `change` on the structure behind a driver's pointer.
    pub(super) fn with<T>(token: usize, change: impl FnOnce(&mut Self) -> T) -> T {
        let mut table = table();
        match table.get_mut(&token) {
            Some(init) => change(init),
            None => {
                drop(table);
                refuse(token)
            }
        }
    }
}

fn refuse(token: usize) -> ! {
    verify::required(token, "DeviceInit");
    verify::violation(
        Rule::BadParameter,
        verify::Violation::InvalidHandle,
        format_args!("{token:#x} is no WDFDEVICE_INIT"),
    );
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfDeviceInitFree,
        WdfDeviceInitSetPnpPowerEventCallbacks,
        WdfDeviceInitSetPowerPolicyEventCallbacks,
        WdfDeviceInitSetPowerPolicyOwnership,
        WdfDeviceInitSetIoType,
        WdfDeviceInitSetIoTypeEx,
        WdfDeviceInitSetExclusive,
        WdfDeviceInitSetPowerNotPageable,
        WdfDeviceInitSetPowerPageable,
        WdfDeviceInitSetDeviceType,
        WdfDeviceInitSetCharacteristics,
        WdfDeviceInitSetFileObjectConfig,
        WdfDeviceInitSetRequestAttributes,
        WdfDeviceInitAssignWdmIrpPreprocessCallback,
        WdfDeviceInitSetIoInCallerContextCallback,
        WdfFdoInitSetFilter,
        WdfFdoInitWdmGetPhysicalDevice,
    ]
}

/// Frees a structure of WdfControlDeviceInitAllocate; the one of EvtDriverDeviceAdd is the framework's.
extern "win64" fn WdfDeviceInitFree(globals: usize, init: usize) {
    loader::binding(globals);
    verify::finding(
        Rule::BadParameter,
        "the WDFDEVICE_INIT of EvtDriverDeviceAdd is the framework's to free",
    );
    DeviceInit::discard(init);
}

/// Sets the plug and play and power callbacks. PASSIVE_LEVEL.
///
/// Judged: a Size of another version (the page has no status to return).
extern "win64" fn WdfDeviceInitSetPnpPowerEventCallbacks(globals: usize, init: usize, callbacks: usize) {
    loader::binding(globals);
    verify::required(callbacks, "PnpPowerEventCallbacks");
    let given: sys::WDF_PNPPOWER_EVENT_CALLBACKS = driver_memory::read(callbacks);
    expect_size(given.Size, size_of_val(&given));
    let events = PnpPowerEvents {
        d0_entry: callback::address(&given.EvtDeviceD0Entry),
        d0_entry_post_interrupts_enabled: callback::address(&given.EvtDeviceD0EntryPostInterruptsEnabled),
        d0_exit: callback::address(&given.EvtDeviceD0Exit),
        d0_exit_pre_interrupts_disabled: callback::address(&given.EvtDeviceD0ExitPreInterruptsDisabled),
        prepare_hardware: callback::address(&given.EvtDevicePrepareHardware),
        release_hardware: callback::address(&given.EvtDeviceReleaseHardware),
        self_managed_io_cleanup: callback::address(&given.EvtDeviceSelfManagedIoCleanup),
        self_managed_io_flush: callback::address(&given.EvtDeviceSelfManagedIoFlush),
        self_managed_io_init: callback::address(&given.EvtDeviceSelfManagedIoInit),
        self_managed_io_suspend: callback::address(&given.EvtDeviceSelfManagedIoSuspend),
        self_managed_io_restart: callback::address(&given.EvtDeviceSelfManagedIoRestart),
        surprise_removal: callback::address(&given.EvtDeviceSurpriseRemoval),
        query_remove: callback::address(&given.EvtDeviceQueryRemove),
        query_stop: callback::address(&given.EvtDeviceQueryStop),
        usage_notification: callback::address(&given.EvtDeviceUsageNotification),
        relations_query: callback::address(&given.EvtDeviceRelationsQuery),
    };
    DeviceInit::with(init, |init| init.events = events);
}

/// Accepts wake callbacks, which are never called: no device here wakes anything. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetPowerPolicyEventCallbacks(globals: usize, init: usize, callbacks: usize) {
    loader::binding(globals);
    verify::required(callbacks, "PowerPolicyEventCallbacks");
    let given: sys::WDF_POWER_POLICY_EVENT_CALLBACKS = driver_memory::read(callbacks);
    expect_size(given.Size, size_of_val(&given));
    DeviceInit::with(init, |_| ());
}

/// A function driver owns power policy, a filter does not; another wish is not served.
extern "win64" fn WdfDeviceInitSetPowerPolicyOwnership(globals: usize, init: usize, owner: u8) {
    loader::binding(globals);
    let default = DeviceInit::with(init, |init| !init.filter);
    if default != (owner != 0) {
        crate::judge::violation(
            Rule::NotServed,
            "power policy ownership other than the default is not served",
        );
    }
}

/// Sets how read and write data come. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetIoType(globals: usize, init: usize, io_type: u32) {
    loader::binding(globals);
    DeviceInit::with(init, |init| init.io_type = io_type);
}

/// As WdfDeviceInitSetIoType; device control data come as their code says. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetIoTypeEx(globals: usize, init: usize, config: usize) {
    loader::binding(globals);
    verify::required(config, "IoTypeConfig");
    let given: sys::WDF_IO_TYPE_CONFIG = driver_memory::read(config);
    expect_size(given.Size, size_of_val(&given));
    DeviceInit::with(init, |init| init.io_type = given.ReadWriteIoType as u32);
}

/// Allows one open handle at a time. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetExclusive(globals: usize, init: usize, exclusive: u8) {
    loader::binding(globals);
    DeviceInit::with(init, |init| init.exclusive = exclusive != 0);
}

/// Power transitions may happen while paging is off. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetPowerNotPageable(globals: usize, init: usize) {
    loader::binding(globals);
    DeviceInit::with(init, |init| init.power_pageable = false);
}

/// Power transitions happen while paging is on. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetPowerPageable(globals: usize, init: usize) {
    loader::binding(globals);
    DeviceInit::with(init, |init| init.power_pageable = true);
}

/// Sets the device type. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetDeviceType(globals: usize, init: usize, device_type: u32) {
    loader::binding(globals);
    DeviceInit::with(init, |init| init.device_type = device_type);
}

/// Sets or adds device characteristics. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetCharacteristics(
    globals: usize,
    init: usize,
    characteristics: u32,
    add: u8,
) {
    loader::binding(globals);
    DeviceInit::with(init, |init| {
        let kept = if add == 0 { 0 } else { init.characteristics };
        init.characteristics = kept | characteristics;
    });
}

/// Sets the file object callbacks and the attributes of file objects. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetFileObjectConfig(
    globals: usize,
    init: usize,
    config: usize,
    attributes: usize,
) {
    loader::binding(globals);
    verify::required(config, "FileObjectConfig");
    let given: sys::WDF_FILEOBJECT_CONFIG = driver_memory::read(config);
    expect_size(given.Size, size_of_val(&given));
    let attributes = Attributes::read_without_parent(attributes).unwrap_or_else(|status| {
        verify::finding(Rule::BadParameter, format_args!("FileObjectAttributes: {status:#x}"));
        Attributes::default()
    });
    let class = given.FileObjectClass as u32 & !FILE_OBJECT_OPTIONAL;
    let files = FileConfig {
        create: callback::address(&given.EvtDeviceFileCreate),
        close: callback::address(&given.EvtFileClose),
        cleanup: callback::address(&given.EvtFileCleanup),
        forward_cleanup_close: match given.AutoForwardCleanupClose as u32 {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        tracks_files: class != FILE_OBJECT_NOT_REQUIRED,
        attributes,
    };
    DeviceInit::with(init, |init| init.files = Some(files));
}

/// Sets the attributes of each request that the framework makes for this device. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetRequestAttributes(globals: usize, init: usize, attributes: usize) {
    loader::binding(globals);
    verify::required(attributes, "RequestAttributes");
    let attributes = Attributes::read_without_parent(attributes).unwrap_or_else(|status| {
        verify::finding(Rule::BadParameter, format_args!("RequestAttributes: {status:#x}"));
        Attributes::default()
    });
    DeviceInit::with(init, |init| init.request_attributes = attributes);
}

/// Registers a callback that sees IRPs of a major function before the framework; one a major function.
///
/// Follows the WdfDeviceInitAssignWdmIrpPreprocessCallback page. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitAssignWdmIrpPreprocessCallback(
    globals: usize,
    init: usize,
    function: usize,
    major: u8,
    minors: usize,
    minor_count: u32,
) -> Status {
    loader::binding(globals);
    verify::required(function, "EvtDeviceWdmIrpPreprocess");
    if major > sys::IRP_MJ_MAXIMUM_FUNCTION as u8 {
        return status::INVALID_PARAMETER;
    }
    let minors = if minor_count == 0 {
        Vec::new()
    } else {
        verify::required(minors, "MinorFunctions");
        driver_memory::bytes(minors, minor_count as usize)
    };
    DeviceInit::with(init, |init| {
        if init.preprocess.iter().any(|other| other.major == major) {
            return status::INVALID_DEVICE_REQUEST;
        }
        init.preprocess.push(Preprocess { major, minors, function });
        status::SUCCESS
    })
}

/// Registers the callback that sees requests in their sender's context. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceInitSetIoInCallerContextCallback(globals: usize, init: usize, function: usize) {
    loader::binding(globals);
    verify::required(function, "EvtIoInCallerContext");
    DeviceInit::with(init, |init| init.in_caller_context = function);
}

/// Says that the device is a filter: what it does not handle goes down the stack. PASSIVE_LEVEL.
extern "win64" fn WdfFdoInitSetFilter(globals: usize, init: usize) {
    loader::binding(globals);
    DeviceInit::with(init, |init| {
        init.filter = true;
        init.io_type = 0;
    });
}

/// Returns the physical device object of the stack. PASSIVE_LEVEL.
extern "win64" fn WdfFdoInitWdmGetPhysicalDevice(globals: usize, init: usize) -> usize {
    loader::binding(globals);
    DeviceInit::with(init, |init| init.physical_device)
}

fn expect_size(given: u32, expected: usize) {
    if given as usize != expected {
        verify::finding(Rule::BadParameter, format_args!("Size is {given}, this version's is {expected}"));
    }
}

fn table() -> MutexGuard<'static, HashMap<usize, DeviceInit>> {
    static TABLE: LazyLock<Mutex<HashMap<usize, DeviceInit>>> = LazyLock::new(Mutex::default);
    TABLE.lock().expect("no holder of the table panics")
}

const IO_BUFFERED: u32 = 2;
const FILE_OBJECT_NOT_REQUIRED: u32 = 1;
const FILE_OBJECT_OPTIONAL: u32 = 0x8000_0000;
