//! The registry's routines: ZwOpenKey, ZwQueryValueKey and their neighbours.

use std::ffi::c_void;

use super::handle::{self, Target};
use super::hive::{self, Value};
use super::irql::PASSIVE_LEVEL;
use super::object::{self, Kind};
use super::status::{self, Status};
use super::{device_node, string};
use crate::judge::{self, Rule, for_caller, violation};
use crate::sys::{DEVICE_OBJECT, DRIVER_OBJECT, OBJECT_ATTRIBUTES, UNICODE_STRING};

/// Opens a key.
///
/// Follows the ZwOpenKey page (PASSIVE_LEVEL): STATUS_OBJECT_NAME_NOT_FOUND. Judged: IRQL; attributes of a wrong length,
/// without a name, or without OBJ_KERNEL_HANDLE; a handle that is not closed at unload (leak).
///
/// # Safety
/// `key` is writable and `attributes` valid.
pub unsafe extern "win64" fn ZwOpenKey(
    key: *mut *mut c_void,
    _access: u32,
    attributes: *const OBJECT_ATTRIBUTES,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises valid attributes.
    let path = unsafe { path_of(attributes) };
    if !hive::exists(&path) {
        return status::OBJECT_NAME_NOT_FOUND;
    }
    // SAFETY: the caller promises a writable handle.
    unsafe { answer(key, path) }
}

/// Opens a key, creating it where it does not exist.
///
/// Follows the ZwCreateKey page (PASSIVE_LEVEL); only the last name of the path may be new. Judged as [`ZwOpenKey`].
///
/// # Safety
/// `key` is writable, `attributes` valid, `disposition` NULL or writable.
pub unsafe extern "win64" fn ZwCreateKey(
    key: *mut *mut c_void,
    _access: u32,
    attributes: *const OBJECT_ATTRIBUTES,
    _title: u32,
    _class: *const UNICODE_STRING,
    _options: u32,
    disposition: *mut u32,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises valid attributes.
    let path = unsafe { path_of(attributes) };
    if !path.rsplit_once('\\').is_some_and(|(above, _)| hive::exists(above)) {
        return status::OBJECT_NAME_NOT_FOUND;
    }
    let new = hive::create(&path);
    if !disposition.is_null() {
        // SAFETY: the caller promises a writable number.
        for_caller(|| unsafe { *disposition = if new { CREATED_NEW_KEY } else { OPENED_EXISTING_KEY } });
    }
    // SAFETY: the caller promises a writable handle.
    unsafe { answer(key, path) }
}

/// Reads a value of a key, in the partial or the full form.
///
/// Follows the ZwQueryValueKey page (PASSIVE_LEVEL): STATUS_OBJECT_NAME_NOT_FOUND; STATUS_BUFFER_TOO_SMALL when not even the
/// fixed part fits, STATUS_BUFFER_OVERFLOW when the data does not; `result_length` is what all of it takes. Judged: IRQL;
/// a handle that is no open key; an information class that is not served.
///
/// # Safety
/// `name` is valid, `information` has `length` writable bytes, `result_length` is writable.
pub unsafe extern "win64" fn ZwQueryValueKey(
    key: *mut c_void,
    name: *const UNICODE_STRING,
    class: i32,
    information: *mut c_void,
    length: u32,
    result_length: *mut u32,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let path = handle::key(key);
    // SAFETY: the caller promises a valid string.
    let name = unsafe { string::text(name) };
    let Some(value) = hive::query(&path, &name) else { return status::OBJECT_NAME_NOT_FOUND };
    let (fixed, all) = match class {
        VALUE_FULL => full(&name, &value),
        VALUE_PARTIAL => partial(&value),
        other => violation(Rule::NotServed, format_args!("the information class {other} of a value")),
    };
    let room = length as usize;
    // SAFETY: the caller promises room for `length` bytes and a writable length.
    for_caller(|| unsafe {
        *result_length = all.len() as u32;
        if room < fixed {
            return status::BUFFER_TOO_SMALL;
        }
        information.cast::<u8>().copy_from(all.as_ptr(), all.len().min(room));
        if room < all.len() { status::BUFFER_OVERFLOW } else { status::SUCCESS }
    })
}

/// Sets a value of a key.
///
/// Follows the ZwSetValueKey page (PASSIVE_LEVEL). Judged: IRQL; a handle that is no open key.
///
/// # Safety
/// `name` is valid and `data` has `size` bytes.
pub unsafe extern "win64" fn ZwSetValueKey(
    key: *mut c_void,
    name: *const UNICODE_STRING,
    _title: u32,
    kind: u32,
    data: *const c_void,
    size: u32,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let path = handle::key(key);
    // SAFETY: the caller promises a valid string.
    let name = unsafe { string::text(name) };
    let mut bytes = vec![0; size as usize];
    // SAFETY: the caller promises `size` readable bytes.
    for_caller(|| unsafe { bytes.as_mut_ptr().copy_from(data.cast(), size as usize) });
    hive::set(&path, &name, Value { kind, data: bytes });
    status::SUCCESS
}

/// Deletes a key without keys below it; the handle stays open.
///
/// Follows the ZwDeleteKey page (PASSIVE_LEVEL): STATUS_CANNOT_DELETE. Judged: IRQL; a handle that is no open key.
pub extern "win64" fn ZwDeleteKey(key: *mut c_void) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    if hive::delete(&handle::key(key)) { status::SUCCESS } else { status::CANNOT_DELETE }
}

/// Deletes a value of a key.
///
/// Follows the ZwDeleteValueKey page (PASSIVE_LEVEL): STATUS_OBJECT_NAME_NOT_FOUND. Judged: IRQL; a handle that is no open
/// key.
///
/// # Safety
/// `name` is valid.
pub unsafe extern "win64" fn ZwDeleteValueKey(key: *mut c_void, name: *const UNICODE_STRING) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let path = handle::key(key);
    // SAFETY: the caller promises a valid string.
    let name = unsafe { string::text(name) };
    if hive::delete_value(&path, &name) { status::SUCCESS } else { status::OBJECT_NAME_NOT_FOUND }
}

/// Opens a device's hardware key or its driver's software key.
///
/// Follows the IoOpenDeviceRegistryKey page (PASSIVE_LEVEL). Judged: IRQL; a device that is not the bottom of an enumerated
/// stack; another key type.
///
/// # Safety
/// `key` is writable.
pub unsafe extern "win64" fn IoOpenDeviceRegistryKey(
    device: *mut DEVICE_OBJECT,
    kind: u32,
    _access: u32,
    key: *mut *mut c_void,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    object::expect(device.addr(), Kind::Device);
    let node = device_node::expect(device.addr());
    let path = match kind {
        PLUGPLAY_REGKEY_DEVICE => node.hardware_key(),
        PLUGPLAY_REGKEY_DRIVER => node.software_key(),
        other => violation(Rule::BadParameter, format_args!("no device key of type {other:#x}")),
    };
    hive::create(&path);
    // SAFETY: the caller promises a writable handle.
    unsafe { answer(key, path) }
}

/// Opens a driver's Parameters key or the key of its persistent state.
///
/// Follows the IoOpenDriverRegistryKey page (PASSIVE_LEVEL). Judged: IRQL; something that is no live driver object; flags;
/// another key type.
///
/// # Safety
/// `key` is writable.
pub unsafe extern "win64" fn IoOpenDriverRegistryKey(
    driver: *mut DRIVER_OBJECT,
    kind: i32,
    _access: u32,
    flags: u32,
    key: *mut *mut c_void,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    object::expect(driver.addr(), Kind::Driver);
    if flags != 0 {
        violation(Rule::BadParameter, format_args!("the flags {flags:#x} must be 0"));
    }
    // SAFETY: `expect` found a live driver object, whose extension names its service.
    let service = unsafe { string::text(&raw const (*(*driver).DriverExtension).ServiceKeyName) };
    let below = match kind {
        0 => "Parameters",
        1 => "State",
        other => violation(Rule::BadParameter, format_args!("no driver key of type {other}")),
    };
    let path = format!(r"{}\{below}", super::driver::service_key(&service));
    hive::create(&path);
    // SAFETY: the caller promises a writable handle.
    unsafe { answer(key, path) }
}

/// # Safety
/// `attributes` is valid.
unsafe fn path_of(attributes: *const OBJECT_ATTRIBUTES) -> String {
    // SAFETY: the caller promises valid attributes.
    let (length, root, name, flags) = for_caller(|| unsafe {
        let attributes = &*attributes;
        (attributes.Length, attributes.RootDirectory, attributes.ObjectName, attributes.Attributes)
    });
    if length as usize != size_of::<OBJECT_ATTRIBUTES>() || name.is_null() {
        violation(Rule::BadParameter, format_args!("object attributes of {length} bytes, name at {name:p}"));
    }
    if flags & KERNEL_HANDLE == 0 {
        violation(Rule::BadParameter, "object attributes without OBJ_KERNEL_HANDLE");
    }
    // SAFETY: as above.
    let name = unsafe { string::text(name) };
    match (root.is_null(), name.is_empty()) {
        (true, _) => name,
        (false, true) => handle::key(root),
        (false, false) => format!(r"{}\{name}", handle::key(root)),
    }
}

/// # Safety
/// `key` is writable.
unsafe fn answer(key: *mut *mut c_void, path: String) -> Status {
    let opened = handle::open(Target::Key(path));
    // SAFETY: the caller promises a writable handle.
    for_caller(|| unsafe { *key = opened });
    status::SUCCESS
}

/// KEY_VALUE_PARTIAL_INFORMATION: the length of its fixed part, and all of it.
fn partial(value: &Value) -> (usize, Vec<u8>) {
    let mut all = Vec::new();
    for number in [0, value.kind, value.data.len() as u32] {
        all.extend(number.to_le_bytes());
    }
    let fixed = all.len();
    all.extend(&value.data);
    (fixed, all)
}

/// KEY_VALUE_FULL_INFORMATION: the length of its fixed part, and all of it.
fn full(name: &str, value: &Value) -> (usize, Vec<u8>) {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = Vec::new();
    let data_at = (20 + name.len()).next_multiple_of(4);
    for number in [0, value.kind, data_at as u32, value.data.len() as u32, name.len() as u32] {
        all.extend(number.to_le_bytes());
    }
    let fixed = all.len();
    all.extend(name);
    all.resize(data_at, 0);
    all.extend(&value.data);
    (fixed, all)
}

const VALUE_FULL: i32 = 1;
const VALUE_PARTIAL: i32 = 2;
const PLUGPLAY_REGKEY_DEVICE: u32 = 1;
const PLUGPLAY_REGKEY_DRIVER: u32 = 2;
const CREATED_NEW_KEY: u32 = 1;
const OPENED_EXISTING_KEY: u32 = 2;
/// OBJ_KERNEL_HANDLE.
pub(super) const KERNEL_HANDLE: u32 = 0x200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partial_form_is_three_numbers_and_the_data() {
        let (fixed, all) = partial(&Value::dword(4));
        assert_eq!((fixed, all.len()), (12, 16));
        assert_eq!(all, [0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0]);
    }

    #[test]
    fn the_full_form_keeps_the_data_on_four_bytes() {
        let (fixed, all) = full("Odd", &Value::dword(1));
        assert_eq!((fixed, all.len()), (20, 32));
        assert_eq!(all[8..12], 28u32.to_le_bytes());
    }
}
