//! Addresses that come from user mode.

use std::ffi::c_void;

use super::exception::{ACCESS_VIOLATION, DATATYPE_MISALIGNMENT};
use super::irql::{APC_LEVEL, DISPATCH_LEVEL};
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::exception;
use crate::memory;

/// Checks that a user buffer can be read. There is one address space here, so any buffer of the process will do.
///
/// Follows the ProbeForRead page (IRQL <= APC_LEVEL). Judged: IRQL; an alignment that is none. A buffer that is not aligned, or
/// that reaches into the kernel's half of the address space, raises an exception.
///
/// # Safety
/// `address` is not touched.
pub unsafe extern "win64" fn ProbeForRead(address: *const c_void, length: usize, alignment: u32) {
    judge::irql_at_most(APC_LEVEL);
    check(address.addr(), length, alignment);
}

/// Checks that a user buffer can be written: each of its pages is read and written back.
///
/// Follows the ProbeForWrite page (IRQL <= APC_LEVEL). Judged as [`ProbeForRead`], and a page that cannot be written.
///
/// # Safety
/// `address` has `length` bytes.
pub unsafe extern "win64" fn ProbeForWrite(address: *mut c_void, length: usize, alignment: u32) {
    judge::irql_at_most(APC_LEVEL);
    check(address.addr(), length, alignment);
    if length == 0 {
        return;
    }
    let bytes = address.cast::<u8>();
    let first_of_pages = (0..length).step_by(PAGE).chain([length - 1]);
    for offset in first_of_pages {
        // SAFETY: the caller promises the buffer; what is read is written back.
        for_caller(|| unsafe {
            let byte = bytes.add(offset);
            byte.write_volatile(byte.read_volatile());
        });
    }
}

/// Says whether an address can be touched; the page says that a driver should not ask.
///
/// Follows the MmIsAddressValid page (IRQL <= DISPATCH_LEVEL). Judged: IRQL.
pub extern "win64" fn MmIsAddressValid(address: *const c_void) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    let known = memory::find(address.addr()).is_some() || crate::image::find(address.addr()).is_some();
    u8::from(known)
}

fn check(address: usize, length: usize, alignment: u32) {
    if !matches!(alignment, 1 | 2 | 4 | 8 | 16) {
        violation(Rule::BadParameter, format_args!("no alignment of {alignment} bytes"));
    }
    if length == 0 {
        return;
    }
    if !address.is_multiple_of(alignment as usize) {
        exception::raise(DATATYPE_MISALIGNMENT, &[]);
    }
    if address.checked_add(length).is_none_or(|end| end > USER_END) {
        exception::raise(ACCESS_VIOLATION, &[0, address as u64]);
    }
}

/// MmUserProbeAddress.
const USER_END: usize = 0x7FFF_FFFF_0000;
const PAGE: usize = 4096;
