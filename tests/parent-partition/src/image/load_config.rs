//! The load configuration: what the kernel's loader fills in before an image runs.
//!
//! SPEC: learn.microsoft.com/windows/win32/debug/pe-format ("The Load Configuration Structure"), winnt.h
//! (IMAGE_LOAD_CONFIG_DIRECTORY64).

use std::sync::atomic::{AtomicU64, Ordering};

use super::load::{LoadError, View};
use crate::machine::guard::{self, Listed};

/// Gives the image at `directory` (an offset in the view) a security cookie of its own and the kernel's guard routines;
/// returns the list of functions that may be called through pointers, where the image has one.
///
/// # Errors
/// A field points outside the image.
pub(super) fn fill(view: &View, directory: usize) -> Result<Option<Listed>, LoadError> {
    let size = view.read(directory)? as u32 as usize;
    let field = |offset: usize| {
        let inside = offset + size_of::<u64>() <= size;
        if inside { view.read(directory + offset) } else { Ok(0) }
    };
    // Relocated by now: each is an address in the view, or 0.
    let offset_of = |address: u64| view.offset_of(address as usize);
    let cookie = field(SECURITY_COOKIE)?;
    if cookie != 0 {
        let at = offset_of(cookie)?;
        if view.read(at)? == DEFAULT_COOKIE {
            view.write(at, &next_cookie().to_le_bytes())?;
        }
    }
    for (pointer, routine) in [(GUARD_CHECK, guard::check()), (GUARD_DISPATCH, guard::dispatch())] {
        let pointer = field(pointer)?;
        if pointer != 0 {
            view.write(offset_of(pointer)?, &(routine as u64).to_le_bytes())?;
        }
    }
    let (table, count) = (field(GUARD_TABLE)?, field(GUARD_COUNT)? as usize);
    let flags = field(GUARD_FLAGS)? as u32;
    if table == 0 || flags & HAS_TABLE == 0 {
        return Ok(None);
    }
    let stride = size_of::<u32>() + (flags >> STRIDE_SHIFT) as usize;
    let start = offset_of(table)?;
    view.expect_inside(start, count.saturating_mul(stride))?;
    Ok(Some(Listed::new(table as usize, count, stride)))
}

/// A cookie of 48 bits that no image had before in this process; the kernel's is random.
fn next_cookie() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
}

/// What the compiler leaves in `__security_cookie`.
const DEFAULT_COOKIE: u64 = 0x0000_2B99_2DDF_A232;
/// Offsets of the fields.
const SECURITY_COOKIE: usize = 0x58;
const GUARD_CHECK: usize = 0x70;
const GUARD_DISPATCH: usize = 0x78;
const GUARD_TABLE: usize = 0x80;
const GUARD_COUNT: usize = 0x88;
const GUARD_FLAGS: usize = 0x90;
/// IMAGE_GUARD_CF_FUNCTION_TABLE_PRESENT, and where the size of an entry's extra bytes lies.
const HAS_TABLE: u32 = 0x400;
const STRIDE_SHIFT: u32 = 28;
