//! Driver images: mapped, bound, found again by address.
//!
//! An image stays known after it is unloaded: its range is inaccessible then, and a late call into it is
//! blamed on it by name.

mod callers;
pub(crate) mod code;
mod exports;
mod frames;
mod load;
mod load_config;
mod section;
pub(crate) mod unwind;

pub(crate) use callers::{Callers, Registers};
pub use exports::{Export, Exports};
pub(crate) use frames::{Frame, Frames};
pub use load::{LoadError, imports, load};
pub use section::Section;

use std::ptr::with_exposed_provenance;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use crate::machine::guard::Listed;
use crate::memory::pages;
use unwind::RuntimeFunction;

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
    /// The functions that may be called through pointers; `None` when the image has no list.
    guarded: Option<Listed>,
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

    /// The functions that may be called through pointers, where the image lists them.
    pub(crate) fn guarded_functions(&self) -> Option<Listed> {
        self.guarded.filter(|_| self.is_loaded())
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

    /// The entry of the function that holds the image's byte `offset`; `None` for a leaf.
    pub(crate) fn function(&self, offset: u32) -> Option<RuntimeFunction> {
        let (start, length) = self.functions;
        let entry = |index: u32| {
            let at = start + index * RuntimeFunction::SIZE as u32;
            RuntimeFunction::parse(self.bytes(at, RuntimeFunction::SIZE as u32)?)
        };
        let (mut low, mut high) = (0, length / RuntimeFunction::SIZE as u32);
        while low < high {
            let middle = low.midpoint(high);
            let function = entry(middle)?;
            match () {
                () if offset < function.begin => high = middle,
                () if offset >= function.end => low = middle + 1,
                () => return Some(function),
            }
        }
        None
    }

    /// Up to that many bytes of code from an address on; `None` where there is none.
    pub(crate) fn code_at(&self, address: usize, most: usize) -> Option<&[u8]> {
        let section = self.section_of(address).filter(|_| self.is_executable(address))?;
        let length = most.min(section.end() - address);
        self.bytes(self.offset_of(address) as u32, length as u32)
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
