//! WDFCMRESLIST: the memory and interrupts that a device was given.
#![expect(unsafe_code, reason = "calls the framework with handles")]

use backchannel::{MemoryRange, abi::pcivirt::CM_PARTIAL_RESOURCE_DESCRIPTOR};
use wdk_sys::{
    CM_RESOURCE_INTERRUPT_MESSAGE, CM_RESOURCE_MEMORY_LARGE, CM_RESOURCE_MEMORY_LARGE_40,
    CM_RESOURCE_MEMORY_LARGE_48, CM_RESOURCE_MEMORY_LARGE_64, CmResourceTypeInterrupt, CmResourceTypeMemory,
    CmResourceTypeMemoryLarge, WDFCMRESLIST, call_unsafe_wdf_function_binding,
};

/// A list of resources, valid during the callback that was given it.
#[derive(Debug)]
pub(crate) struct Resources(WDFCMRESLIST);

/// One resource, as far as this driver looks at it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource {
    /// Memory, with the flags of its descriptor.
    Memory(MemoryRange, u16),
    /// An interrupt line.
    LineInterrupt,
    /// Anything else, message interrupts included.
    Other,
}

impl Resources {
    /// Takes the argument of a callback.
    ///
    /// # Safety
    /// `list` is the argument of a running `EvtDevicePrepareHardware`.
    pub(crate) const unsafe fn new(list: WDFCMRESLIST) -> Self {
        Self(list)
    }

    /// Every resource, in the list's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Resource> {
        // SAFETY: `new`'s caller vouches for the list.
        let count = unsafe { call_unsafe_wdf_function_binding!(WdfCmResourceListGetCount, self.0) };
        (0..count).filter_map(|place| self.descriptor(place)).map(|descriptor| Resource::of(&descriptor))
    }

    fn descriptor(&self, place: u32) -> Option<CM_PARTIAL_RESOURCE_DESCRIPTOR> {
        // SAFETY: `new`'s caller vouches for the list; KMDF answers NULL for a place behind its end.
        let descriptor =
            unsafe { call_unsafe_wdf_function_binding!(WdfCmResourceListGetDescriptor, self.0, place) };
        let descriptor = descriptor.cast::<CM_PARTIAL_RESOURCE_DESCRIPTOR>();
        if descriptor.is_null() {
            return None;
        }
        // SAFETY: KMDF keeps the descriptor as long as the list; the two declarations are of one layout.
        Some(unsafe { descriptor.read_unaligned() })
    }
}

impl Resource {
    fn of(descriptor: &CM_PARTIAL_RESOURCE_DESCRIPTOR) -> Self {
        let flags = u32::from(descriptor.Flags);
        match u32::from(descriptor.Type) {
            MEMORY => Self::memory(descriptor, 0),
            LARGE_MEMORY => Self::memory(descriptor, shift(flags)),
            INTERRUPT if flags & CM_RESOURCE_INTERRUPT_MESSAGE == 0 => Self::LineInterrupt,
            _ => Self::Other,
        }
    }

    fn memory(descriptor: &CM_PARTIAL_RESOURCE_DESCRIPTOR, shift: u32) -> Self {
        let start = u64::from(descriptor.StartHigh.cast_unsigned()) << 32 | u64::from(descriptor.StartLow);
        let length = u64::from(descriptor.Length).wrapping_shl(shift);
        Self::Memory(MemoryRange { start, length }, descriptor.Flags)
    }
}

/// Describes a range of memory; `flags` are those of the descriptor that it is a part of.
///
/// `None` for a length that no descriptor can tell.
pub(crate) fn describe(range: MemoryRange, flags: u16) -> Option<CM_PARTIAL_RESOURCE_DESCRIPTOR> {
    let kinds = [
        (MEMORY, 0),
        (LARGE_MEMORY, CM_RESOURCE_MEMORY_LARGE_40),
        (LARGE_MEMORY, CM_RESOURCE_MEMORY_LARGE_48),
        (LARGE_MEMORY, CM_RESOURCE_MEMORY_LARGE_64),
    ];
    let kept = u32::from(flags) & !CM_RESOURCE_MEMORY_LARGE;
    let [low, high] = [range.start, range.start >> 32].map(|half| half & 0xFFFF_FFFF);
    kinds.into_iter().find_map(|(kind, large)| {
        let units = range.length >> shift(large);
        let exact = units << shift(large) == range.length;
        Some(CM_PARTIAL_RESOURCE_DESCRIPTOR {
            Type: u8::try_from(kind).ok()?,
            ShareDisposition: DEVICE_EXCLUSIVE,
            Flags: u16::try_from(kept | large).ok()?,
            StartLow: u32::try_from(low).ok()?,
            StartHigh: u32::try_from(high).ok()?.cast_signed(),
            Length: u32::try_from(units).ok().filter(|_| exact)?,
            Reserved: 0,
        })
    })
}

/// How many bits the length of a large descriptor lacks at its lower end.
const fn shift(flags: u32) -> u32 {
    match flags & CM_RESOURCE_MEMORY_LARGE {
        CM_RESOURCE_MEMORY_LARGE_40 => 8,
        CM_RESOURCE_MEMORY_LARGE_48 => 16,
        CM_RESOURCE_MEMORY_LARGE_64 => 32,
        _ => 0,
    }
}

const MEMORY: u32 = CmResourceTypeMemory;
const LARGE_MEMORY: u32 = CmResourceTypeMemoryLarge;
const INTERRUPT: u32 = CmResourceTypeInterrupt;
/// `CmResourceShareDeviceExclusive`.
const DEVICE_EXCLUSIVE: u8 = 1;
