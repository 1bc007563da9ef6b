//! WDFDRIVER: made in DriverEntry, ended at unload.

use std::sync::{Arc, LazyLock};

use super::attributes::Attributes;
use super::callback;
use super::device;
use super::device_init::DeviceInit;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::loader::{self, Binding};
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{self, Routine, routines};
use super::verify;
use crate::judge;
use crate::machine::thunk;
use crate::sys;

/// A driver.
#[derive(Debug)]
pub(super) struct Driver {
    /// The common part.
    pub(super) object: Arc<Object>,
    /// Address of its service key's path, a terminated copy.
    registry_path: Vec<u16>,
    device_add: usize,
    unload: usize,
}

impl Kind for Driver {
    const NAME: &'static str = "WDFDRIVER";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Driver {
    /// Deletes the driver object: cleanup and destroy callbacks of what is left below it, then its own.
    pub(super) fn end(&self) {
        self.object.binding.clear_driver();
        self.object.delete();
    }

    /// The path of the driver's service key.
    pub(super) fn registry_path(&self) -> &[u16] {
        self.registry_path.strip_suffix(&[0]).unwrap_or(&self.registry_path)
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfDriverCreate,
        WdfDriverGetRegistryPath,
        WdfDriverWdmGetDriverObject,
        WdfWdmDriverGetWdfDriverHandle,
        WdfDriverIsVersionAvailable,
    ]
}

/// Makes the driver's WDFDRIVER and takes over its DRIVER_OBJECT: dispatch routines, AddDevice, DriverUnload.
///
/// Follows the WdfDriverCreate page. PASSIVE_LEVEL. STATUS_DRIVER_INTERNAL_ERROR for a second call
/// (trace `misuse-driver-twice-verifier`), STATUS_INFO_LENGTH_MISMATCH for a wrong Size.
extern "win64" fn WdfDriverCreate(
    globals: usize,
    driver_object: usize,
    registry_path: usize,
    attributes: usize,
    config: usize,
    out: usize,
) -> Status {
    let binding = loader::binding(globals);
    verify::required(driver_object, "DriverObject");
    verify::required(registry_path, "RegistryPath");
    verify::required(config, "DriverConfig");
    let config: sys::WDF_DRIVER_CONFIG = driver_memory::read(config);
    if config.Size as usize != size_of::<sys::WDF_DRIVER_CONFIG>() {
        return status::INFO_LENGTH_MISMATCH;
    }
    if config.DriverInitFlags & !ALLOWED_FLAGS != 0 {
        return status::INVALID_PARAMETER;
    }
    verify::passive_level();
    if binding.driver().is_some() {
        return status::DRIVER_INTERNAL_ERROR;
    }
    driver_memory::write_optional(out, 0_usize);
    match create(&binding, driver_object, registry_path, attributes, &config) {
        Ok(handle) => {
            driver_memory::write_optional(out, handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

fn create(
    binding: &Arc<Binding>,
    driver_object: usize,
    registry_path: usize,
    attributes: usize,
    config: &sys::WDF_DRIVER_CONFIG,
) -> Result<Handle, Status> {
    let flags = config.DriverInitFlags;
    let device_add = callback::address(&config.EvtDriverDeviceAdd);
    let unload = callback::address(&config.EvtDriverUnload);
    if flags & NO_DISPATCH_OVERRIDE == 0 && flags & NON_PNP_DRIVER != 0 && device_add != 0 {
        return Err(status::INVALID_PARAMETER);
    }
    let attributes = Attributes::read_without_parent(attributes)?;
    let path: sys::UNICODE_STRING = driver_memory::read(registry_path);
    let mut path = driver_memory::units(path.Buffer as usize, usize::from(path.Length) / 2);
    path.push(0);
    let driver = object::create(binding, &attributes, None, |object| Driver {
        object,
        registry_path: path,
        device_add,
        unload,
    })?;
    driver.object.keep_from_deletion();
    binding.set_driver(&driver);
    let displaced = flags & (NO_DISPATCH_OVERRIDE | NON_PNP_DRIVER) == 0 || unload != 0;
    let mut public: sys::WDF_DRIVER_GLOBALS = driver_memory::read(binding.globals);
    public.DriverFlags |= flags;
    public.DisplaceDriverUnload = u8::from(displaced);
    driver_memory::write(binding.globals, public);
    take_over(driver_object as *mut sys::DRIVER_OBJECT, flags, displaced);
    Ok(driver.object.handle)
}

/// Points a DRIVER_OBJECT to the framework, as DriverEntry of any driver does for itself.
fn take_over(driver_object: *mut sys::DRIVER_OBJECT, flags: u32, displaced: bool) {
    judge::for_caller(|| {
        // SAFETY: the driver passed the DRIVER_OBJECT it was entered with; NT keeps it until unload. The addresses have
        // the types of the fields.
        unsafe {
            if flags & NO_DISPATCH_OVERRIDE == 0 {
                let dispatch = std::mem::transmute::<usize, sys::PDRIVER_DISPATCH>(ENTRIES.dispatch);
                for entry in &mut (*driver_object).MajorFunction {
                    *entry = dispatch;
                }
            }
            if flags & NON_PNP_DRIVER == 0 {
                (*(*driver_object).DriverExtension).AddDevice =
                    std::mem::transmute::<usize, sys::PDRIVER_ADD_DEVICE>(ENTRIES.add_device);
            }
            if displaced {
                (*driver_object).DriverUnload =
                    std::mem::transmute::<usize, sys::PDRIVER_UNLOAD>(ENTRIES.unload);
            }
        }
    });
}

/// AddDevice of every driver that the framework serves: calls EvtDriverDeviceAdd with a fresh WDFDEVICE_INIT.
///
/// A device that was made before the callback failed is deleted (trace `fail-add-after`).
extern "win64" fn add_device(driver_object: usize, physical_device: usize) -> Status {
    judge::irql_exactly(0);
    let Some(driver) = loader::binding_of(driver_object).and_then(|binding| binding.driver()) else {
        return status::DEVICE_NOT_READY;
    };
    if driver.device_add == 0 {
        return status::INVALID_DEVICE_REQUEST;
    }
    let init = DeviceInit::publish(&driver, physical_device);
    let arguments = [driver.object.handle as u64, init as u64];
    let status = callback::call_for_status(driver.device_add, &arguments);
    DeviceInit::discard(init);
    if !status::is_success(status) {
        device::abandon(init);
    }
    device::forget_init(init);
    status
}

/// DriverUnload of every driver that the framework serves: EvtDriverUnload, then the driver object ends.
extern "win64" fn unload(driver_object: usize) {
    judge::irql_exactly(0);
    let Some(driver) = loader::binding_of(driver_object).and_then(|binding| binding.driver()) else { return };
    callback::notify(driver.unload, &[driver.object.handle as u64]);
    driver.end();
}

/// Returns the path of the driver's service key, terminated. PASSIVE_LEVEL.
extern "win64" fn WdfDriverGetRegistryPath(globals: usize, driver: Handle) -> usize {
    loader::binding(globals);
    verify::passive_level();
    handle::of::<Driver>(driver).registry_path.as_ptr() as usize
}

/// Returns the driver's DRIVER_OBJECT. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDriverWdmGetDriverObject(globals: usize, driver: Handle) -> usize {
    loader::binding(globals);
    handle::of::<Driver>(driver).object.binding.driver_object
}

/// Returns the WDFDRIVER of a DRIVER_OBJECT. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfWdmDriverGetWdfDriverHandle(globals: usize, driver_object: usize) -> Handle {
    loader::binding(globals);
    verify::required(driver_object, "DriverObject");
    let driver = loader::binding_of(driver_object).and_then(|binding| binding.driver());
    driver.map_or(0, |driver| driver.object.handle)
}

/// Whether the framework is at least of the version asked for. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDriverIsVersionAvailable(globals: usize, driver: Handle, parameters: usize) -> u8 {
    loader::binding(globals);
    handle::of::<Driver>(driver);
    verify::required(parameters, "VersionAvailableParams");
    let asked: sys::WDF_DRIVER_VERSION_AVAILABLE_PARAMS = driver_memory::read(parameters);
    if asked.Size as usize != size_of::<sys::WDF_DRIVER_VERSION_AVAILABLE_PARAMS>() {
        return 0;
    }
    u8::from(asked.MajorVersion == table::MAJOR && asked.MinorVersion <= table::MINOR)
}

/// The entry points that a DRIVER_OBJECT gets: thunks, since the entry stub of an image calls DriverUnload itself.
struct Entries {
    dispatch: usize,
    add_device: usize,
    unload: usize,
}

static ENTRIES: LazyLock<Entries> = LazyLock::new(|| Entries {
    dispatch: thunk::make("framework dispatch", super::dispatch::dispatch as *const () as usize, 0),
    add_device: thunk::make("framework AddDevice", add_device as *const () as usize, 0),
    unload: thunk::make("framework DriverUnload", unload as *const () as usize, 0),
});

const NON_PNP_DRIVER: u32 = 1;
const NO_DISPATCH_OVERRIDE: u32 = 2;
/// Also WdfVerifyOn and WdfVerifierOn, which have no effect.
const ALLOWED_FLAGS: u32 = 0xF;
