//! ZwCreateFile: a handle of a device's file object.

use std::ffi::c_void;

use super::handle::{self, Target};
use super::irql::PASSIVE_LEVEL;
use super::registry::KERNEL_HANDLE;
use super::status::{self, Status};
use super::{file, string};
use crate::judge::{self, Rule, for_caller, violation};
use crate::sys::{IO_STATUS_BLOCK, LARGE_INTEGER, OBJECT_ATTRIBUTES};

/// Opens the device that a path leads to; the file object lives until its handle is closed and its last reference dropped.
///
/// Follows the ZwCreateFile page (PASSIVE_LEVEL). There are no file systems, so what is opened is a device, whatever the
/// disposition says. Judged: IRQL; attributes of a wrong length, without a name, relative to a handle, or without
/// OBJ_KERNEL_HANDLE; a handle that is not closed at unload (leak).
///
/// # Safety
/// `file` and `status_block` are writable, `attributes` valid; the other pointers are not read.
pub unsafe extern "win64" fn ZwCreateFile(
    file: *mut *mut c_void,
    _access: u32,
    attributes: *const OBJECT_ATTRIBUTES,
    status_block: *mut IO_STATUS_BLOCK,
    _allocation: *const LARGE_INTEGER,
    _file_attributes: u32,
    _share: u32,
    _disposition: u32,
    _options: u32,
    _extended: *const c_void,
    _extended_length: u32,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises valid attributes.
    let path = unsafe { path_of(attributes) };
    let (status, opened) = match file::open_path(&path) {
        Ok(opened) => (status::SUCCESS, handle::open(Target::Object(opened.expose_provenance()))),
        Err(status) => (status, std::ptr::null_mut()),
    };
    // SAFETY: the caller promises writable pointers.
    for_caller(|| unsafe {
        (*status_block).__bindgen_anon_1.Status = status;
        (*status_block).Information = if status == status::SUCCESS { FILE_OPENED } else { 0 };
        if status == status::SUCCESS {
            *file = opened;
        }
    });
    status
}

/// # Safety
/// `attributes` is valid.
unsafe fn path_of(attributes: *const OBJECT_ATTRIBUTES) -> String {
    // SAFETY: the caller promises valid attributes.
    let attributes = for_caller(|| unsafe { &*attributes });
    let length = attributes.Length;
    if length as usize != size_of::<OBJECT_ATTRIBUTES>() || attributes.ObjectName.is_null() {
        violation(Rule::BadParameter, format_args!("object attributes of {length} bytes, or without a name"));
    }
    if !attributes.RootDirectory.is_null() {
        violation(Rule::BadParameter, "the path of a device is not relative to a handle");
    }
    if attributes.Attributes & KERNEL_HANDLE == 0 {
        violation(Rule::BadParameter, "object attributes without OBJ_KERNEL_HANDLE");
    }
    // SAFETY: as above.
    unsafe { string::text(attributes.ObjectName) }
}

/// FILE_OPENED.
const FILE_OPENED: u64 = 1;
