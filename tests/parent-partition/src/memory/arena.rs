//! The address space of all pool blocks, and what is known of each page of it.
//!
//! The knowledge lives beside the blocks in a table of atomics, so that a fault handler can read it: which
//! block an address belongs to or lies behind, and whether it was freed.

use std::fmt;
use std::ptr::with_exposed_provenance;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::Tag;
use super::pages::{self, PAGE};
use crate::image;

/// The pages of one block: `first_page..end`, with the block somewhere inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first_page: usize,
    pub(super) block: usize,
    pub(super) end: usize,
}

/// The part of the address space that is not handed out yet.
#[derive(Debug)]
pub(super) struct Arena {
    next: usize,
}

impl Arena {
    pub(super) const fn new() -> Self {
        Self { next: 0 }
    }

    /// Opens pages for a block, with an inaccessible one on either side.
    pub(super) fn allocate(&mut self, size: usize, tag: u32, allocated_at: usize) -> Span {
        let length = size.max(1).next_multiple_of(PAGE);
        if self.next == 0 {
            let table = pages::reserve(PAGES * size_of::<Entry>());
            pages::open(table, PAGES * size_of::<Entry>());
            let base = pages::reserve(PAGES * PAGE);
            TABLE.store(table, Ordering::SeqCst);
            BASE.store(base, Ordering::SeqCst);
            self.next = base + PAGE;
        }
        let first_page = self.next;
        self.next += length + PAGE;
        assert!(
            self.next < BASE.load(Ordering::Relaxed) + PAGES * PAGE,
            "the pool's address space is used up"
        );
        pages::open(first_page, length);
        let entry = entry(first_page).expect("a page of the arena");
        entry.size.store(size as u64, Ordering::Relaxed);
        entry.tag.store(tag, Ordering::Relaxed);
        entry.allocated_at.store(allocated_at as u64, Ordering::Relaxed);
        entry.state.store(LIVE, Ordering::Release);
        span(first_page, size)
    }
}

/// The pages of the block of `size` bytes that has `address` in its first page.
pub(super) fn span(address: usize, size: usize) -> Span {
    let first_page = address - address % PAGE;
    let end = first_page + size.max(1).next_multiple_of(PAGE);
    // From a page on, a block is page-aligned; a smaller one ends at the guard, as near as 16 bytes allow.
    let block = if size >= PAGE { first_page } else { end - size.max(1).next_multiple_of(16) };
    Span { first_page, block, end }
}

/// Makes a block inaccessible for good.
pub(super) fn retire(span: &Span, freed_at: usize) {
    let entry = entry(span.first_page).expect("a page of the arena");
    entry.freed_at.store(freed_at as u64, Ordering::Relaxed);
    entry.state.store(FREED, Ordering::Release);
    pages::close(span.first_page, span.end - span.first_page);
}

/// Where an address lies relative to the pool's blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    size: usize,
    tag: u32,
    /// Distance from the block's start; negative before it.
    offset: isize,
    freed: bool,
    allocated_at: usize,
    freed_at: usize,
}

/// Finds `address` among the pool's blocks, live or freed; async-signal-safe.
pub(crate) fn place(address: usize) -> Option<Place> {
    let mut page = address - address % PAGE;
    let (entry, first_page) = loop {
        let entry = entry(page)?;
        if entry.state.load(Ordering::Acquire) != NONE {
            break (entry, page);
        }
        page = page.checked_sub(PAGE)?;
    };
    let size = entry.size.load(Ordering::Relaxed) as usize;
    let block = span(first_page, size).block;
    Some(Place {
        size,
        tag: entry.tag.load(Ordering::Relaxed),
        offset: address.wrapping_sub(block).cast_signed(),
        freed: entry.state.load(Ordering::Relaxed) == FREED,
        allocated_at: entry.allocated_at.load(Ordering::Relaxed) as usize,
        freed_at: entry.freed_at.load(Ordering::Relaxed) as usize,
    })
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size.cast_signed();
        match self.offset {
            ..0 => write!(f, "{} bytes before the start of ", -self.offset)?,
            offset if offset >= size => write!(f, "{} bytes past the end of ", offset - size)?,
            0 => write!(f, "at the start of ")?,
            offset => write!(f, "{offset} bytes into ")?,
        }
        let state = if self.freed { "freed " } else { "" };
        write!(f, "a {state}pool block of {} bytes, tag {}", self.size, Tag(self.tag))?;
        let (verb, code) =
            if self.freed { ("freed", self.freed_at) } else { ("allocated", self.allocated_at) };
        match image::find_known(code) {
            Some(image) => write!(f, ", {verb} at {}+{:#x}", image.name(), image.offset_of(code)),
            None => Ok(()),
        }
    }
}

/// What is known of the block that starts in a page.
#[repr(C)]
struct Entry {
    size: AtomicU64,
    allocated_at: AtomicU64,
    freed_at: AtomicU64,
    tag: AtomicU32,
    state: AtomicU32,
}

fn entry(page: usize) -> Option<&'static Entry> {
    let base = BASE.load(Ordering::SeqCst);
    let index = page.checked_sub(base)? / PAGE;
    if base == 0 || index >= PAGES {
        return None;
    }
    let table = with_exposed_provenance::<Entry>(TABLE.load(Ordering::SeqCst));
    // SAFETY: the table has `PAGES` entries, is mapped for ever, starts zeroed and is only touched atomically.
    Some(unsafe { &*table.add(index) })
}

// 128 GiB of address space: 16 million blocks of a page, none ever used twice.
const PAGES: usize = 1 << 25;
const NONE: u32 = 0;
const LIVE: u32 = 1;
const FREED: u32 = 2;
static TABLE: AtomicUsize = AtomicUsize::new(0);
static BASE: AtomicUsize = AtomicUsize::new(0);
