//! Counted strings made from something else: numbers, GUIDs, and bytes from UTF-16.

use super::irql::PASSIVE_LEVEL;
use super::status::{self, Status};
use super::{device_interface, pool, string};
use crate::judge::{self, for_caller};
use crate::sys::{GUID, STRING, UNICODE_STRING};

/// Writes a number in base 2, 8, 10 (0 means 10) or 16.
///
/// Follows the RtlIntegerToUnicodeString page (PASSIVE_LEVEL): STATUS_INVALID_PARAMETER for another base,
/// STATUS_BUFFER_OVERFLOW when it does not fit. Judged: IRQL.
///
/// # Safety
/// `target` and its buffer are valid.
pub unsafe extern "win64" fn RtlIntegerToUnicodeString(
    value: u32,
    base: u32,
    target: *mut UNICODE_STRING,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let text = match base {
        0 | 10 => value.to_string(),
        2 => format!("{value:b}"),
        8 => format!("{value:o}"),
        16 => format!("{value:X}"),
        _ => return status::INVALID_PARAMETER,
    };
    // SAFETY: the caller promises a valid target.
    unsafe { write(target, &text) }
}

/// Writes a GUID in braces into a buffer for RtlFreeUnicodeString.
///
/// Follows the RtlStringFromGUID page (PASSIVE_LEVEL). Judged: IRQL; a buffer that is not freed (leak).
///
/// # Safety
/// `guid` is readable and `target` writable.
pub unsafe extern "win64" fn RtlStringFromGUID(guid: *const GUID, target: *mut UNICODE_STRING) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a readable GUID.
    let text = device_interface::key(for_caller(|| unsafe { *guid })).to_uppercase();
    let allocated = string::allocated(&text);
    // SAFETY: the caller promises a writable structure.
    for_caller(|| unsafe { *target = allocated });
    status::SUCCESS
}

/// Reads a GUID in braces.
///
/// Follows the RtlGUIDFromString page (PASSIVE_LEVEL): STATUS_INVALID_PARAMETER. Judged: IRQL.
///
/// # Safety
/// `text` is valid and `guid` writable.
pub unsafe extern "win64" fn RtlGUIDFromString(text: *const UNICODE_STRING, guid: *mut GUID) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    let Some(parsed) = parse_guid(&unsafe { string::text(text) }) else { return status::INVALID_PARAMETER };
    // SAFETY: the caller promises a writable GUID.
    for_caller(|| unsafe { *guid = parsed });
    status::SUCCESS
}

/// Converts UTF-16 to bytes, into a buffer of its own where asked; what is not ASCII becomes a question mark.
///
/// Follows the RtlUnicodeStringToAnsiString page (PASSIVE_LEVEL): STATUS_BUFFER_OVERFLOW when the caller's buffer is too
/// small. Judged: IRQL; a buffer that is never given to RtlFreeAnsiString (leak).
///
/// # Safety
/// Both structures are valid.
pub unsafe extern "win64" fn RtlUnicodeStringToAnsiString(
    target: *mut STRING,
    source: *const UNICODE_STRING,
    allocate: u8,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    let text = unsafe { string::text(source) };
    let narrow = |character: char| if character.is_ascii() { character as u8 } else { b'?' };
    let bytes: Vec<u8> = text.chars().map(narrow).chain([0]).collect();
    // SAFETY: the caller promises a writable structure, and a buffer of MaximumLength unless one is asked for.
    for_caller(|| unsafe {
        if allocate != 0 {
            (*target).Buffer = pool::allocate_paged(bytes.len(), TAG).cast();
            (*target).MaximumLength = bytes.len() as u16;
        } else if usize::from((*target).MaximumLength) < bytes.len() {
            return status::BUFFER_OVERFLOW;
        }
        (*target).Buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        (*target).Length = (bytes.len() - 1) as u16;
        status::SUCCESS
    })
}

/// Frees the buffer of a string that RtlUnicodeStringToAnsiString allocated, and empties it.
///
/// Follows the RtlFreeAnsiString page (PASSIVE_LEVEL). Judged: IRQL; a buffer that no routine allocated (bad-free).
///
/// # Safety
/// `string` is valid.
pub unsafe extern "win64" fn RtlFreeAnsiString(string: *mut STRING) {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid structure.
    let buffer = for_caller(|| unsafe { std::mem::take(&mut *string).Buffer });
    if !buffer.is_null() {
        pool::free(buffer.cast(), None);
    }
}

/// # Safety
/// `target` and its buffer are valid.
unsafe fn write(target: *mut UNICODE_STRING, text: &str) -> Status {
    let units: Vec<u16> = text.encode_utf16().collect();
    // SAFETY: the caller promises a buffer of MaximumLength bytes.
    for_caller(|| unsafe {
        let room = usize::from((*target).MaximumLength) / 2;
        if units.len() > room {
            return status::BUFFER_OVERFLOW;
        }
        (*target).Buffer.copy_from_nonoverlapping(units.as_ptr(), units.len());
        (*target).Length = (units.len() * 2) as u16;
        if units.len() < room {
            (*target).Buffer.add(units.len()).write(0);
        }
        status::SUCCESS
    })
}

fn parse_guid(text: &str) -> Option<GUID> {
    let digits = text.strip_prefix('{')?.strip_suffix('}')?;
    let parts: Vec<&str> = digits.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    if lengths != [8, 4, 4, 4, 12] || !digits.is_ascii() {
        return None;
    }
    let tail = format!("{}{}", parts[3], parts[4]);
    let mut last = [0; 8];
    for (index, byte) in last.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&tail[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(GUID {
        Data1: u32::from_str_radix(parts[0], 16).ok()?,
        Data2: u16::from_str_radix(parts[1], 16).ok()?,
        Data3: u16::from_str_radix(parts[2], 16).ok()?,
        Data4: last,
    })
}

const TAG: u32 = u32::from_le_bytes(*b"AnsS");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_read_as_it_is_written() {
        let text = "{a13a7a93-11f0-4bd2-a9f5-6b5c5b88527d}";
        assert_eq!(parse_guid(text).map(device_interface::key).as_deref(), Some(text));
    }

    #[test]
    fn a_text_that_is_no_guid_is_refused() {
        for text in
            ["", "{}", "a13a7a93-11f0-4bd2-a9f5-6b5c5b88527d", "{a13a7a93-11f0-4bd2-a9f5-6b5c5b88527x}"]
        {
            assert!(parse_guid(text).is_none(), "{text}");
        }
    }
}
