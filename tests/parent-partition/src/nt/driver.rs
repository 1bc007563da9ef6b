//! Driver objects.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::hive::SERVICES;
use super::irql::DISPATCH_LEVEL;
use super::object::{self, Kind};
use super::status::{self, Status};
use super::{complete, irp};
use crate::image::{self, Image};
use crate::judge::{self, Rule, violation};
use crate::machine::thunk;
use crate::memory::{self, Fill, Pool};
use crate::sys::{DEVICE_OBJECT, DRIVER_EXTENSION, DRIVER_OBJECT, IRP, UNICODE_STRING};

/// Gives a driver object a block of zeroes, found again by the address that identifies the client.
///
/// Follows the IoAllocateDriverObjectExtension page (IRQL <= DISPATCH_LEVEL): STATUS_OBJECT_NAME_COLLISION. The block
/// goes with the driver object. Judged: IRQL; something that is no driver object.
///
/// # Safety
/// `extension` is writable.
pub unsafe extern "win64" fn IoAllocateDriverObjectExtension(
    driver: *mut DRIVER_OBJECT,
    client: *mut c_void,
    size: u32,
    extension: *mut *mut c_void,
) -> Status {
    judge::irql_at_most(DISPATCH_LEVEL);
    object::expect(driver.addr(), Kind::Driver);
    let mut extensions = EXTENSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = extensions.entry((driver.addr(), client.addr()));
    if let std::collections::btree_map::Entry::Occupied(_) = entry {
        return status::OBJECT_NAME_COLLISION;
    }
    let block = memory::allocate(size as usize, TAG, Pool::Object, Fill::Zero);
    entry.or_insert(block.expose_provenance());
    // SAFETY: the caller promises a writable pointer.
    judge::for_caller(|| unsafe { *extension = block.cast() });
    status::SUCCESS
}

/// Finds the block that [`IoAllocateDriverObjectExtension`] made for a client; NULL where there is none.
///
/// Follows the IoGetDriverObjectExtension page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no driver
/// object.
pub extern "win64" fn IoGetDriverObjectExtension(
    driver: *mut DRIVER_OBJECT,
    client: *mut c_void,
) -> *mut c_void {
    judge::irql_at_most(DISPATCH_LEVEL);
    object::expect(driver.addr(), Kind::Driver);
    let extensions = EXTENSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let block = extensions.get(&(driver.addr(), client.addr()));
    block.map_or(std::ptr::null_mut(), |block| std::ptr::with_exposed_provenance_mut(*block))
}

/// Makes the driver object of a service, for an image or for a driver that is part of the simulator.
pub(crate) fn create(service: &str, image: Option<&Image>) -> *mut DRIVER_OBJECT {
    let driver = zeroed::<DRIVER_OBJECT>();
    let extension = zeroed::<DRIVER_EXTENSION>();
    // SAFETY: both blocks were just allocated, zeroed, with the size of their structures.
    unsafe {
        (*extension).DriverObject = driver;
        (*extension).ServiceKeyName = text(service);
        (*driver).Type = IO_TYPE_DRIVER;
        (*driver).Size = size_of::<DRIVER_OBJECT>() as i16;
        (*driver).Flags = DRIVER_FLAGS;
        (*driver).DriverExtension = extension;
        (*driver).DriverName = text(&format!(r"\Driver\{service}"));
        if let Some(image) = image {
            (*driver).DriverStart = std::ptr::with_exposed_provenance_mut(image.base());
            (*driver).DriverSize = image.size() as u32;
            (*driver).DriverInit = std::mem::transmute::<usize, Option<_>>(image.entry());
        }
        for routine in &mut (*driver).MajorFunction {
            *routine = std::mem::transmute::<usize, Option<_>>(*INVALID_REQUEST);
        }
    }
    object::insert(driver.expose_provenance(), Kind::Driver, delete);
    driver
}

/// The path of a service's registry key.
pub(crate) fn service_key(service: &str) -> String {
    format!(r"{SERVICES}\{service}")
}

/// A counted string in a block of its own; belongs to a kernel object.
pub(crate) fn text(text: &str) -> UNICODE_STRING {
    let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
    let buffer = memory::allocate(units.len() * 2, TAG, Pool::Object, Fill::Zero).cast::<u16>();
    // SAFETY: the block was just allocated with that size.
    unsafe { std::ptr::copy_nonoverlapping(units.as_ptr(), buffer, units.len()) };
    UNICODE_STRING {
        Length: (units.len() * 2 - 2) as u16,
        MaximumLength: (units.len() * 2) as u16,
        Buffer: buffer,
    }
}

/// A kernel structure of zeroes in a block of its own.
pub(crate) fn zeroed<T>() -> *mut T {
    memory::allocate(size_of::<T>(), TAG, Pool::Object, Fill::Zero).cast()
}

/// What every major function of a new driver object leads to.
extern "win64" fn invalid_request(_device: *mut DEVICE_OBJECT, irp: *mut IRP) -> Status {
    // SAFETY: the I/O manager hands a live IRP to a dispatch routine.
    unsafe {
        irp::set_status(irp, status::INVALID_DEVICE_REQUEST, 0);
        complete::IofCompleteRequest(irp, 0);
    }
    status::INVALID_DEVICE_REQUEST
}

fn delete(address: usize) {
    let driver: *mut DRIVER_OBJECT = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the last reference is gone; the object and its parts were made by `create`.
    let parts = unsafe {
        if (*driver).Flags & UNLOAD_INVOKED == 0 {
            violation(
                Rule::Reference,
                format_args!("the last reference of a loaded driver's object was dropped"),
            );
        }
        if let Some(image) = image::find((*driver).DriverStart.addr()) {
            image.unload();
        }
        let extension = (*driver).DriverExtension;
        [
            (*extension).ServiceKeyName.Buffer.addr(),
            (*driver).DriverName.Buffer.addr(),
            extension.addr(),
            address,
        ]
    };
    let mut extensions = EXTENSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    extensions.retain(|(owner, _), block| {
        if *owner == address {
            memory::free(*block, None);
        }
        *owner != address
    });
    drop(extensions);
    parts.into_iter().for_each(|part| memory::free(part, None));
}

/// DRVO_UNLOAD_INVOKED.
pub(crate) const UNLOAD_INVOKED: u32 = 0x1;
/// IO_TYPE_DRIVER.
const IO_TYPE_DRIVER: i16 = 4;
/// DRVO_INITIALIZED, and the flag of a driver that has an add-device routine.
const DRIVER_FLAGS: u32 = 0x12;
const TAG: u32 = u32::from_le_bytes(*b"Driv");
static EXTENSIONS: Mutex<BTreeMap<(usize, usize), usize>> = Mutex::new(BTreeMap::new());
static INVALID_REQUEST: LazyLock<usize> =
    LazyLock::new(|| thunk::make("IopInvalidDeviceRequest", invalid_request as *const () as usize, 0));
