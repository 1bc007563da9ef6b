//! A 24 KiB kernel stack between inaccessible pages, with its high-water mark.
//!
//! The mark is the deeper of two witnesses: the lowest word that no longer holds the poison, and the lowest
//! stack pointer seen when the image called a routine.

use std::ops::Range;
use std::ptr::with_exposed_provenance;
use std::sync::{Mutex, PoisonError};

use super::thread_block;
use crate::memory::pages;

/// Size of a kernel stack on x64 (KERNEL_STACK_SIZE).
pub const KERNEL_STACK_SIZE: usize = 0x6000;

/// The most of its kernel stack that a thread's image code ever used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackUse {
    /// The simulated thread's name.
    pub thread: String,
    /// Bytes from the top of the stack to its deepest used word.
    pub bytes: usize,
}

/// Stack use of every kernel thread that has ended, and of the calling one.
pub fn deepest_stacks() -> Vec<StackUse> {
    let mut all = ENDED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(block) = thread_block::current() {
        let thread = std::thread::current().name().unwrap_or("").to_owned();
        all.push(StackUse { thread, bytes: block.stack().used(block.lowest_sp()) });
    }
    all
}

pub(super) fn remember(thread: &str, bytes: usize) {
    let mut ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
    match ended.iter_mut().find(|entry| entry.thread == thread) {
        Some(entry) => entry.bytes = entry.bytes.max(bytes),
        None => ended.push(StackUse { thread: thread.to_owned(), bytes }),
    }
}

/// One mapped stack.
#[derive(Debug)]
pub(crate) struct KernelStack {
    low: usize,
}

impl KernelStack {
    pub(super) fn new() -> Self {
        let base = pages::reserve(GUARD + KERNEL_STACK_SIZE + GUARD);
        let low = base + GUARD;
        pages::open(low, KERNEL_STACK_SIZE);
        // SAFETY: the range was just mapped readable and writable, and nobody else knows it.
        unsafe {
            std::ptr::with_exposed_provenance_mut::<u64>(low)
                .cast::<[u64; KERNEL_STACK_SIZE / 8]>()
                .write([POISON; KERNEL_STACK_SIZE / 8]);
        }
        Self { low }
    }

    pub(crate) fn low(&self) -> usize {
        self.low
    }

    pub(crate) fn high(&self) -> usize {
        self.low + KERNEL_STACK_SIZE
    }

    /// Where the first call into an image starts: the thunk gate may copy more stack arguments than the
    /// image passed, so a margin stays above.
    pub(super) fn first_sp(&self) -> usize {
        self.high() - MARGIN
    }

    pub(super) fn used(&self, lowest_sp: usize) -> usize {
        let untouched = (self.low..self.high())
            .step_by(8)
            // SAFETY: the whole range is mapped and readable while `self` lives.
            .take_while(|word| unsafe { with_exposed_provenance::<u64>(*word).read_volatile() } == POISON)
            .count();
        let deepest = (self.low + untouched * 8).min(lowest_sp);
        self.first_sp().saturating_sub(deepest)
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.low..self.high()
    }

    pub(crate) fn contains(&self, address: usize) -> bool {
        self.range().contains(&address)
    }

    /// Whether `address` lies in the stack or in a guard of its.
    pub(crate) fn is_near(&self, address: usize) -> bool {
        (self.low - GUARD..self.high() + GUARD).contains(&address)
    }

    /// How far below the stack's end `address` lies, if in the guard there.
    pub(crate) fn below(&self, address: usize) -> Option<usize> {
        (self.low - GUARD..self.low).contains(&address).then(|| self.low - address)
    }

    /// How far above the stack's start `address` lies, if in the guard there.
    pub(crate) fn above(&self, address: usize) -> Option<usize> {
        (self.high()..self.high() + GUARD).contains(&address).then(|| address - self.high())
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        pages::release(self.low - GUARD, GUARD + KERNEL_STACK_SIZE + GUARD);
    }
}

const MARGIN: usize = 256;
// Wider than a page: a frame of the image may step over one.
const GUARD: usize = 0x10000;
const POISON: u64 = 0x5AC4_5AC4_5AC4_5AC4;
static ENDED: Mutex<Vec<StackUse>> = Mutex::new(Vec::new());
