//! Counted strings: the Rtl routines over UNICODE_STRING and STRING.
//!
//! Case is folded by Unicode's simple upper-case mapping, as NT's tables do for the characters that drivers use.

use std::ffi::c_void;

use super::pool;
use super::status::{self, Status};
use crate::judge::{self, Rule, for_caller};
use crate::sys::{STRING, UNICODE_STRING};

/// Points a counted string at a terminated one; nothing is copied.
///
/// Follows the RtlInitUnicodeString page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a text of more than 65532 bytes.
///
/// # Safety
/// `destination` is writable; `source` is NULL or terminated and outlives the counted string.
pub unsafe extern "win64" fn RtlInitUnicodeString(destination: *mut UNICODE_STRING, source: *const u16) {
    judge::irql_at_most(super::irql::DISPATCH_LEVEL);
    for_caller(|| {
        // SAFETY: the caller promises a terminated text.
        let bytes = unsafe { terminated_len(source) } * 2;
        if bytes > MOST_BYTES {
            judge::violation(Rule::BadParameter, format_args!("a text of {bytes} bytes"));
        }
        let maximum = if source.is_null() { 0 } else { bytes + 2 };
        // SAFETY: the caller promises a writable structure.
        unsafe {
            *destination = UNICODE_STRING {
                Length: bytes as u16,
                MaximumLength: maximum as u16,
                Buffer: source.cast_mut(),
            };
        }
    });
}

/// Points a counted string of bytes at a terminated one; nothing is copied.
///
/// Follows the RtlInitAnsiString page (IRQL <= DISPATCH_LEVEL). Judged: IRQL.
///
/// # Safety
/// `destination` is writable; `source` is NULL or terminated and outlives the counted string.
pub unsafe extern "win64" fn RtlInitAnsiString(destination: *mut STRING, source: *const u8) {
    judge::irql_at_most(super::irql::DISPATCH_LEVEL);
    for_caller(|| {
        // SAFETY: the caller promises a terminated text.
        let bytes = if source.is_null() { 0 } else { unsafe { super::runtime::strlen(source) } };
        let maximum = if source.is_null() { 0 } else { bytes + 1 };
        // SAFETY: the caller promises a writable structure.
        unsafe {
            *destination = STRING {
                Length: bytes as u16,
                MaximumLength: maximum as u16,
                Buffer: source.cast_mut().cast(),
            };
        }
    });
}

/// Copies as many units as fit; a NULL source empties the destination.
///
/// Follows the RtlCopyUnicodeString page (IRQL <= DISPATCH_LEVEL). Judged: IRQL.
///
/// # Safety
/// Both structures and their buffers are valid.
pub unsafe extern "win64" fn RtlCopyUnicodeString(
    destination: *mut UNICODE_STRING,
    source: *const UNICODE_STRING,
) {
    judge::irql_at_most(super::irql::DISPATCH_LEVEL);
    for_caller(|| {
        // SAFETY: the caller promises valid structures; the copy is cut to the destination's maximum.
        unsafe {
            let room = usize::from((*destination).MaximumLength) / 2;
            let text = units(source);
            let count = text.len().min(room);
            std::ptr::copy(text.as_ptr(), (*destination).Buffer, count);
            (*destination).Length = (count * 2) as u16;
            if count < room {
                *(*destination).Buffer.add(count) = 0;
            }
        }
    });
}

/// Appends a counted string.
///
/// Follows the RtlAppendUnicodeStringToString page (IRQL <= DISPATCH_LEVEL): STATUS_BUFFER_TOO_SMALL when it does not
/// fit. Judged: IRQL.
///
/// # Safety
/// Both structures and their buffers are valid.
pub unsafe extern "win64" fn RtlAppendUnicodeStringToString(
    destination: *mut UNICODE_STRING,
    source: *const UNICODE_STRING,
) -> Status {
    judge::irql_at_most(super::irql::DISPATCH_LEVEL);
    for_caller(|| {
        // SAFETY: the caller promises valid structures; the length is checked before the copy.
        unsafe {
            let text = units(source);
            let used = usize::from((*destination).Length) / 2;
            let room = usize::from((*destination).MaximumLength) / 2;
            if used + text.len() > room {
                return status::BUFFER_TOO_SMALL;
            }
            std::ptr::copy(text.as_ptr(), (*destination).Buffer.add(used), text.len());
            (*destination).Length = ((used + text.len()) * 2) as u16;
            if used + text.len() < room {
                *(*destination).Buffer.add(used + text.len()) = 0;
            }
            status::SUCCESS
        }
    })
}

/// Appends a terminated text.
///
/// Follows the RtlAppendUnicodeToString page; otherwise as [`RtlAppendUnicodeStringToString`].
///
/// # Safety
/// The structure and its buffer are valid; `source` is NULL or terminated.
pub unsafe extern "win64" fn RtlAppendUnicodeToString(
    destination: *mut UNICODE_STRING,
    source: *const u16,
) -> Status {
    let mut counted = UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: std::ptr::null_mut() };
    // SAFETY: the caller's promises are those of the two routines.
    unsafe {
        RtlInitUnicodeString(&raw mut counted, source);
        RtlAppendUnicodeStringToString(destination, &raw const counted)
    }
}

/// Compares two counted strings; below, at or above zero as the first sorts.
///
/// Follows the RtlCompareUnicodeString page (PASSIVE_LEVEL). Judged: IRQL.
///
/// # Safety
/// Both structures and their buffers are valid.
pub unsafe extern "win64" fn RtlCompareUnicodeString(
    first: *const UNICODE_STRING,
    second: *const UNICODE_STRING,
    ignore_case: u8,
) -> i32 {
    judge::irql_at_most(super::irql::PASSIVE_LEVEL);
    for_caller(|| {
        // SAFETY: the caller promises valid structures.
        let (first, second) = unsafe { (units(first), units(second)) };
        let fold = |unit: &u16| if ignore_case == 0 { *unit } else { upper(*unit) };
        let order = first.iter().map(fold).cmp(second.iter().map(fold));
        order as i32
    })
}

/// Says whether two counted strings are equal.
///
/// Follows the RtlEqualUnicodeString page (PASSIVE_LEVEL). Judged: IRQL.
///
/// # Safety
/// As [`RtlCompareUnicodeString`].
pub unsafe extern "win64" fn RtlEqualUnicodeString(
    first: *const UNICODE_STRING,
    second: *const UNICODE_STRING,
    ignore_case: u8,
) -> u8 {
    // SAFETY: the promises are the same.
    u8::from(unsafe { RtlCompareUnicodeString(first, second, ignore_case) } == 0)
}

/// Converts bytes to UTF-16, into a buffer of its own where asked.
///
/// Follows the RtlAnsiStringToUnicodeString page (PASSIVE_LEVEL): STATUS_BUFFER_OVERFLOW when the caller's buffer is
/// too small. Judged: IRQL; a buffer that is never given to RtlFreeUnicodeString (leak).
///
/// # Safety
/// Both structures are valid; the source's buffer is readable, the destination's writable where it is used.
pub unsafe extern "win64" fn RtlAnsiStringToUnicodeString(
    destination: *mut UNICODE_STRING,
    source: *const STRING,
    allocate: u8,
) -> Status {
    judge::irql_at_most(super::irql::PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid source.
    let text: Vec<u16> = for_caller(|| unsafe {
        let length = usize::from((*source).Length);
        (0..length).map(|at| u16::from(*(*source).Buffer.cast::<u8>().add(at))).chain([0]).collect()
    });
    // SAFETY: the caller promises a writable structure, and a buffer of MaximumLength unless one is asked for.
    for_caller(|| unsafe {
        if allocate != 0 {
            (*destination).Buffer = pool::allocate_paged(text.len() * 2, STRING_TAG).cast();
            (*destination).MaximumLength = (text.len() * 2) as u16;
        } else if usize::from((*destination).MaximumLength) < text.len() * 2 {
            return status::BUFFER_OVERFLOW;
        }
        std::ptr::copy_nonoverlapping(text.as_ptr(), (*destination).Buffer, text.len());
        (*destination).Length = (text.len() * 2 - 2) as u16;
        status::SUCCESS
    })
}

/// Frees the buffer of a counted string that a routine allocated, and empties it.
///
/// Follows the RtlFreeUnicodeString page (PASSIVE_LEVEL). Judged: IRQL; a buffer that no routine allocated (bad-free).
///
/// # Safety
/// `string` is valid; its buffer is NULL or came from a routine that says so.
pub unsafe extern "win64" fn RtlFreeUnicodeString(string: *mut UNICODE_STRING) {
    judge::irql_at_most(super::irql::PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid structure.
    let buffer = for_caller(|| unsafe {
        let buffer = (*string).Buffer;
        *string = UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: std::ptr::null_mut() };
        buffer
    });
    if !buffer.is_null() {
        pool::free(buffer.cast::<c_void>(), None);
    }
}

/// Converts a counted string to a number; base 0 reads the prefixes 0x, 0o and 0b.
///
/// Follows the RtlUnicodeStringToInteger page (PASSIVE_LEVEL). Judged: IRQL.
///
/// # Safety
/// `string` is valid and `value` is writable.
pub unsafe extern "win64" fn RtlUnicodeStringToInteger(
    string: *const UNICODE_STRING,
    base: u32,
    value: *mut u32,
) -> Status {
    judge::irql_at_most(super::irql::PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    let text = unsafe { text(string) };
    let text = text.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match (base, text.get(..2)) {
        (0, Some("0x")) => (16, &text[2..]),
        (0, Some("0o")) => (8, &text[2..]),
        (0, Some("0b")) => (2, &text[2..]),
        (0 | 10, _) => (10, text),
        (2 | 8 | 16, _) => (base, text),
        _ => return status::INVALID_PARAMETER,
    };
    let number = digits
        .chars()
        .map_while(|digit| digit.to_digit(radix))
        .fold(0u32, |number, digit| number.wrapping_mul(radix).wrapping_add(digit));
    // SAFETY: the caller promises a writable number.
    for_caller(|| unsafe { *value = if negative { number.wrapping_neg() } else { number } });
    status::SUCCESS
}

/// The text of a counted string, for the simulator's own use.
///
/// # Safety
/// `string` is valid.
pub unsafe fn text(string: *const UNICODE_STRING) -> String {
    // SAFETY: the caller promises a valid structure.
    for_caller(|| String::from_utf16_lossy(unsafe { units(string) }))
}

/// The text of a counted string that may be NULL.
///
/// # Safety
/// `string` is NULL or valid.
pub(super) unsafe fn text_or_empty(string: *const UNICODE_STRING) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: the caller promises a valid structure.
    unsafe { text(string) }
}

/// A counted string with a pool buffer of its own, as a routine returns it to a driver.
pub(super) fn allocated(text: &str) -> UNICODE_STRING {
    let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
    let buffer = pool::allocate_paged(units.len() * 2, STRING_TAG).cast::<u16>();
    // SAFETY: the block was just allocated with that size.
    unsafe { std::ptr::copy_nonoverlapping(units.as_ptr(), buffer, units.len()) };
    UNICODE_STRING {
        Length: (units.len() * 2 - 2) as u16,
        MaximumLength: (units.len() * 2) as u16,
        Buffer: buffer,
    }
}

/// The units of a counted string.
///
/// # Safety
/// `string` is NULL or valid, for as long as the slice is used.
unsafe fn units<'a>(string: *const UNICODE_STRING) -> &'a [u16] {
    if string.is_null() {
        return &[];
    }
    // SAFETY: the caller promises a valid structure, whose buffer holds `Length` bytes.
    unsafe {
        if (*string).Buffer.is_null() || (*string).Length == 0 {
            return &[];
        }
        std::slice::from_raw_parts((*string).Buffer, usize::from((*string).Length) / 2)
    }
}

unsafe fn terminated_len(text: *const u16) -> usize {
    if text.is_null() {
        return 0;
    }
    let mut length = 0;
    // SAFETY: the caller promises a terminated text.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    length
}

fn upper(unit: u16) -> u16 {
    let Some(character) = char::from_u32(u32::from(unit)) else { return unit };
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => u16::try_from(u32::from(single)).unwrap_or(unit),
        _ => unit,
    }
}

/// A counted string's length is 16 bits and even, and leaves room for its terminator.
const MOST_BYTES: usize = 0xfffc;
/// The tag of buffers that string routines allocate.
const STRING_TAG: u32 = u32::from_le_bytes(*b"Strg");
