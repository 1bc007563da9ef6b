//! Sequenced lists (SLIST_HEADER): last in, first out, at any IRQL.
//!
//! An image reads depth and first entry from the header itself; only these routines change it.

use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::judge::{Rule, for_caller, violation};

/// SLIST_HEADER of x64: depth in the low 16 bits and a sequence number above; then the first entry's address.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(16))]
pub struct SequencedList {
    depth_and_sequence: u64,
    next: u64,
}

/// SLIST_ENTRY: the address of the next one.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Entry {
    next: *mut Entry,
}

/// Adds an entry and returns the one that was first.
///
/// Follows the InterlockedPushEntrySList page (any IRQL). Judged: a header or an entry that is not aligned to 16 bytes; an
/// entry that is first already.
///
/// # Safety
/// `list` is an initialized header and `entry` is writable.
pub unsafe extern "win64" fn ExpInterlockedPushEntrySList(
    list: *mut SequencedList,
    entry: *mut Entry,
) -> *mut Entry {
    expect_aligned(list.addr());
    expect_aligned(entry.addr());
    let _guard = lock();
    // SAFETY: the caller promises a header and an entry.
    for_caller(|| unsafe {
        let first = first(list);
        if first == entry {
            violation(Rule::ObjectState, format_args!("the entry {entry:p} is on the list already"));
        }
        (*entry).next = first;
        change(list, entry, 1);
        first
    })
}

/// Takes the first entry off; NULL where there is none.
///
/// Follows the InterlockedPopEntrySList page (any IRQL). Judged: a header that is not aligned to 16 bytes.
///
/// # Safety
/// `list` is an initialized header, and its entries are readable.
pub unsafe extern "win64" fn ExpInterlockedPopEntrySList(list: *mut SequencedList) -> *mut Entry {
    expect_aligned(list.addr());
    let _guard = lock();
    // SAFETY: the caller promises a header, whose entries are there.
    for_caller(|| unsafe {
        let first = first(list);
        if !first.is_null() {
            change(list, (*first).next, -1);
        }
        first
    })
}

/// Takes all entries off and returns the first.
///
/// Follows the ExInterlockedFlushSList page (any IRQL). Judged: a header that is not aligned to 16 bytes.
///
/// # Safety
/// `list` is an initialized header.
pub unsafe extern "win64" fn ExpInterlockedFlushSList(list: *mut SequencedList) -> *mut Entry {
    expect_aligned(list.addr());
    let _guard = lock();
    // SAFETY: the caller promises a header.
    for_caller(|| unsafe {
        let first = first(list);
        let depth = (*list).depth_and_sequence as u16;
        change(list, null_mut(), -i32::from(depth));
        first
    })
}

/// Returns how many entries there are.
///
/// Follows the ExQueryDepthSList page (any IRQL).
///
/// # Safety
/// `list` is an initialized header.
pub unsafe extern "win64" fn ExQueryDepthSList(list: *const SequencedList) -> u16 {
    // SAFETY: the caller promises a header.
    for_caller(|| unsafe { (*list).depth_and_sequence as u16 })
}

/// # Safety
/// `list` is readable.
unsafe fn first(list: *mut SequencedList) -> *mut Entry {
    // SAFETY: the caller promises a readable header.
    std::ptr::with_exposed_provenance_mut(unsafe { (*list).next & !15 } as usize)
}

/// # Safety
/// `list` is writable, and the lock of this room is held.
unsafe fn change(list: *mut SequencedList, first: *mut Entry, by: i32) {
    // SAFETY: the caller promises a writable header.
    unsafe {
        let word = (*list).depth_and_sequence;
        let depth = (word as u16).wrapping_add_signed(by as i16);
        (*list).depth_and_sequence = (word & !0xFFFF).wrapping_add(0x1_0000) | u64::from(depth);
        (*list).next = first.expose_provenance() as u64;
    }
}

fn expect_aligned(address: usize) {
    if !address.is_multiple_of(16) {
        violation(Rule::BadParameter, format_args!("{address:#x} is not aligned to 16 bytes"));
    }
}

/// LOCK: a leaf.
fn lock() -> MutexGuard<'static, ()> {
    static LISTS: Mutex<()> = Mutex::new(());
    LISTS.lock().unwrap_or_else(PoisonError::into_inner)
}
