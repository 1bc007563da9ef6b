//! Memory descriptor lists (MDL).
//!
//! One address space serves everything here, so the system address of a locked buffer is the buffer's own.

use std::ffi::c_void;

use super::irql::{APC_LEVEL, DISPATCH_LEVEL};
use crate::judge::{self, Rule, for_caller, violation};
use crate::memory::{self, Fill, Pool};
use crate::sys::{IRP, MDL};

/// Allocates a list for a buffer, and hangs it on an IRP where one is named.
///
/// Follows the IoAllocateMdl page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a list that is not freed at unload (leak).
///
/// # Safety
/// `irp` is NULL or an IRP of the caller's.
pub unsafe extern "win64" fn IoAllocateMdl(
    address: *mut c_void,
    length: u32,
    secondary: u8,
    _charge_quota: u8,
    irp: *mut IRP,
) -> *mut MDL {
    judge::irql_at_most(DISPATCH_LEVEL);
    let list = allocate(address, length);
    if !irp.is_null() {
        // SAFETY: the caller promises its IRP; the lists on it are live.
        for_caller(|| unsafe {
            if secondary == 0 {
                (*irp).MdlAddress = list;
            } else {
                let mut last = &raw mut (*irp).MdlAddress;
                while !(*last).is_null() {
                    last = &raw mut (**last).Next;
                }
                *last = list;
            }
        });
    }
    list
}

/// Frees a list.
///
/// Follows the IoFreeMdl page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no list; pages still locked by
/// MmProbeAndLockPages.
///
/// # Safety
/// `list` is a list of [`IoAllocateMdl`].
pub unsafe extern "win64" fn IoFreeMdl(list: *mut MDL) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a list.
    let flags = for_caller(|| unsafe { (*list).MdlFlags });
    if flags & PAGES_LOCKED != 0 {
        violation(Rule::ObjectState, format_args!("the list {list:p} is freed while its pages are locked"));
    }
    memory::free(list.addr(), Some(TAG));
}

/// Describes a part of another list's buffer.
///
/// Follows the IoBuildPartialMdl page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a part outside the buffer.
///
/// # Safety
/// Both are lists.
pub unsafe extern "win64" fn IoBuildPartialMdl(
    source: *mut MDL,
    target: *mut MDL,
    address: *mut c_void,
    length: u32,
) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises two lists.
    for_caller(|| unsafe {
        let start = (*source).StartVa.addr() + (*source).ByteOffset as usize;
        let end = start + (*source).ByteCount as usize;
        let part_end = if length == 0 { end } else { address.addr() + length as usize };
        if address.addr() < start || part_end > end {
            violation(
                Rule::BadParameter,
                format_args!("{address:p} lies outside the buffer of the list {source:p}"),
            );
        }
        describe(target, address, (part_end - address.addr()) as u32);
        (*target).MdlFlags |= PARTIAL | ((*source).MdlFlags & SOURCE_IS_NONPAGED_POOL);
        (*target).MappedSystemVa = address;
    });
}

/// Fills a list for a buffer in non-paged pool.
///
/// Follows the MmBuildMdlForNonPagedPool page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; a buffer in paged pool.
///
/// # Safety
/// `list` is a list.
pub unsafe extern "win64" fn MmBuildMdlForNonPagedPool(list: *mut MDL) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a list.
    for_caller(|| unsafe {
        let address = (*list).StartVa.addr() + (*list).ByteOffset as usize;
        if memory::find(address).is_some_and(|block| block.pool == Pool::Paged) {
            violation(Rule::BadParameter, format_args!("{address:#x} lies in paged pool"));
        }
        (*list).MdlFlags |= SOURCE_IS_NONPAGED_POOL;
        (*list).MappedSystemVa = std::ptr::with_exposed_provenance_mut(address);
    });
}

/// Locks a buffer's pages.
///
/// Follows the MmProbeAndLockPages page (IRQL <= DISPATCH_LEVEL, <= APC_LEVEL for pageable memory). Judged: IRQL; pages
/// that are locked already; a buffer that cannot be touched.
///
/// # Safety
/// `list` is a list.
pub unsafe extern "win64" fn MmProbeAndLockPages(list: *mut MDL, _mode: i8, _operation: i32) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a list; reading its ends shows that the buffer is there.
    for_caller(|| unsafe {
        if (*list).MdlFlags & PAGES_LOCKED != 0 {
            violation(Rule::ObjectState, format_args!("the pages of the list {list:p} are locked already"));
        }
        let start = (*list).StartVa.cast::<u8>().add((*list).ByteOffset as usize);
        start.read_volatile();
        start.add(((*list).ByteCount as usize).saturating_sub(1)).read_volatile();
        (*list).MdlFlags |= PAGES_LOCKED;
    });
}

/// Unlocks a buffer's pages.
///
/// Follows the MmUnlockPages page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; pages that are not locked.
///
/// # Safety
/// `list` is a list.
pub unsafe extern "win64" fn MmUnlockPages(list: *mut MDL) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a list.
    for_caller(|| unsafe {
        if (*list).MdlFlags & PAGES_LOCKED == 0 {
            violation(Rule::ObjectState, format_args!("the pages of the list {list:p} are not locked"));
        }
        (*list).MdlFlags &= !(PAGES_LOCKED | MAPPED_TO_SYSTEM_VA);
    });
}

/// Maps locked pages and returns their address.
///
/// Follows the MmMapLockedPagesSpecifyCache page (IRQL <= DISPATCH_LEVEL, <= APC_LEVEL for a user-mode mapping). Judged:
/// IRQL; pages that are neither locked nor non-paged pool.
///
/// # Safety
/// `list` is a list.
pub unsafe extern "win64" fn MmMapLockedPagesSpecifyCache(
    list: *mut MDL,
    mode: i8,
    _caching: i32,
    _address: *mut c_void,
    _bugcheck: u32,
    _priority: u32,
) -> *mut c_void {
    judge::irql_at_most(if mode == 0 { DISPATCH_LEVEL } else { APC_LEVEL });
    // SAFETY: the caller promises a list.
    for_caller(|| unsafe {
        if (*list).MdlFlags & (PAGES_LOCKED | SOURCE_IS_NONPAGED_POOL | PARTIAL) == 0 {
            violation(Rule::ObjectState, format_args!("the pages of the list {list:p} are not locked"));
        }
        (*list).MdlFlags |= MAPPED_TO_SYSTEM_VA;
        (*list).MappedSystemVa = (*list).StartVa.byte_add((*list).ByteOffset as usize);
        (*list).MappedSystemVa
    })
}

/// Takes a mapping away.
///
/// Follows the MmUnmapLockedPages page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; an address that is not the mapping's.
///
/// # Safety
/// `list` is a list.
pub unsafe extern "win64" fn MmUnmapLockedPages(address: *mut c_void, list: *mut MDL) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a list.
    for_caller(|| unsafe {
        if (*list).MdlFlags & MAPPED_TO_SYSTEM_VA == 0 || (*list).MappedSystemVa != address {
            violation(Rule::ObjectState, format_args!("{address:p} is not a mapping of the list {list:p}"));
        }
        (*list).MdlFlags &= !MAPPED_TO_SYSTEM_VA;
    });
}

/// Returns the size of a list for a buffer.
///
/// Follows the MmSizeOfMdl page (any IRQL).
pub extern "win64" fn MmSizeOfMdl(address: *mut c_void, length: usize) -> usize {
    let pages = (address.addr() % PAGE + length).div_ceil(PAGE);
    size_of::<MDL>() + pages * size_of::<u64>()
}

/// A list for a buffer whose pages count as locked, as the I/O manager makes it for a direct request.
pub(super) fn described(address: *mut c_void, length: u32) -> *mut MDL {
    let list = allocate(address, length);
    // SAFETY: the list was just made.
    unsafe {
        (*list).MdlFlags |= SOURCE_IS_NONPAGED_POOL;
        (*list).MappedSystemVa = address;
    }
    list
}

fn allocate(address: *mut c_void, length: u32) -> *mut MDL {
    let size = MmSizeOfMdl(address, length as usize);
    let list: *mut MDL = memory::allocate(size, TAG, Pool::NonPaged, Fill::Zero).cast();
    // SAFETY: the block was just allocated with a list's size.
    unsafe { describe(list, address, length) };
    list
}

/// # Safety
/// `list` is writable.
unsafe fn describe(list: *mut MDL, address: *mut c_void, length: u32) {
    let offset = address.addr() % PAGE;
    // SAFETY: the caller promises a writable list.
    unsafe {
        (*list).Next = std::ptr::null_mut();
        (*list).Size = MmSizeOfMdl(address, length as usize) as i16;
        (*list).MdlFlags = 0;
        (*list).StartVa = address.byte_sub(offset);
        (*list).ByteOffset = offset as u32;
        (*list).ByteCount = length;
    }
}

/// Flags of a list.
const MAPPED_TO_SYSTEM_VA: i16 = 0x1;
const PAGES_LOCKED: i16 = 0x2;
const SOURCE_IS_NONPAGED_POOL: i16 = 0x4;
const PARTIAL: i16 = 0x10;
const PAGE: usize = 4096;
const TAG: u32 = u32::from_le_bytes(*b"Mdl ");
