//! Memory that a driver names by address: read and written on its account.
//!
//! Addresses come from the image and are not trusted. A bad one faults; the fault handler ends the run and blames the
//! image, so nothing here checks more than NULL.

use std::sync::OnceLock;

use crate::judge;

/// Has an observer told of each framework structure that a driver hands over, by the name of its type and its bytes; once in a
/// process.
pub fn watch_structures(observer: fn(&str, &[u8])) {
    // A second observer would be told what the first one is.
    let _ = OBSERVER.set(observer);
}

static OBSERVER: OnceLock<fn(&str, &[u8])> = OnceLock::new();

/// Copies a structure out of the driver's memory.
pub(super) fn read<T: Copy>(address: usize) -> T {
    if let Some(observer) = OBSERVER.get()
        && let Some((_, name)) = std::any::type_name::<T>().rsplit_once("::_WDF_")
    {
        observer(&format!("WDF_{name}"), &bytes(address, size_of::<T>()));
    }
    // SAFETY: the driver named the address as readable; where it lied, the fault ends the process, blaming it.
    judge::for_caller(|| unsafe { (address as *const T).read_unaligned() })
}

/// Stores a value into the driver's memory.
pub(super) fn write<T>(address: usize, value: T) {
    // SAFETY: as in `read`, for writing.
    judge::for_caller(|| unsafe { (address as *mut T).write_unaligned(value) });
}

/// Stores a value where the driver asked for it: NULL means that it did not.
pub(super) fn write_optional<T>(address: usize, value: T) {
    if address != 0 {
        write(address, value);
    }
}

/// Copies bytes from one place of the driver's (or the kernel's) memory to another; they may overlap.
pub(super) fn copy(from: usize, to: usize, length: usize) {
    // SAFETY: as in `read` and `write`.
    judge::for_caller(|| unsafe { std::ptr::copy(from as *const u8, to as *mut u8, length) });
}

/// Reads `length` bytes.
pub(super) fn bytes(address: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0_u8; length];
    copy(address, bytes.as_mut_ptr() as usize, length);
    bytes
}

/// Reads `length` UTF-16 units.
pub(super) fn units(address: usize, length: usize) -> Vec<u16> {
    let mut units = vec![0_u16; length];
    copy(address, units.as_mut_ptr() as usize, length * 2);
    units
}
