//! Driver images: mapped, bound, found again by address.
//!
//! An image stays known after it is unloaded: its range is inaccessible then, and a late call into it is
//! blamed on it by name.

mod callers;
pub(crate) mod code;
mod exports;
mod load;
mod section;
pub(crate) mod unwind;

pub(crate) use callers::{Callers, Registers};
pub use exports::{Export, Exports};
pub use load::{LoadError, load};
pub use section::Section;

use std::ptr::with_exposed_provenance;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use crate::memory::pages;

/// One image, loaded or unloaded; lives as long as the process.
#[derive(Debug)]
pub struct Image {
    path: String,
    base: usize,
    size: usize,
    entry: usize,
    sections: Vec<Section>,
    /// Offset and length of the function table.
    functions: (u32, u32),
    exported: Vec<(String, usize)>,
    state: AtomicU8,
    older: AtomicPtr<Image>,
}

/// The loaded image that holds `address`; async-signal-safe.
pub fn find(address: usize) -> Option<&'static Image> {
    find_known(address).filter(|image| image.is_loaded())
}

/// The image that holds `address`, unloaded ones included; async-signal-safe.
pub(crate) fn find_known(address: usize) -> Option<&'static Image> {
    known().find(|image| image.contains(address))
}

/// The image that was loaded first: the one under test; async-signal-safe.
pub(crate) fn first() -> Option<&'static Image> {
    known().last()
}

/// The loaded image, when there is exactly one.
pub(crate) fn only_loaded() -> Option<&'static Image> {
    let mut loaded = known().filter(|image| image.is_loaded());
    loaded.next().filter(|_| loaded.next().is_none())
}

/// Every image known, newest first; async-signal-safe.
pub(crate) fn known() -> impl Iterator<Item = &'static Image> {
    let follow = |link: &AtomicPtr<Image>| {
        // SAFETY: a link is null or points to an image that was leaked by `publish`.
        unsafe { link.load(Ordering::Acquire).as_ref() }
    };
    std::iter::successors(follow(&NEWEST), move |image| follow(&image.older))
}

impl Image {
    /// Path of the file it was loaded from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Name of the file it was loaded from.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// First address.
    pub fn base(&self) -> usize {
        self.base
    }

    /// Bytes from the first address to the last section's end.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Address of the entry point.
    pub fn entry(&self) -> usize {
        self.entry
    }

    /// Address of an exported name.
    pub fn exported(&self, name: &str) -> Option<usize> {
        self.exported.iter().find(|(exported, _)| exported == name).map(|(_, address)| *address)
    }

    /// The mapped sections, by address.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Whether `address` lies in the image.
    pub fn contains(&self, address: usize) -> bool {
        (self.base..self.base + self.size).contains(&address)
    }

    /// Distance of `address` from the image's start.
    pub fn offset_of(&self, address: usize) -> usize {
        address - self.base
    }

    /// Whether `address` lies in code of the image that can still run.
    pub fn is_executable(&self, address: usize) -> bool {
        let runs = |section: &Section| section.is_executable() && !section.is_discarded();
        self.is_loaded() && self.section_of(address).is_some_and(runs)
    }

    /// The section that holds `address`; `None` for the headers.
    pub fn section_of(&self, address: usize) -> Option<&Section> {
        self.sections.iter().find(|section| section.contains(address))
    }

    /// Bytes of the loaded image, `None` where they are not all in one readable section.
    fn bytes(&self, offset: u32, length: u32) -> Option<&[u8]> {
        let address = self.base + offset as usize;
        let section = self.section_of(address).filter(|_| self.is_loaded())?;
        if section.is_discarded() || length == 0 || !section.contains(address + length as usize - 1) {
            return None;
        }
        // SAFETY: the bytes lie in a section that is mapped and readable; function tables are never written.
        Some(unsafe { std::slice::from_raw_parts(with_exposed_provenance(address), length as usize) })
    }

    /// Whether it is loaded still.
    pub fn is_loaded(&self) -> bool {
        self.state.load(Ordering::Acquire) == LOADED
    }

    /// Makes the discardable sections inaccessible, as the kernel does when the entry point has returned.
    pub fn discard(&self) {
        self.sections.iter().filter(|section| section.is_discardable()).for_each(Section::discard);
    }

    /// Makes the whole image inaccessible; its address range is never used again.
    pub fn unload(&self) {
        self.state.store(UNLOADED, Ordering::Release);
        pages::close(self.base, self.size);
    }
}

fn publish(image: Image) -> &'static Image {
    let image: &'static mut Image = Box::leak(Box::new(image));
    let mut older = NEWEST.load(Ordering::Acquire);
    loop {
        image.older.store(older, Ordering::Relaxed);
        match NEWEST.compare_exchange(older, image, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return image,
            Err(newer) => older = newer,
        }
    }
}

const LOADED: u8 = 1;
const UNLOADED: u8 = 2;
static NEWEST: AtomicPtr<Image> = AtomicPtr::new(std::ptr::null_mut());
