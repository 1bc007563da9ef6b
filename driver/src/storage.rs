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
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull,
    sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence},
};

use backchannel::NtStatus;
use wdk_alloc::WdkAllocator;

/// A type for which memory of zeros is a valid value.
///
/// # Safety
/// All bytes zero are a valid value of the type.
pub(crate) unsafe trait Zeroed {}

// SAFETY: zero is a value of an integer.
unsafe impl Zeroed for AtomicU64 {}

/// A cache line: every block begins on one, so that no line holds parts of two VFs.
#[repr(align(64))]
struct Line;

const ALIGNMENT: usize = align_of::<Line>();

/// A fixed number of `T` in non-paged memory, never dropped one by one.
pub(crate) struct Array<T> {
    memory: Memory,
    count: usize,
    items: PhantomData<T>,
}

impl<T> Array<T> {
    /// No items, no memory.
    pub(crate) const EMPTY: Self = Self { memory: Memory::NONE, count: 0, items: PhantomData };

    /// Allocates `count` items made of zeros.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn zeroed(count: usize) -> Result<Self, NtStatus>
    where
        T: Zeroed,
    {
        const { assert!(align_of::<T>() <= ALIGNMENT, "blocks are aligned to a cache line") };
        const { assert!(!core::mem::needs_drop::<T>(), "items are not dropped") };
        if count == 0 {
            return Ok(Self::EMPTY);
        }
        let bytes = size_of::<T>().checked_mul(count).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { memory: Memory::zeroed(bytes)?, count, items: PhantomData })
    }

    /// Allocates `count` items, each made around `each` zeroed bytes of its own that lie behind the items.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    ///
    /// # Safety
    /// No item is copied out: its bytes go when the array does.
    pub(crate) unsafe fn around(
        count: usize,
        each: usize,
        make: impl Fn(&'static mut [u8]) -> T,
    ) -> Result<Self, NtStatus> {
        const { assert!(align_of::<T>() <= ALIGNMENT, "blocks are aligned to a cache line") };
        const { assert!(!core::mem::needs_drop::<T>(), "items are not dropped") };
        let item = const { size_of::<T>().next_multiple_of(ALIGNMENT) };
        let room = item.checked_add(each).and_then(|room| room.checked_mul(count));
        let memory = Memory::zeroed(room.ok_or(NtStatus::INSUFFICIENT_RESOURCES)?)?;
        let mut array = Self { memory, count: 0, items: PhantomData };
        let mut bytes = array.memory.start();
        // SAFETY: there is room for `count` times `item` bytes, then for the bytes around which items are made.
        bytes = unsafe { bytes.add(item.saturating_mul(count)) };
        while array.count < count {
            // SAFETY: as above; zeroed, in no other slice, and there as long as the array, as our caller knows.
            let own = unsafe { core::slice::from_raw_parts_mut(bytes.as_ptr(), each) };
            // SAFETY: as above.
            bytes = unsafe { bytes.add(each) };
            // SAFETY: fewer than `count` items lie before it.
            let place = unsafe { array.memory.start().cast::<T>().add(array.count) };
            // SAFETY: the memory is aligned and ours alone.
            unsafe { place.write(make(own)) };
            array.count = array.count.saturating_add(1);
        }
        Ok(array)
    }
}

impl<T> Array<T> {
    /// Allocates `count` items, each made by `make`.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn filled(count: usize, make: impl Fn() -> T) -> Result<Self, NtStatus> {
        if count == 0 {
            return Ok(Self::EMPTY);
        }
        // SAFETY: an item has no bytes of its own that could go.
        unsafe { Self::around(count, 0, |_none| make()) }
    }
}

impl<T> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the memory holds `count` items, written or of zeros where `Zeroed` says that those are values, aligned by
        // `Memory`, until `self` is dropped. An empty array has a dangling, aligned pointer and no items.
        unsafe { core::slice::from_raw_parts(self.memory.start().as_ptr().cast(), self.count) }
    }
}

impl<T> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("count", &self.count).finish_non_exhaustive()
    }
}

/// A value that nobody ever uses, made to be copied from: it is too large for a kernel stack.
#[derive(Debug)]
pub(crate) struct Template<T>(T);

impl<T> Template<T> {
    /// Makes the value, in a constant.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }
}

/// A counted reference to a `T` in non-paged memory; the last one frees it.
///
/// The outside can hold references too, by the value's address (the `Context` of an interface).
pub(crate) struct Reference<T>(NonNull<Counted<T>>);

// SAFETY: a reference gives `&T` only, and the count is atomic.
unsafe impl<T: Sync + Send> Send for Reference<T> {}
// SAFETY: as above.
unsafe impl<T: Sync + Send> Sync for Reference<T> {}

impl<T: fmt::Debug> fmt::Debug for Reference<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[repr(C)]
struct Counted<T> {
    value: T,
    references: AtomicU32,
    memory: Memory,
}

impl<T: Sync> Reference<T> {
    /// Allocates a copy of what the template holds.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    ///
    /// # Safety
    /// A second `T` of the same bytes is a value of its own: `T` owns nothing as long as it is unused.
    pub(crate) unsafe fn copy_of(template: &'static Template<T>) -> Result<Self, NtStatus> {
        const { assert!(align_of::<Counted<T>>() <= ALIGNMENT, "blocks are aligned to a cache line") };
        let memory = Memory::zeroed(size_of::<Counted<T>>())?;
        let counted = memory.start().cast::<Counted<T>>();
        // SAFETY: the memory is large enough, aligned and ours alone.
        let value = unsafe { &raw mut (*counted.as_ptr()).value };
        // SAFETY: both are a whole `T` and do not overlap; nobody ever changed the template, and our caller says that a
        // copy is a value of its own.
        unsafe { core::ptr::copy_nonoverlapping(&raw const template.0, value, 1) };
        // SAFETY: as above.
        let references = unsafe { &raw mut (*counted.as_ptr()).references };
        // SAFETY: as above.
        unsafe { references.write(AtomicU32::new(1)) };
        // SAFETY: as above.
        let owner = unsafe { &raw mut (*counted.as_ptr()).memory };
        // SAFETY: as above; from here the block owns its own memory until the last reference takes it out.
        unsafe { owner.write(memory) };
        Ok(Self(counted))
    }

    /// The value, to be changed, if this is the only reference.
    pub(crate) fn alone(&mut self) -> Option<&mut T> {
        if self.counted().references.load(Ordering::Acquire) != 1 {
            return None;
        }
        // SAFETY: no other reference is there, and this one is borrowed: nobody else makes one meanwhile.
        Some(unsafe { &mut self.0.as_mut().value })
    }

    /// The value's address: how the outside names it, without a reference of its own.
    pub(crate) const fn as_ptr(&self) -> NonNull<T> {
        self.0.cast()
    }

    /// Leaves this reference to the outside, which gives it back by [`Reference::decrement`].
    pub(crate) fn hand_out(self) {
        let _handed_out = ManuallyDrop::new(self);
    }

    /// Takes one more reference, on behalf of the outside.
    ///
    /// # Safety
    /// `value` came from [`Reference::as_ptr`], and a reference keeps it during the call.
    pub(crate) unsafe fn increment(value: NonNull<T>) {
        let existing = ManuallyDrop::new(Self(value.cast()));
        let _one_more = ManuallyDrop::new(existing.clone());
    }

    /// Gives back what [`Reference::increment`] or [`Reference::hand_out`] gave.
    ///
    /// # Safety
    /// `value` came from [`Reference::as_ptr`], and each reference is given back once.
    pub(crate) unsafe fn decrement(value: NonNull<T>) {
        drop(Self(value.cast()));
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

impl<T> Clone for Reference<T> {
    fn clone(&self) -> Self {
        // SAFETY: this reference keeps the block.
        let counted = unsafe { self.0.as_ref() };
        counted.references.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl<T> Deref for Reference<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this reference keeps the block.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T> Drop for Reference<T> {
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
    /// What the allocator gave; the first aligned byte of it is ours.
    allocation: NonNull<u8>,
    /// How much it gave; 0 for none.
    bytes: usize,
}

impl Memory {
    const NONE: Self = Self { allocation: NonNull::<Line>::dangling().cast(), bytes: 0 };

    fn zeroed(bytes: usize) -> Result<Self, NtStatus> {
        let bytes = bytes.checked_add(ALIGNMENT).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let layout = Layout::from_size_align(bytes, 16).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        // SAFETY: the layout is not empty. ExAllocatePool2, which this calls, zeroes what it gives.
        let allocation = unsafe { WdkAllocator.alloc(layout) };
        let allocation = NonNull::new(allocation).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { allocation, bytes })
    }

    fn start(&self) -> NonNull<u8> {
        let start = self.allocation.as_ptr().map_addr(|address| address.next_multiple_of(ALIGNMENT));
        NonNull::new(start).unwrap_or(self.allocation)
    }
}

// SAFETY: the memory belongs to whoever holds this value, on any thread.
unsafe impl Send for Memory {}
// SAFETY: a shared `Memory` gives nothing away; its users answer for what they put in.
unsafe impl Sync for Memory {}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Ok(layout) = Layout::from_size_align(self.bytes, 16)
            && self.bytes != 0
        {
            // SAFETY: `zeroed` got it from this allocator with this layout.
            unsafe { WdkAllocator.dealloc(self.allocation.as_ptr(), layout) };
        }
    }
}

/// Values of which the latest is in use; earlier ones stay until all go, because somebody may still be looking at one.
pub(crate) struct Latest<T> {
    newest: AtomicPtr<Entry<T>>,
}

struct Entry<T> {
    value: T,
    earlier: *mut Self,
    memory: Memory,
}

impl<T> Latest<T> {
    /// No value.
    pub(crate) const fn new() -> Self {
        Self { newest: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// The value pushed last.
    pub(crate) fn newest(&self) -> Option<&T> {
        // SAFETY: entries are whole before they are published, and freed only when `self` is dropped.
        unsafe { self.newest.load(Ordering::Acquire).as_ref() }.map(|entry| &entry.value)
    }

    /// Makes what `make` returns the latest. Only one thread pushes at a time; any may look.
    ///
    /// The value is made where it stays as nearly as the compiler can: it is large for a kernel stack.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn push(&self, make: impl FnOnce() -> T) -> Result<(), NtStatus> {
        const { assert!(align_of::<Entry<T>>() <= ALIGNMENT, "blocks are aligned to a cache line") };
        let memory = Memory::zeroed(size_of::<Entry<T>>())?;
        let entry = memory.start().cast::<Entry<T>>().as_ptr();
        // SAFETY: the memory is large enough, aligned and ours alone.
        let value = unsafe { &raw mut (*entry).value };
        // SAFETY: as above.
        unsafe { value.write(make()) };
        // SAFETY: as above.
        let earlier = unsafe { &raw mut (*entry).earlier };
        // SAFETY: as above.
        unsafe { earlier.write(self.newest.load(Ordering::Relaxed)) };
        // SAFETY: as above.
        let owner = unsafe { &raw mut (*entry).memory };
        // SAFETY: as above; from here the entry owns its own memory until it is dropped.
        unsafe { owner.write(memory) };
        self.newest.store(entry, Ordering::Release);
        Ok(())
    }
}

impl<T> Drop for Latest<T> {
    fn drop(&mut self) {
        let mut next = *self.newest.get_mut();
        while !next.is_null() {
            // SAFETY: nobody looks any more, and each entry is taken apart once.
            let memory = unsafe { &raw mut (*next).memory };
            // SAFETY: as above.
            let memory = unsafe { memory.read() };
            // SAFETY: as above.
            let earlier = unsafe { (*next).earlier };
            // SAFETY: as above.
            let value = unsafe { &raw mut (*next).value };
            // SAFETY: as above.
            unsafe { value.drop_in_place() };
            drop(memory);
            next = earlier;
        }
    }
}

impl<T> fmt::Debug for Latest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").field("some", &self.newest().is_some()).finish_non_exhaustive()
    }
}
