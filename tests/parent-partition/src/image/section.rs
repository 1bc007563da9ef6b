//! One mapped section of an image, with the protection its header asks for.

use std::sync::atomic::{AtomicBool, Ordering};

use object::pe;

use crate::memory::pages;

/// A section as it lies in memory.
#[derive(Debug)]
pub struct Section {
    name: String,
    start: usize,
    size: usize,
    characteristics: u32,
    discarded: AtomicBool,
}

impl Section {
    pub(super) fn new(name: String, start: usize, size: usize, characteristics: u32) -> Self {
        Self { name, start, size, characteristics, discarded: AtomicBool::new(false) }
    }

    /// Its name in the section table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First address.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Bytes, whole pages.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: usize) -> bool {
        (self.start..self.start + self.size).contains(&address)
    }

    /// The address behind it.
    pub fn end(&self) -> usize {
        self.start + self.size
    }

    /// Whether it holds code.
    pub fn is_executable(&self) -> bool {
        self.characteristics & pe::IMAGE_SCN_MEM_EXECUTE.0 != 0
    }

    /// Whether it can be written.
    pub fn is_writable(&self) -> bool {
        self.characteristics & pe::IMAGE_SCN_MEM_WRITE.0 != 0
    }

    /// Whether it goes away when the entry point has returned.
    pub fn is_discardable(&self) -> bool {
        self.characteristics & pe::IMAGE_SCN_MEM_DISCARDABLE.0 != 0
    }

    /// Whether it has gone away.
    pub fn is_discarded(&self) -> bool {
        self.discarded.load(Ordering::Acquire)
    }

    pub(super) fn protect(&self) {
        match (self.is_executable(), self.is_writable()) {
            (true, _) => pages::make_executable(self.start, self.size),
            (false, true) => pages::open(self.start, self.size),
            (false, false) => pages::make_read_only(self.start, self.size),
        }
    }

    pub(super) fn discard(&self) {
        self.discarded.store(true, Ordering::Release);
        pages::close(self.start, self.size);
    }
}
