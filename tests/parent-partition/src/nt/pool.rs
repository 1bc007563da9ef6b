//! Pool memory: ExAllocatePool2, ExFreePoolWithTag and their older forms.
//!
//! The blocks are the memory room's: they end at an inaccessible page and are never used again once freed. Here is
//! what the pool routines ask of their callers. What an image has allocated and not freed when it is unloaded is a leak
//! (see `leaked_by`).

use std::ffi::c_void;

use super::irql::{APC_LEVEL, DISPATCH_LEVEL};
use super::left::Left;
use crate::image::Image;
use crate::judge::{self, Rule, violation};
use crate::memory::{self, Block, Fill, Pool, Tag};

/// Allocates a block of zeroes from the pool that the flags name.
///
/// Follows the ExAllocatePool2 page (IRQL <= DISPATCH_LEVEL, <= APC_LEVEL for paged memory). Judged: IRQL; a size or a
/// tag of zero; a tag with characters outside 0x20..0x7E; flags that name no pool, two pools, or executable memory.
pub extern "win64" fn ExAllocatePool2(flags: u64, size: usize, tag: u32) -> *mut c_void {
    let pool = match flags & (NON_PAGED | NON_PAGED_EXECUTE | PAGED) {
        NON_PAGED => Pool::NonPaged,
        PAGED => Pool::Paged,
        _ => violation(Rule::BadParameter, format_args!("the flags {flags:#x} name no pool that is allowed")),
    };
    let fill = if flags & UNINITIALIZED == 0 { Fill::Zero } else { Fill::Pattern };
    allocate(pool, size, tag, fill)
}

/// Allocates a block with undefined content.
///
/// Follows the ExAllocatePoolWithTag page (IRQL <= DISPATCH_LEVEL, <= APC_LEVEL for paged memory). Judged as
/// [`ExAllocatePool2`].
pub extern "win64" fn ExAllocatePoolWithTag(kind: u32, size: usize, tag: u32) -> *mut c_void {
    allocate(of_type(kind), size, tag, Fill::Pattern)
}

/// Frees a block whatever its tag.
///
/// Follows the ExFreePool page (IRQL <= DISPATCH_LEVEL, <= APC_LEVEL for paged memory). Judged: IRQL; an address that
/// is no live block's start; bytes changed beside the block.
pub extern "win64" fn ExFreePool(block: *mut c_void) {
    free(block, None);
}

/// Frees a block of that tag.
///
/// Follows the ExFreePoolWithTag page. Judged as [`ExFreePool`], and a tag that is not the block's.
pub extern "win64" fn ExFreePoolWithTag(block: *mut c_void, tag: u32) {
    free(block, (tag != 0).then_some(tag));
}

/// The pool that a type names; one that can be executed breaks [`Rule::BadParameter`].
pub(super) fn of_type(kind: u32) -> Pool {
    match kind {
        POOL_TYPE_NON_PAGED_NX | POOL_TYPE_NON_PAGED_NX_ALIGNED => Pool::NonPaged,
        POOL_TYPE_PAGED | POOL_TYPE_PAGED_ALIGNED => Pool::Paged,
        other => violation(Rule::BadParameter, format_args!("the pool type {other} is not allowed")),
    }
}

/// Allocates paged memory that a routine hands to its caller.
pub(super) fn allocate_paged(size: usize, tag: u32) -> *mut c_void {
    memory::allocate(size, tag, Pool::Paged, Fill::Zero).cast()
}

/// Frees a block on behalf of the routine's caller.
pub(crate) fn free(block: *mut c_void, tag: Option<u32>) {
    judge::irql_at_most(DISPATCH_LEVEL);
    match memory::find(block.addr()).map(|found| found.pool) {
        Some(Pool::Paged) => judge::irql_at_most(APC_LEVEL),
        Some(Pool::Object) => {
            violation(Rule::BadFree, format_args!("{block:p} is an object of the kernel, no pool block"))
        }
        Some(Pool::NonPaged) | None => {}
    }
    memory::free(block.addr(), tag);
}

/// The pool blocks that code of an image has allocated and nobody has freed.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let leaked = |block: &Block| block.pool != Pool::Object && image.contains(block.allocated_at);
    let describe = |block: Block| {
        let what = format_args!("a pool block of {} bytes, tag {}", block.size, Tag(block.tag));
        Left::new(block.allocated_at, what)
    };
    memory::live().into_iter().filter(leaked).map(describe).collect()
}

fn allocate(pool: Pool, size: usize, tag: u32, fill: Fill) -> *mut c_void {
    judge::irql_at_most(if pool == Pool::Paged { APC_LEVEL } else { DISPATCH_LEVEL });
    if size == 0 {
        violation(Rule::BadParameter, "a block of no bytes");
    }
    if !tag.to_le_bytes().iter().all(|character| (0x20..=0x7E).contains(character)) {
        violation(Rule::BadParameter, format_args!("{tag:#x} is no pool tag"));
    }
    memory::allocate(size, tag, pool, fill).cast()
}

/// Flags of ExAllocatePool2.
const UNINITIALIZED: u64 = 0x2;
const NON_PAGED: u64 = 0x40;
const NON_PAGED_EXECUTE: u64 = 0x80;
const PAGED: u64 = 0x100;
/// Pool types of the older routines.
const POOL_TYPE_PAGED: u32 = 1;
const POOL_TYPE_PAGED_ALIGNED: u32 = 5;
const POOL_TYPE_NON_PAGED_NX: u32 = 512;
const POOL_TYPE_NON_PAGED_NX_ALIGNED: u32 = 516;
