//! The resources that a device is started with: a memory range, a message interrupt, and the windows of its VFs.
//!
//! The lists belong to the start IRP: their blocks are freed when it has ended, so that a driver that keeps a pointer into
//! them is found.

use crate::memory::{self, Fill, Pool};
use crate::sys::CM_RESOURCE_LIST;

/// The raw and the translated list.
#[derive(Debug)]
pub(crate) struct Resources {
    raw: usize,
    translated: usize,
}

/// How a device interrupts, by [`VECTOR`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupt {
    /// The level of its service routine.
    pub(crate) level: u32,
    /// Whether it comes over a line, not as a message.
    pub(crate) line: bool,
}

impl Resources {
    /// The lists of a device with one BAR, one interrupt, and a window for each VF BAR.
    pub(crate) fn new(windows: impl Iterator<Item = (u64, u32)>, interrupt: Interrupt) -> Self {
        let Interrupt { level, line } = interrupt;
        let memory = |(start, length): (u64, u32)| {
            descriptor(TYPE_MEMORY, FLAGS_BAR, [start as u32, (start >> 32) as u32, length])
        };
        let bar = memory((BAR_START, BAR_LENGTH));
        let windows: Vec<_> = windows.map(memory).collect();
        // Raw: group and message count (of a line: its level), vector. Translated: level, vector.
        let (flags, first) = if line { (FLAGS_LINE, level) } else { (FLAGS_MESSAGE, 1 << 16) };
        let raw = descriptor(TYPE_INTERRUPT, flags, [first, VECTOR, 0]);
        let translated = descriptor(TYPE_INTERRUPT, flags, [level, VECTOR, 0]);
        let with = |message| list(&[&[bar, message], &windows[..]].concat());
        Self { raw: with(raw), translated: with(translated) }
    }

    pub(crate) fn raw(&self) -> *mut CM_RESOURCE_LIST {
        std::ptr::with_exposed_provenance_mut(self.raw)
    }

    pub(crate) fn translated(&self) -> *mut CM_RESOURCE_LIST {
        std::ptr::with_exposed_provenance_mut(self.translated)
    }
}

impl Drop for Resources {
    fn drop(&mut self) {
        memory::free(self.raw, None);
        memory::free(self.translated, None);
    }
}

/// One CM_RESOURCE_LIST with one full descriptor of PCI bus 1.
fn list(descriptors: &[[u8; DESCRIPTOR]]) -> usize {
    let mut bytes = Vec::new();
    for number in [1, INTERFACE_TYPE_PCI, 1, VERSION_AND_REVISION, descriptors.len() as u32] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(descriptors.iter().flatten());
    let block = memory::allocate(bytes.len(), TAG, Pool::Object, Fill::Zero);
    // SAFETY: the block was just allocated with that size.
    unsafe { block.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    block.expose_provenance()
}

/// One CM_PARTIAL_RESOURCE_DESCRIPTOR, whose union's first three numbers are given.
fn descriptor(kind: u8, flags: u16, numbers: [u32; 3]) -> [u8; DESCRIPTOR] {
    let mut bytes = [0; DESCRIPTOR];
    bytes[0] = kind;
    bytes[1] = SHARE_EXCLUSIVE;
    bytes[2..4].copy_from_slice(&flags.to_le_bytes());
    for (index, number) in numbers.into_iter().enumerate() {
        bytes[4 + index * 4..8 + index * 4].copy_from_slice(&number.to_le_bytes());
    }
    if kind == TYPE_INTERRUPT {
        // The affinity: processor 0.
        bytes[12..20].copy_from_slice(&1u64.to_le_bytes());
    }
    bytes
}

/// Size of a partial descriptor.
const DESCRIPTOR: usize = 20;
const TYPE_INTERRUPT: u8 = 2;
const TYPE_MEMORY: u8 = 3;
const SHARE_EXCLUSIVE: u8 = 1;
/// CM_RESOURCE_MEMORY_READ_WRITE | CM_RESOURCE_MEMORY_BAR.
const FLAGS_BAR: u16 = 0x80;
/// CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE.
const FLAGS_MESSAGE: u16 = 0x3;
/// CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE.
const FLAGS_LINE: u16 = 0;
const INTERFACE_TYPE_PCI: u32 = 5;
const VERSION_AND_REVISION: u32 = 0x0001_0001;
const BAR_START: u64 = 0xF_C000_0000;
const BAR_LENGTH: u32 = 0x10_0000;
/// The vector of each device's interrupt.
pub(crate) const VECTOR: u32 = 0x81;
const TAG: u32 = u32::from_le_bytes(*b"CmRL");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::CM_PARTIAL_RESOURCE_DESCRIPTOR;

    #[test]
    fn the_lists_have_the_layout_of_the_headers() {
        assert_eq!(size_of::<CM_PARTIAL_RESOURCE_DESCRIPTOR>(), DESCRIPTOR);
        let resources =
            Resources::new([(0xF_D000_0000, 0x4000)].into_iter(), Interrupt { level: 8, line: false });
        // SAFETY: the list lives as long as `resources` and holds two partial descriptors.
        unsafe {
            let list = resources.translated();
            assert_eq!((*list).Count, 1);
            let partial = &raw const (*list).List[0].PartialResourceList;
            assert_eq!((*partial).Count, 3);
            let first = (&raw const (*partial).PartialDescriptors).cast::<CM_PARTIAL_RESOURCE_DESCRIPTOR>();
            assert_eq!((first.read_unaligned().Type, first.add(1).read_unaligned().Type), (3, 2));
            assert_eq!(first.read_unaligned().u.Memory.Length, BAR_LENGTH);
            assert_eq!(first.add(2).read_unaligned().u.Memory.Length, 0x4000);
        }
    }
}
