//! Several registry values at once: RtlQueryRegistryValuesEx.

use std::ffi::c_void;
use std::ptr::with_exposed_provenance;

use super::handle;
use super::hive::{self, REG_DWORD};
use super::irql::PASSIVE_LEVEL;
use super::status::{self, Status};
use crate::judge::{self, Rule, for_caller, violation};

/// Reads the values that a table names, each into its place.
///
/// Follows the RtlQueryRegistryValues page (PASSIVE_LEVEL), for a key given as a handle and for DWORDs that are stored
/// directly: STATUS_OBJECT_NAME_NOT_FOUND for a value that is required and not there, STATUS_OBJECT_TYPE_MISMATCH for one of
/// another type than the table allows. A value that is not there leaves its place as it is, unless the row has a default.
/// Judged: IRQL; a handle that is no open key; another way of asking.
///
/// # Safety
/// `rows` is a table that ends with a row of neither routine nor name, whose places are writable.
pub unsafe extern "win64" fn RtlQueryRegistryValuesEx(
    relative_to: u32,
    path: *mut c_void,
    rows: *const Row,
    _context: *mut c_void,
    _environment: *mut c_void,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    if relative_to & !OPTIONAL != HANDLE {
        violation(Rule::NotServed, format_args!("a table of values relative to {relative_to:#x}"));
    }
    let key = handle::key(path);
    let mut row = rows;
    loop {
        // SAFETY: the caller promises a table whose last row says so.
        let asked = for_caller(|| unsafe { row.read() });
        if asked.routine == 0 && asked.name == 0 {
            return status::SUCCESS;
        }
        let answered = answer(&key, &asked);
        if !status::is_success(answered) {
            return answered;
        }
        // SAFETY: this row was not the last.
        row = unsafe { row.add(1) };
    }
}

/// A row of the table (RTL_QUERY_REGISTRY_TABLE).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row {
    routine: usize,
    flags: u32,
    name: usize,
    place: usize,
    default_kind: u32,
    default: usize,
    default_length: u32,
}

const _: () = assert!(size_of::<Row>() == 56);

fn answer(key: &str, row: &Row) -> Status {
    if row.routine != 0 || row.flags & DIRECT == 0 || row.flags & !(DIRECT | TYPE_CHECK | REQUIRED) != 0 {
        violation(Rule::NotServed, format_args!("a row with the flags {:#x}", row.flags));
    }
    let name = name_of(row.name);
    let expected = if row.flags & TYPE_CHECK == 0 { 0 } else { row.default_kind >> TYPE_CHECK_SHIFT };
    if expected != 0 && expected != REG_DWORD {
        violation(Rule::NotServed, format_args!("the value {name} of type {expected}"));
    }
    let value = match hive::query(key, &name) {
        Some(value) if value.kind != REG_DWORD => return status::OBJECT_TYPE_MISMATCH,
        Some(value) => value.data,
        None if row.flags & REQUIRED != 0 => return status::OBJECT_NAME_NOT_FOUND,
        None if row.default_kind & 0xFF != REG_DWORD => return status::SUCCESS,
        None => {
            let source = with_exposed_provenance::<[u8; 4]>(row.default);
            // SAFETY: the caller promises a default of its type.
            for_caller(|| unsafe { source.read_unaligned() }).to_vec()
        }
    };
    let target = std::ptr::with_exposed_provenance_mut::<u8>(row.place);
    // SAFETY: the caller promises room for a DWORD.
    for_caller(|| unsafe { target.copy_from(value.as_ptr(), value.len().min(size_of::<u32>())) });
    status::SUCCESS
}

fn name_of(mut address: usize) -> String {
    let mut units = Vec::new();
    loop {
        // SAFETY: the caller promises a text that ends with a zero.
        let unit = for_caller(|| unsafe { with_exposed_provenance::<u16>(address).read_unaligned() });
        if unit == 0 {
            return String::from_utf16_lossy(&units);
        }
        units.push(unit);
        address += size_of::<u16>();
    }
}

/// RTL_REGISTRY_HANDLE and RTL_REGISTRY_OPTIONAL.
const HANDLE: u32 = 0x4000_0000;
const OPTIONAL: u32 = 0x8000_0000;
/// RTL_QUERY_REGISTRY_ flags.
const REQUIRED: u32 = 0x4;
const DIRECT: u32 = 0x20;
const TYPE_CHECK: u32 = 0x100;
const TYPE_CHECK_SHIFT: u32 = 24;
