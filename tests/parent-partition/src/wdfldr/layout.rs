//! The structures that a driver's entry stub, the loader and a framework image hand each other.

use crate::judge::for_caller;

/// What the entry stub hands to WdfVersionBind (WDF_BIND_INFO); newer stubs append to it and say so in `size`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct BindInfo {
    pub(crate) size: u32,
    /// NULL-terminated UTF-16.
    pub(crate) component: usize,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) build: u32,
    pub(crate) function_count: u32,
    /// Where the driver's pointer to the table of functions lies.
    pub(crate) function_table: usize,
    /// The loader's own.
    pub(crate) module: usize,
}

const _: () = assert!(size_of::<BindInfo>() == 48);

/// What a framework image registers (WDF_LIBRARY_INFO).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct LibraryInfo {
    pub(super) size: u32,
    pub(super) commission: usize,
    pub(super) decommission: usize,
    pub(super) register_client: usize,
    pub(super) unregister_client: usize,
    pub(super) major: u32,
    pub(super) minor: u32,
    pub(super) build: u32,
}

const _: () = assert!(size_of::<LibraryInfo>() == 56);

/// What the loader tells a framework of a driver that is bound (CLIENT_INFO).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct ClientInfo {
    pub(super) size: u32,
    pub(super) registry_path: usize,
    pub(super) driver_object: usize,
}

const _: () = assert!(size_of::<ClientInfo>() == 24);

/// Copies a structure out of an image's memory.
pub(crate) fn read<T: Copy>(address: usize) -> T {
    // SAFETY: an image named the address as readable; where it lied, the fault ends the run and blames it.
    for_caller(|| unsafe { std::ptr::with_exposed_provenance::<T>(address).read_unaligned() })
}

/// Stores a value into an image's memory.
pub(crate) fn write<T>(address: usize, value: T) {
    // SAFETY: as in `read`, for writing.
    for_caller(|| unsafe { std::ptr::with_exposed_provenance_mut::<T>(address).write_unaligned(value) });
}

/// A text that ends with a zero, cut after 64 units.
pub(crate) fn terminated(mut address: usize) -> String {
    let mut units = Vec::new();
    while address != 0 && units.len() < LONGEST {
        let unit: u16 = read(address);
        if unit == 0 {
            break;
        }
        units.push(unit);
        address += size_of::<u16>();
    }
    String::from_utf16_lossy(&units)
}

/// The name of the class extension that a WDF_CLASS_BIND_INFO asks for: the pointer behind its size.
pub(super) fn class_name(class_bind_info: usize) -> String {
    match class_bind_info {
        0 => String::new(),
        address => terminated(read(address + size_of::<usize>())),
    }
}

const LONGEST: usize = 64;
