//! Lookaside lists: blocks of one size that are kept when they are freed.
//!
//! A driver takes and gives blocks by inline code of the WDK's headers, which works on the structure itself and calls what
//! the structure names when the list is empty or full.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::{APC_LEVEL, DISPATCH_LEVEL};
use super::left::Left;
use super::pool;
use super::singly_linked_list::{ExpInterlockedPopEntrySList, SequencedList};
use crate::image::Image;
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{thread_block, thunk};

/// NPAGED_LOOKASIDE_LIST and PAGED_LOOKASIDE_LIST of x64, one layout (wdm.h: GENERAL_LOOKASIDE).
///
/// The header aligns it to a cache line, which a list inside a pool block is not: 16 bytes are what its entries need.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct Lookaside {
    list: SequencedList,
    depth: u16,
    maximum_depth: u16,
    total_allocates: u32,
    allocate_misses: u32,
    total_frees: u32,
    free_misses: u32,
    pool_type: u32,
    tag: u32,
    size: u32,
    allocate: usize,
    free: usize,
    links: [usize; 2],
    last_counts: [u32; 2],
    future: [u32; 2],
    rest: [usize; 4],
}

const _: () = {
    assert!(size_of::<Lookaside>() == 0x80);
    assert!(offset_of!(Lookaside, pool_type) == 0x24);
    assert!(offset_of!(Lookaside, size) == 0x2C);
    assert!(offset_of!(Lookaside, allocate) == 0x30);
    assert!(offset_of!(Lookaside, free) == 0x38);
    assert!(offset_of!(Lookaside, future) == 0x58);
};

/// Makes an empty list of non-paged blocks.
///
/// Follows the ExInitializeNPagedLookasideList page (IRQL <= DISPATCH_LEVEL); blocks are not executable, whatever the flags.
/// Judged: IRQL; a size below an entry's; a list that is initialized already; one that is not deleted at unload (leak).
///
/// # Safety
/// `list` is writable and stays where it is.
pub unsafe extern "win64" fn ExInitializeNPagedLookasideList(
    list: *mut Lookaside,
    allocate: usize,
    free: usize,
    _flags: u32,
    size: usize,
    tag: u32,
    _depth: u16,
) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a writable list.
    unsafe { initialize(list, allocate, free, NON_PAGED_NX, size, tag) };
}

/// Makes an empty list of paged blocks.
///
/// Follows the ExInitializePagedLookasideList page (IRQL <= APC_LEVEL). Judged as [`ExInitializeNPagedLookasideList`].
///
/// # Safety
/// As [`ExInitializeNPagedLookasideList`].
pub unsafe extern "win64" fn ExInitializePagedLookasideList(
    list: *mut Lookaside,
    allocate: usize,
    free: usize,
    _flags: u32,
    size: usize,
    tag: u32,
    _depth: u16,
) {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the caller promises a writable list.
    unsafe { initialize(list, allocate, free, PAGED, size, tag) };
}

/// Frees the blocks of a list of non-paged blocks, and ends it.
///
/// Follows the ExDeleteNPagedLookasideList page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no list.
///
/// # Safety
/// `list` is an initialized list.
pub unsafe extern "win64" fn ExDeleteNPagedLookasideList(list: *mut Lookaside) {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a list.
    unsafe { delete(list) };
}

/// Frees the blocks of a list of paged blocks, and ends it.
///
/// Follows the ExDeletePagedLookasideList page (IRQL <= APC_LEVEL). Judged as [`ExDeleteNPagedLookasideList`].
///
/// # Safety
/// As [`ExDeleteNPagedLookasideList`].
pub unsafe extern "win64" fn ExDeletePagedLookasideList(list: *mut Lookaside) {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the caller promises a list.
    unsafe { delete(list) };
}

/// The lists that code of an image has made and nobody has deleted.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let lists = lock();
    let leaked = lists.iter().filter(|(_, made_at)| image.contains(**made_at));
    leaked
        .map(|(address, made_at)| Left::new(*made_at, format_args!("the lookaside list {address:#x}")))
        .collect()
}

/// # Safety
/// `list` is writable.
unsafe fn initialize(
    list: *mut Lookaside,
    allocate: usize,
    free: usize,
    pool_type: u32,
    size: usize,
    tag: u32,
) {
    if size < size_of::<SequencedList>() {
        violation(Rule::BadParameter, format_args!("blocks of {size} bytes have no room for an entry"));
    }
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    if lock().insert(list.addr(), made_at).is_some() {
        violation(Rule::ObjectState, format_args!("the lookaside list {list:p} is initialized already"));
    }
    let or = |given: usize, own: usize| if given == 0 { own } else { given };
    let of_pool = thunk::make("ExAllocatePoolWithTag", pool::ExAllocatePoolWithTag as *const () as usize, 0);
    let to_pool = thunk::make("ExFreePool", pool::ExFreePool as *const () as usize, 0);
    let made = Lookaside {
        list: SequencedList::default(),
        depth: DEPTH,
        maximum_depth: MAXIMUM_DEPTH,
        total_allocates: 0,
        allocate_misses: 0,
        total_frees: 0,
        free_misses: 0,
        pool_type,
        tag,
        size: size as u32,
        allocate: or(allocate, of_pool),
        free: or(free, to_pool),
        links: [0; 2],
        last_counts: [0; 2],
        future: [0; 2],
        rest: [0; 4],
    };
    // SAFETY: the caller promises a writable list.
    for_caller(|| unsafe { list.write(made) });
}

/// # Safety
/// `list` is an initialized list.
unsafe fn delete(list: *mut Lookaside) {
    if lock().remove(&list.addr()).is_none() {
        violation(Rule::ObjectState, format_args!("{list:p} is no lookaside list"));
    }
    loop {
        // SAFETY: the caller promises a list.
        let (free, block) = unsafe {
            (for_caller(|| (*list).free), ExpInterlockedPopEntrySList(&raw mut (*list).list).cast::<c_void>())
        };
        if block.is_null() {
            return;
        }
        invoke!(free; block);
    }
}

/// Pool types, as ExAllocatePoolWithTag takes them.
const PAGED: u32 = 1;
const NON_PAGED_NX: u32 = 512;
/// How many blocks are kept, and could be.
const DEPTH: u16 = 4;
const MAXIMUM_DEPTH: u16 = 256;
static LISTS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<usize, usize>> {
    LISTS.lock().unwrap_or_else(PoisonError::into_inner)
}
