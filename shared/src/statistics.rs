//! Counters of a VF, of each of its blocks, and of the PF.
//!
//! All can be read at any time without stopping traffic. Those of served calls are written by the caller inside the
//! gate, with a plain load and store; those of refusals are counted from outside, too, with an atomic addition.

use crate::block::BlockId;
use crate::refusal::Refusal;
use crate::sync::counting::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{array_of, const_new};

/// Counts refusals, by cause.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct RefusalCounters {
    causes: [AtomicU64; Refusal::COUNT],
}

/// Counts what happened to one block of one VF.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct BlockCounters {
    served: AtomicU64,
    bytes: AtomicU64,
    last: AtomicU64,
    handler_calls: AtomicU64,
    handler_total: AtomicU64,
    handler_longest: AtomicU32,
    refused: AtomicU32,
}

/// A reading of one block's counters. Times are in units of the host's clock (100 ns).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockStatistics {
    /// Calls answered with success.
    pub served: u64,
    /// Bytes of those calls.
    pub bytes: u64,
    /// When the last of them began.
    pub last: u64,
    /// Calls that reached the handler.
    pub handler_calls: u64,
    /// Time spent in the handler, in total.
    pub handler_total: u64,
    /// Time of the longest handler call.
    pub handler_longest: u32,
    /// Calls refused; wraps.
    pub refused: u32,
}

/// How often handler calls took how long: place n counts those of 2^(n-1) to 2^n - 1 units, place 0 those below one.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Histogram {
    places: [AtomicU32; HISTOGRAM_PLACES],
}

/// The number of places of a histogram.
pub const HISTOGRAM_PLACES: usize = 32;

impl RefusalCounters {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { causes: array_of!(AtomicU64::new(0); Refusal::COUNT) }
        }
    }

    pub(crate) fn count(&self, refusal: Refusal) {
        if let Some(cause) = self.causes.get(usize::from(refusal.index())) {
            let _before = cause.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads all counters, in the order of [`Refusal::index`].
    pub(crate) fn read_all(&self, counts: &mut [u64]) {
        for (count, cause) in counts.iter_mut().zip(&self.causes) {
            *count = cause.load(Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self, refusal: Refusal) -> u64 {
        self.causes.get(usize::from(refusal.index())).map_or(0, |cause| cause.load(Ordering::Relaxed))
    }
}

impl BlockCounters {
    const_new! {
        pub(crate) fn new() -> Self {
            Self {
                served: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
                last: AtomicU64::new(0),
                handler_calls: AtomicU64::new(0),
                handler_total: AtomicU64::new(0),
                handler_longest: AtomicU32::new(0),
                refused: AtomicU32::new(0),
            }
        }
    }

    #[inline]
    pub(crate) fn served(&self, bytes: u8, time: u64) {
        add(&self.served, 1);
        add(&self.bytes, u64::from(bytes));
        self.last.store(time, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn handled(&self, time: u64) {
        add(&self.handler_calls, 1);
        add(&self.handler_total, time);
        let time = u32::try_from(time).unwrap_or(u32::MAX);
        if time > self.handler_longest.load(Ordering::Relaxed) {
            self.handler_longest.store(time, Ordering::Relaxed);
        }
    }

    pub(crate) fn refused(&self) {
        let refused = self.refused.load(Ordering::Relaxed);
        self.refused.store(refused.wrapping_add(1), Ordering::Relaxed);
    }

    /// Names the block that the place belongs to, where no handler serves it: see [`Unclaimed`](crate::Unclaimed).
    pub(crate) fn name(&self, block: BlockId) {
        self.handler_total.store(1 << 32 | u64::from(block.value()), Ordering::Release);
    }

    /// Gives the block that was named.
    pub(crate) fn named(&self) -> Option<BlockId> {
        let word = self.handler_total.load(Ordering::Acquire);
        let [a, b, c, d, is_named, ..] = word.to_le_bytes();
        (is_named == 1).then_some(BlockId::new(u32::from_le_bytes([a, b, c, d])))
    }

    /// Begins anew, for another block at the same place.
    pub(crate) fn clear(&self) {
        for counter in [&self.served, &self.bytes, &self.last, &self.handler_calls, &self.handler_total] {
            counter.store(0, Ordering::Relaxed);
        }
        self.handler_longest.store(0, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> BlockStatistics {
        BlockStatistics {
            served: self.served.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            last: self.last.load(Ordering::Relaxed),
            handler_calls: self.handler_calls.load(Ordering::Relaxed),
            handler_total: self.handler_total.load(Ordering::Relaxed),
            handler_longest: self.handler_longest.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

impl Histogram {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { places: array_of!(AtomicU32::new(0); HISTOGRAM_PLACES) }
        }
    }

    #[inline]
    pub(crate) fn count(&self, time: u64) {
        let bits = 64_u32.wrapping_sub(time.leading_zeros());
        let [place, ..] = bits.min(31).to_le_bytes();
        if let Some(place) = self.places.get(usize::from(place)) {
            place.store(place.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self, place: usize) -> u32 {
        self.places.get(place).map_or(0, |place| place.load(Ordering::Relaxed))
    }
}

/// The caller inside the gate is the only writer.
fn add(counter: &AtomicU64, number: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(number), Ordering::Relaxed);
}

const _: () = assert!(
    size_of::<BlockCounters>() == 48 || cfg!(any(loom, shuttle)),
    "the budget of a VF counts 48 bytes a block"
);
