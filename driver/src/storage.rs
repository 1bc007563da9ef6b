//! Non-paged memory that is made zeroed and in place, and references to what outlives its device.
//!
//! Everything here is allocated at start and freed at removal; nothing on the data path is. A `VirtualFunction` is far
//! larger than a kernel stack would like, so it is never made elsewhere and moved: zeroed memory is one. The allocator
//! of the wdk crates promises 16 bytes of alignment only, so more is asked for and aligned here.
#![expect(unsafe_code, reason = "raw memory becomes typed memory here")]

use core::{
    alloc::{GlobalAlloc, Layout},
    fmt,
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering, fence},
};

use backchannel::NtStatus;
use wdk_alloc::WdkAllocator;

/// A type for which memory of zeros is a valid value.
///
/// # Safety
/// All bytes zero are a valid value of the type.
pub(crate) unsafe trait Zeroed {}

/// The alignment of every block: a cache line, so that no line holds parts of two VFs.
const ALIGNMENT: usize = 64;

/// A fixed number of `T` in non-paged memory, made of zeros, never dropped one by one.
pub(crate) struct Array<T: Zeroed> {
    memory: Memory,
    count: usize,
    items: PhantomData<T>,
}

impl<T: Zeroed> Array<T> {
    /// No items, no memory.
    pub(crate) const EMPTY: Self = Self { memory: Memory::NONE, count: 0, items: PhantomData };

    /// Allocates `count` items.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn zeroed(count: usize) -> Result<Self, NtStatus> {
        const { assert!(align_of::<T>() <= ALIGNMENT, "blocks are aligned to a cache line") };
        const { assert!(!core::mem::needs_drop::<T>(), "items are not dropped") };
        if count == 0 {
            return Ok(Self::EMPTY);
        }
        let bytes = size_of::<T>().checked_mul(count).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { memory: Memory::zeroed(bytes)?, count, items: PhantomData })
    }
}

impl<T: Zeroed> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the memory holds `count` zeroed items, which `Zeroed` says are values, aligned by `Memory`, until `self`
        // is dropped. An empty array has a dangling, aligned pointer and no items.
        unsafe { core::slice::from_raw_parts(self.memory.start.as_ptr().cast(), self.count) }
    }
}

impl<T: Zeroed> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("count", &self.count).finish_non_exhaustive()
    }
}

/// A counted reference to a `T` in non-paged memory; the last one frees it.
///
/// It can leave as a raw pointer (the `Context` of an interface) and come back.
pub(crate) struct Reference<T: Zeroed>(NonNull<Counted<T>>);

#[repr(C)]
struct Counted<T> {
    value: T,
    references: AtomicU32,
    memory: Memory,
}

impl<T: Zeroed + Sync> Reference<T> {
    /// Allocates a `T` made of zeros.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn zeroed() -> Result<Self, NtStatus> {
        let memory = Memory::zeroed(size_of::<Counted<T>>())?;
        let counted = memory.start.cast::<Counted<T>>();
        // SAFETY: the memory is large enough, aligned and ours alone; zeros are a value of `T`.
        let references = unsafe { &raw mut (*counted.as_ptr()).references };
        // SAFETY: as above.
        unsafe { references.write(AtomicU32::new(1)) };
        // SAFETY: as above.
        let owner = unsafe { &raw mut (*counted.as_ptr()).memory };
        // SAFETY: as above; from here the block owns its own memory until the last reference takes it out.
        unsafe { owner.write(memory) };
        Ok(Self(counted))
    }

    /// Gives the reference away as a pointer.
    pub(crate) fn into_raw(self) -> *mut T {
        let pointer = self.0;
        #[expect(clippy::mem_forget, reason = "the pointer carries the reference from here")]
        core::mem::forget(self);
        pointer.as_ptr().cast()
    }

    /// Takes back what [`Reference::into_raw`] gave away.
    ///
    /// # Safety
    /// `pointer` came from `into_raw`, and each such pointer comes back at most once.
    pub(crate) const unsafe fn from_raw(pointer: NonNull<T>) -> Self {
        Self(pointer.cast())
    }

    /// How many references there are; it may have changed on return.
    pub(crate) fn count(&self) -> u32 {
        self.counted().references.load(Ordering::Relaxed)
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: this reference keeps the block.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Zeroed> Clone for Reference<T> {
    fn clone(&self) -> Self {
        // SAFETY: this reference keeps the block.
        let counted = unsafe { self.0.as_ref() };
        counted.references.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl<T: Zeroed> Deref for Reference<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this reference keeps the block.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T: Zeroed> Drop for Reference<T> {
    fn drop(&mut self) {
        // SAFETY: this reference keeps the block until here.
        let references = unsafe { &self.0.as_ref().references };
        if references.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        // SAFETY: that was the last reference.
        let memory = unsafe { &raw mut (*self.0.as_ptr()).memory };
        // SAFETY: `zeroed` wrote it, and it is taken out once.
        let memory = unsafe { memory.read() };
        // SAFETY: that was the last reference; nobody looks at the value after this.
        unsafe { self.0.cast::<T>().drop_in_place() };
        drop(memory);
    }
}

/// An aligned piece of zeroed non-paged memory.
struct Memory {
    start: NonNull<u8>,
    /// What the allocator gave, and how much; null for none.
    allocation: *mut u8,
    bytes: usize,
}

impl Memory {
    const NONE: Self = Self {
        start: NonNull::<[u64; ALIGNMENT / 8]>::dangling().cast(),
        allocation: core::ptr::null_mut(),
        bytes: 0,
    };

    fn zeroed(bytes: usize) -> Result<Self, NtStatus> {
        let bytes = bytes.checked_add(ALIGNMENT).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let layout = Layout::from_size_align(bytes, 16).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        // SAFETY: the layout is not empty. ExAllocatePool2, which this calls, zeroes what it gives.
        let allocation = unsafe { WdkAllocator.alloc(layout) };
        let start = allocation.map_addr(|address| address.next_multiple_of(ALIGNMENT));
        let start = NonNull::new(start).filter(|_| !allocation.is_null()).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { start, allocation, bytes })
    }
}

// SAFETY: the memory belongs to whoever holds this value, on any thread.
unsafe impl Send for Memory {}
// SAFETY: a shared `Memory` gives nothing away; its users answer for what they put in.
unsafe impl Sync for Memory {}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Ok(layout) = Layout::from_size_align(self.bytes, 16)
            && !self.allocation.is_null()
        {
            // SAFETY: `zeroed` got it from this allocator with this layout.
            unsafe { WdkAllocator.dealloc(self.allocation, layout) };
        }
    }
}
