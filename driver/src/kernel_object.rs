//! Objects of the kernel that another driver names: its driver object, and a file that it has open.
#![expect(unsafe_code, reason = "reads the kernel's structures, and counts references")]

use core::{ffi::c_void, ptr::NonNull};

use wdk_sys::{
    DRIVER_OBJECT, FILE_OBJECT,
    ntddk::{ObfDereferenceObject, ObfReferenceObject},
};

/// A counted reference to a driver object: as long as it lives, the driver's code is mapped.
pub(crate) struct DriverReference(NonNull<DRIVER_OBJECT>);

impl DriverReference {
    /// Takes a reference; `None` if that is no driver object, or one whose driver is being unloaded.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `driver` is NULL or an object of the kernel that the caller keeps during this call.
    pub(crate) unsafe fn new(driver: *mut c_void) -> Option<Self> {
        let driver = NonNull::new(driver.cast::<DRIVER_OBJECT>())?;
        // SAFETY: our caller; every such object begins with its type.
        if unsafe { (*driver.as_ptr()).Type } != IO_TYPE_DRIVER {
            return None;
        }
        // SAFETY: our caller keeps the object meanwhile.
        let _references = unsafe { ObfReferenceObject(driver.as_ptr().cast()) };
        Some(Self(driver)).filter(|driver| !driver.is_unloading())
    }

    /// Says whether the driver's unload routine was called, or is about to be.
    pub(crate) fn is_unloading(&self) -> bool {
        // SAFETY: this reference keeps the object.
        let flags = unsafe { &raw const (*self.0.as_ptr()).Flags };
        // SAFETY: as above; the kernel sets the flag at any time.
        unsafe { flags.read_volatile() & DRVO_UNLOAD_INVOKED != 0 }
    }

    /// Says whether an address lies in the driver's image.
    pub(crate) fn contains(&self, address: usize) -> bool {
        // SAFETY: this reference keeps the object; the loader filled these before the driver ran.
        let start = unsafe { (*self.0.as_ptr()).DriverStart }.addr();
        // SAFETY: as above.
        let size = unsafe { (*self.0.as_ptr()).DriverSize };
        address.checked_sub(start).is_some_and(|offset| offset < usize::try_from(size).unwrap_or(0))
    }
}

impl Drop for DriverReference {
    fn drop(&mut self) {
        // SAFETY: `new` took this reference.
        let _references = unsafe { ObfDereferenceObject(self.0.as_ptr().cast()) };
    }
}

/// Says whether `file` is a file object on the device stack of a physical device object.
///
/// # Safety
/// `file` is NULL or an object of the kernel that the caller keeps during this call.
pub(crate) unsafe fn is_file_on(file: *mut c_void, physical_device: usize) -> bool {
    let Some(file) = NonNull::new(file.cast::<FILE_OBJECT>()) else { return false };
    // SAFETY: our caller; every such object begins with its type.
    let is_file = unsafe { (*file.as_ptr()).Type } == IO_TYPE_FILE;
    // SAFETY: our caller. A device interface's name leads to the physical device object of its stack.
    is_file && unsafe { (*file.as_ptr()).DeviceObject }.addr() == physical_device
}

/// SPEC: `wdm.h`; the first member of each of the kernel's I/O objects.
const IO_TYPE_DRIVER: i16 = 4;
const IO_TYPE_FILE: i16 = 5;
/// SPEC: `wdm.h`; set before a driver's unload routine is called.
const DRVO_UNLOAD_INVOKED: u32 = 1;
