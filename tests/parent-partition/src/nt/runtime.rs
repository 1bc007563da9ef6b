//! The C runtime routines that ntoskrnl exports, and their Rtl kin.
//!
//! Follow the C runtime reference and the RtlCompareMemory page. Any IRQL, when the memory allows it. Judged: a touch of
//! memory that is not the caller's, which is blamed on the caller.

use std::ffi::c_void;

use super::format::{self, Family};
use crate::judge::for_caller;

/// Copies `count` bytes between blocks that do not overlap.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn memcpy(
    destination: *mut c_void,
    source: *const c_void,
    count: usize,
) -> *mut c_void {
    // SAFETY: the caller promises both blocks; `copy` also bears an overlap, as NT's routine does.
    for_caller(|| unsafe { std::ptr::copy(source, destination, count) });
    destination
}

/// Copies `count` bytes between blocks that may overlap.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn memmove(
    destination: *mut c_void,
    source: *const c_void,
    count: usize,
) -> *mut c_void {
    // SAFETY: the caller promises both blocks.
    for_caller(|| unsafe { std::ptr::copy(source, destination, count) });
    destination
}

/// Sets `count` bytes to the low byte of `value`.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn memset(destination: *mut c_void, value: i32, count: usize) -> *mut c_void {
    // SAFETY: the caller promises the block.
    for_caller(|| unsafe { std::ptr::write_bytes(destination.cast::<u8>(), value as u8, count) });
    destination
}

/// Compares two blocks byte by byte.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn memcmp(first: *const c_void, second: *const c_void, count: usize) -> i32 {
    for_caller(|| {
        // SAFETY: the caller promises both blocks.
        let (first, second) = unsafe { (bytes(first, count), bytes(second, count)) };
        first.cmp(second) as i32
    })
}

/// Returns how many bytes at the start of two blocks are equal.
///
/// # Safety
/// Both blocks have `count` bytes.
pub unsafe extern "win64" fn RtlCompareMemory(
    first: *const c_void,
    second: *const c_void,
    count: usize,
) -> usize {
    for_caller(|| {
        // SAFETY: the caller promises both blocks.
        let (first, second) = unsafe { (bytes(first, count), bytes(second, count)) };
        first.iter().zip(second).take_while(|(first, second)| first == second).count()
    })
}

/// Counts the bytes before the terminator.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn strlen(text: *const u8) -> usize {
    for_caller(|| {
        let mut length = 0;
        // SAFETY: the caller promises a terminated text.
        while unsafe { *text.add(length) } != 0 {
            length += 1;
        }
        length
    })
}

/// Compares two texts up to `count` bytes.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn strncmp(first: *const u8, second: *const u8, count: usize) -> i32 {
    for_caller(|| {
        for at in 0..count {
            // SAFETY: the caller promises two terminated texts; the walk ends at the first difference or terminator.
            let (one, two) = unsafe { (*first.add(at), *second.add(at)) };
            if one != two || one == 0 {
                return i32::from(one) - i32::from(two);
            }
        }
        0
    })
}

/// Compares two texts without regard to the case of ASCII letters.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn _stricmp(first: *const u8, second: *const u8) -> i32 {
    for_caller(|| {
        let mut at = 0;
        loop {
            // SAFETY: the caller promises two terminated texts; the walk ends at the first difference or terminator.
            let (one, two) = unsafe { (*first.add(at), *second.add(at)) };
            let (one, two) = (one.to_ascii_lowercase(), two.to_ascii_lowercase());
            if one != two || one == 0 {
                return i32::from(one) - i32::from(two);
            }
            at += 1;
        }
    })
}

/// Counts the UTF-16 units before the terminator.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn wcslen(text: *const u16) -> usize {
    for_caller(|| {
        let mut length = 0;
        // SAFETY: the caller promises a terminated text.
        while unsafe { *text.add(length) } != 0 {
            length += 1;
        }
        length
    })
}

/// Finds the last place of a unit in a text, the terminator included.
///
/// # Safety
/// As the C routine.
pub unsafe extern "win64" fn wcsrchr(text: *const u16, unit: u16) -> *mut u16 {
    // SAFETY: the caller promises a terminated text.
    let length = unsafe { wcslen(text) };
    for_caller(|| {
        // SAFETY: the text has `length` units and a terminator.
        let units = unsafe { std::slice::from_raw_parts(text, length + 1) };
        match units.iter().rposition(|at| *at == unit) {
            // SAFETY: the place lies in the text.
            Some(at) => unsafe { text.add(at).cast_mut() },
            None => std::ptr::null_mut(),
        }
    })
}

/// Formats at most `count` units; -1 when the text does not fit, which is then not terminated.
///
/// # Safety
/// As the C routine; `arguments` is a win64 `va_list`.
pub unsafe extern "win64" fn _vsnwprintf(
    buffer: *mut u16,
    count: usize,
    template: *const u16,
    arguments: *const u64,
) -> i32 {
    // SAFETY: the caller promises a terminated template.
    let length = unsafe { wcslen(template) };
    for_caller(|| {
        // SAFETY: the template has `length` units.
        let template = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(template, length) });
        let mut at = arguments;
        let next = || {
            // SAFETY: the caller promises an argument for each conversion; a `va_list` of win64 is an array of
            // eight-byte slots.
            unsafe {
                let value = *at;
                at = at.add(1);
                value
            }
        };
        // SAFETY: the caller promises the strings that the template names.
        let formatted = unsafe { format::format(&template, Family::Wide, next) };
        let units: Vec<u16> = formatted.text.encode_utf16().collect();
        // SAFETY: the caller promises room for `count` units.
        unsafe {
            std::ptr::copy_nonoverlapping(units.as_ptr(), buffer, units.len().min(count));
            if units.len() < count {
                *buffer.add(units.len()) = 0;
            }
        }
        if units.len() > count { -1 } else { units.len() as i32 }
    })
}

/// # Safety
/// The block has `count` readable bytes for as long as the slice is used.
unsafe fn bytes<'a>(block: *const c_void, count: usize) -> &'a [u8] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller promises the block.
    unsafe { std::slice::from_raw_parts(block.cast(), count) }
}
