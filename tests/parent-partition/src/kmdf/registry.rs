//! WDFKEY: an open registry key.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::attributes::Attributes;
use super::device::Device;
use super::device_init::DeviceInit;
use super::driver::Driver;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::kernel;
use super::loader::{self, Binding};
use super::memory;
use super::object::{self, Object};
use super::status::{self, Status};
use super::string::{self, Text};
use super::table::{Routine, routines};
use super::verify;

/// An open key.
#[derive(Debug)]
pub(super) struct Key {
    object: Arc<Object>,
    /// NT's handle.
    wdm: AtomicUsize,
}

impl Kind for Key {
    const NAME: &'static str = "WDFKEY";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Key {
    fn handle(&self) -> usize {
        self.wdm.load(Ordering::Relaxed)
    }
}

/// Makes a WDFKEY of an open NT handle; the handle is closed when the key ends, or at once on failure.
fn publish(
    binding: &Arc<Binding>,
    attributes: usize,
    parent: &Arc<Object>,
    opened: Result<usize, Status>,
    out: usize,
) -> Status {
    let wdm = match opened {
        Ok(wdm) => wdm,
        Err(status) => return status,
    };
    let made = Attributes::read(attributes).and_then(|attributes| {
        object::create(binding, &attributes, Some(parent), |object| Key {
            object,
            wdm: AtomicUsize::new(wdm),
        })
    });
    match made {
        Ok(key) => {
            key.object.when_disposed(move || kernel::close_key(wdm));
            driver_memory::write(out, key.object.handle);
            status::SUCCESS
        }
        Err(status) => {
            kernel::close_key(wdm);
            status
        }
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfDeviceOpenRegistryKey,
        WdfFdoInitOpenRegistryKey,
        WdfDriverOpenParametersRegistryKey,
        WdfRegistryOpenKey,
        WdfRegistryClose,
        WdfRegistryWdmGetHandle,
        WdfRegistryQueryValue,
        WdfRegistryQueryMemory,
        WdfRegistryQueryULong,
        WdfRegistryQueryUnicodeString,
        WdfRegistryQueryString,
        WdfRegistryAssignValue,
        WdfRegistryAssignULong,
        WdfRegistryRemoveValue,
    ]
}

/// Opens the hardware or software key of a device. PASSIVE_LEVEL.
extern "win64" fn WdfDeviceOpenRegistryKey(
    globals: usize,
    device: Handle,
    kind: u32,
    access: u32,
    attributes: usize,
    out: usize,
) -> Status {
    let binding = loader::binding(globals);
    let device = handle::of::<Device>(device);
    begin(out);
    let opened = kernel::open_device_key(device.settings.physical_device, kind, access);
    publish(&binding, attributes, &device.object, opened, out)
}

/// Opens the hardware or software key of a device that is being added. PASSIVE_LEVEL.
extern "win64" fn WdfFdoInitOpenRegistryKey(
    globals: usize,
    init: usize,
    kind: u32,
    access: u32,
    attributes: usize,
    out: usize,
) -> Status {
    let binding = loader::binding(globals);
    begin(out);
    let (physical_device, driver) =
        DeviceInit::with(init, |init| (init.physical_device, init.driver.clone()));
    let opened = kernel::open_device_key(physical_device, kind, access);
    publish(&binding, attributes, &driver.object, opened, out)
}

/// Opens the Parameters key of the driver's service. PASSIVE_LEVEL.
extern "win64" fn WdfDriverOpenParametersRegistryKey(
    globals: usize,
    driver: Handle,
    access: u32,
    attributes: usize,
    out: usize,
) -> Status {
    let binding = loader::binding(globals);
    let driver = handle::of::<Driver>(driver);
    begin(out);
    let mut path = driver.registry_path().to_vec();
    path.extend("\\Parameters".encode_utf16());
    let opened = kernel::open_key(0, &path, access);
    publish(&binding, attributes, &driver.object, opened, out)
}

/// Opens a key below an open one, or by its full path. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryOpenKey(
    globals: usize,
    parent: Handle,
    name: usize,
    access: u32,
    attributes: usize,
    out: usize,
) -> Status {
    let binding = loader::binding(globals);
    let parent = handle::optional::<Key>(parent);
    verify::required(name, "KeyName");
    begin(out);
    let root = parent.as_ref().map_or(0, |parent| parent.handle());
    let opened = kernel::open_key(root, &string::counted(name), access);
    let Some(driver) = binding.driver() else { return status::INVALID_DEVICE_REQUEST };
    publish(&binding, attributes, &driver.object, opened, out)
}

/// Closes a key; its handle is gone. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryClose(globals: usize, key: Handle) {
    loader::binding(globals);
    let key = handle::of::<Key>(key);
    verify::passive_level();
    key.object.delete();
}

/// Returns NT's handle of the key. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryWdmGetHandle(globals: usize, key: Handle) -> usize {
    loader::binding(globals);
    handle::of::<Key>(key).handle()
}

/// Reads a value of any type; STATUS_BUFFER_OVERFLOW when it is longer than the buffer. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryQueryValue(
    globals: usize,
    key: Handle,
    name: usize,
    length: u32,
    value: usize,
    queried: usize,
    kind: usize,
) -> Status {
    loader::binding(globals);
    let found = match query(key, name) {
        Ok(found) => found,
        Err(status) => return status,
    };
    driver_memory::write_optional(queried, found.data.len() as u32);
    driver_memory::write_optional(kind, found.kind);
    if value == 0 {
        return if found.data.is_empty() { status::SUCCESS } else { status::BUFFER_OVERFLOW };
    }
    if (length as usize) < found.data.len() {
        return status::BUFFER_OVERFLOW;
    }
    driver_memory::copy(found.data.as_ptr() as usize, value, found.data.len());
    status::SUCCESS
}

/// Reads a value of any type into a memory object. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryQueryMemory(
    globals: usize,
    key: Handle,
    name: usize,
    _pool_type: u32,
    attributes: usize,
    out: usize,
    kind: usize,
) -> Status {
    let binding = loader::binding(globals);
    begin(out);
    let made = query(key, name).and_then(|found| {
        let attributes = Attributes::read(attributes)?;
        let made = memory::allocate(&binding, &attributes, found.data.len().max(1))?;
        driver_memory::copy(found.data.as_ptr() as usize, made.place().0, found.data.len());
        driver_memory::write_optional(kind, found.kind);
        Ok(made)
    });
    match made {
        Ok(memory) => {
            driver_memory::write(out, memory.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Reads a REG_DWORD; STATUS_OBJECT_TYPE_MISMATCH for another type. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryQueryULong(globals: usize, key: Handle, name: usize, value: usize) -> Status {
    loader::binding(globals);
    verify::required(value, "Value");
    let found = match query(key, name) {
        Ok(found) => found,
        Err(status) => return status,
    };
    match (found.kind, <[u8; 4]>::try_from(found.data.as_slice())) {
        (REG_DWORD, Ok(bytes)) => {
            driver_memory::write(value, u32::from_le_bytes(bytes));
            status::SUCCESS
        }
        _ => status::OBJECT_TYPE_MISMATCH,
    }
}

/// Reads a REG_SZ into the driver's buffer; STATUS_BUFFER_OVERFLOW when it does not fit. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryQueryUnicodeString(
    globals: usize,
    key: Handle,
    name: usize,
    byte_length: usize,
    value: usize,
) -> Status {
    loader::binding(globals);
    let units = match query(key, name).and_then(text_of) {
        Ok(units) => units,
        Err(status) => return status,
    };
    let bytes = units.len() * 2;
    driver_memory::write_optional(byte_length, (bytes + 2) as u16);
    if value == 0 {
        return status::SUCCESS;
    }
    let mut string: crate::sys::UNICODE_STRING = driver_memory::read(value);
    if usize::from(string.MaximumLength) < bytes {
        return status::BUFFER_OVERFLOW;
    }
    driver_memory::copy(units.as_ptr() as usize, string.Buffer as usize, bytes);
    string.Length = bytes as u16;
    driver_memory::write(value, string);
    status::SUCCESS
}

/// Reads a REG_SZ into a string object. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryQueryString(globals: usize, key: Handle, name: usize, string: Handle) -> Status {
    loader::binding(globals);
    let text = handle::of::<Text>(string);
    match query(key, name).and_then(text_of) {
        Ok(units) => {
            text.set(&units);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Writes a value of any type. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryAssignValue(
    globals: usize,
    key: Handle,
    name: usize,
    kind: u32,
    length: u32,
    value: usize,
) -> Status {
    loader::binding(globals);
    let key = handle::of::<Key>(key);
    verify::required(name, "ValueName");
    verify::passive_level();
    kernel::set_key_value(
        key.handle(),
        &string::counted(name),
        kind,
        &driver_memory::bytes(value, length as usize),
    )
}

/// Writes a REG_DWORD. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryAssignULong(globals: usize, key: Handle, name: usize, value: u32) -> Status {
    loader::binding(globals);
    let key = handle::of::<Key>(key);
    verify::required(name, "ValueName");
    verify::passive_level();
    kernel::set_key_value(key.handle(), &string::counted(name), REG_DWORD, &value.to_le_bytes())
}

/// Deletes a value. PASSIVE_LEVEL.
extern "win64" fn WdfRegistryRemoveValue(globals: usize, key: Handle, name: usize) -> Status {
    loader::binding(globals);
    let key = handle::of::<Key>(key);
    verify::required(name, "ValueName");
    verify::passive_level();
    kernel::delete_key_value(key.handle(), &string::counted(name))
}

fn begin(out: usize) {
    verify::required(out, "Key");
    verify::passive_level();
    driver_memory::write(out, 0_usize);
}

fn query(key: Handle, name: usize) -> Result<kernel::KeyValue, Status> {
    let key = handle::of::<Key>(key);
    verify::required(name, "ValueName");
    verify::passive_level();
    kernel::query_key_value(key.handle(), &string::counted(name))
}

/// The text of a REG_SZ without its terminator.
fn text_of(value: kernel::KeyValue) -> Result<Vec<u16>, Status> {
    if value.kind != REG_SZ {
        return Err(status::OBJECT_TYPE_MISMATCH);
    }
    let mut units: Vec<u16> =
        value.data.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    while units.last() == Some(&0) {
        units.pop();
    }
    Ok(units)
}

const REG_SZ: u32 = 1;
const REG_DWORD: u32 = 4;
