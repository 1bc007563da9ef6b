//! Memory handed to images: pool blocks that end at an inaccessible page, and stay inaccessible once freed.
//!
//! A block of up to a page never straddles one and ends at the guard page behind it; a larger one starts on a
//! page (ExAllocatePool2 promises both). What is left of its pages is filled with a pattern that is checked
//! when the block is freed. Address space is never used twice, so a late touch always faults.

mod arena;
pub mod pages;

pub(crate) use arena::place;

use std::collections::BTreeMap;
use std::ptr::with_exposed_provenance_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::judge::{Rule, violation};
use crate::machine::thread_block;
use arena::Arena;
use pages::PAGE;

/// Which pool a block is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Resident memory.
    NonPaged,
    /// Memory that may be touched up to APC_LEVEL only.
    Paged,
    /// Structures of the kernel or framework that images see (device objects, IRPs).
    Object,
}

/// What a new block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Zeroes.
    Zero,
    /// A pattern that is no valid pointer and no likely value (POOL_FLAG_UNINITIALIZED).
    Pattern,
}

/// One live block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its first byte.
    pub address: usize,
    /// Bytes asked for.
    pub size: usize,
    /// Pool tag.
    pub tag: u32,
    /// Pool it is from.
    pub pool: Pool,
    /// Return address of the call that was being served when it was allocated, 0 outside any call.
    pub allocated_at: usize,
}

/// Allocates `size` bytes, aligned to 16 (to a page from 4096 bytes on).
pub fn allocate(size: usize, tag: u32, pool: Pool, fill: Fill) -> *mut u8 {
    let allocated_at = thread_block::current().map_or(0, |block| block.return_address());
    let mut heap = heap();
    let span = heap.arena.allocate(size, tag, allocated_at);
    let block = Block { address: span.block, size, tag, pool, allocated_at };
    heap.live.insert(span.block, block);
    drop(heap);
    let around = |start: usize, end: usize| {
        // SAFETY: both ends are inside the span's pages, which are open and not handed out yet.
        unsafe { with_exposed_provenance_mut::<u8>(start).write_bytes(SLACK, end - start) };
    };
    around(span.first_page, span.block);
    around(span.block + size, span.end);
    let content = match fill {
        Fill::Zero => 0,
        Fill::Pattern => UNINITIALIZED,
    };
    let pointer = with_exposed_provenance_mut::<u8>(span.block);
    // SAFETY: `size` bytes from the block's start are inside the open pages.
    unsafe { pointer.write_bytes(content, size) };
    pointer
}

/// Frees a block; `tag` is compared unless it is `None`.
///
/// Breaks [`Rule::BadFree`] for an address that is no live block's start or another tag, and
/// [`Rule::PoolOverrun`] when bytes beside the block were changed.
pub fn free(address: usize, tag: Option<u32>) {
    let mut heap = heap();
    let Some(block) = heap.live.remove(&address) else {
        drop(heap);
        violation(
            Rule::BadFree,
            place(address).map_or_else(
                || format!("{address:#x} is no pool block"),
                |place| format!("{address:#x} is {place}"),
            ),
        );
    };
    let span = arena::span(address, block.size);
    drop(heap);
    if let Some(tag) = tag.filter(|tag| *tag != block.tag) {
        let (freed, allocated) = (Tag(tag), Tag(block.tag));
        violation(Rule::BadFree, format_args!("freed with tag {freed}, allocated with {allocated}"));
    }
    // SAFETY: the span's pages are open until `retire` below, and this thread took the block off the list.
    let before = unsafe { slack(span.first_page, address) };
    // SAFETY: as above.
    let behind = unsafe { slack(address + block.size, span.end) };
    if !is_slack(before)
        && let Some(index) = before.iter().rposition(|byte| *byte != SLACK)
    {
        let distance = before.len() - index;
        violation(Rule::PoolOverrun, format_args!("{distance} bytes before {}", Described(&block)));
    }
    if !is_slack(behind)
        && let Some(index) = behind.iter().position(|byte| *byte != SLACK)
    {
        violation(Rule::PoolOverrun, format_args!("{index} bytes past the end of {}", Described(&block)));
    }
    let freed_at = thread_block::current().map_or(0, |thread| thread.return_address());
    arena::retire(&span, freed_at);
}

/// The live block that holds `address`.
pub fn find(address: usize) -> Option<Block> {
    let heap = heap();
    let (_, block) = heap.live.range(..=address).next_back()?;
    (address < block.address + block.size.max(1)).then_some(*block)
}

/// Every live block, by address.
pub fn live() -> Vec<Block> {
    heap().live.values().copied().collect()
}

/// A pool tag as its four characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u32);

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.to_le_bytes().iter().try_for_each(|byte| write!(f, "{}", byte.escape_ascii()))
    }
}

struct Described<'a>(&'a Block);

impl std::fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a pool block of {} bytes, tag {}", self.0.size, Tag(self.0.tag))
    }
}

struct Heap {
    arena: Arena,
    live: BTreeMap<usize, Block>,
}

fn heap() -> MutexGuard<'static, Heap> {
    HEAP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Safety
///
/// The range is readable and nobody writes it while the slice lives.
unsafe fn slack<'a>(start: usize, end: usize) -> &'a [u8] {
    // SAFETY: promised by the caller.
    unsafe { std::slice::from_raw_parts(with_exposed_provenance_mut(start), end - start) }
}

/// One comparison of memory, since there is nearly always nothing to find.
fn is_slack(bytes: &[u8]) -> bool {
    bytes == &[SLACK; PAGE][..bytes.len()]
}

const SLACK: u8 = 0xFD;
const UNINITIALIZED: u8 = 0xCD;
static HEAP: Mutex<Heap> = Mutex::new(Heap { arena: Arena::new(), live: BTreeMap::new() });

#[cfg(test)]
mod tests {
    use super::{Fill, Pool, Tag, allocate, find, free, live};

    const TAG: u32 = u32::from_le_bytes(*b"TsTb");

    #[test]
    fn a_small_block_is_aligned_and_ends_at_its_page() {
        let block = allocate(40, TAG, Pool::NonPaged, Fill::Zero).addr();
        assert_eq!((block % 16, (block + 48) % 4096), (0, 0));
        free(block, Some(TAG));
    }

    #[test]
    fn a_block_of_a_page_or_more_starts_on_a_page() {
        let block = allocate(5000, TAG, Pool::NonPaged, Fill::Pattern);
        assert_eq!(block.addr() % 4096, 0);
        // SAFETY: the block has 5000 bytes.
        assert_eq!(unsafe { block.add(4999).read() }, 0xCD);
        free(block.addr(), None);
    }

    #[test]
    fn a_live_block_is_found_by_any_of_its_bytes() {
        let block = allocate(64, TAG, Pool::Object, Fill::Zero).addr();
        assert_eq!(find(block + 63).map(|found| found.address), Some(block));
        assert_eq!(find(block + 64), None);
        assert!(live().iter().any(|each| each.address == block && each.pool == Pool::Object));
        free(block, None);
        assert_eq!(find(block), None);
    }

    #[test]
    fn a_tag_reads_as_it_is_written() {
        assert_eq!(Tag(TAG).to_string(), "TsTb");
        assert_eq!(Tag(0x01).to_string(), "\\x01\\x00\\x00\\x00");
    }
}
