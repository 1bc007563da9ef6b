//! Counters of a VF, of each of its blocks, and of the PF.
//!
//! All can be read at any time without stopping traffic. Those of served calls are written by the caller inside the
//! gate, with a plain load and store; those of refusals are counted from outside, too, with an atomic addition.

use crate::block::BlockId;
use crate::halves::{join, split};
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
        self.handler_total.store(join(block.value(), 1), Ordering::Release);
    }

    /// Gives the block that was named.
    pub(crate) fn named(&self) -> Option<BlockId> {
        let (block, is_named) = split(self.handler_total.load(Ordering::Acquire));
        (is_named == 1).then_some(BlockId::new(block))
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
        // One more bit than the time has tells the place without a case of its own for 0.
        let doubled = time.min(LONGEST).wrapping_shl(1) | 1;
        let [place, ..] = 63_u32.wrapping_sub(doubled.leading_zeros()).to_le_bytes();
        if let Some(place) = self.places.get(usize::from(place)) {
            place.store(place.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self, place: usize) -> u32 {
        self.places.get(place).map_or(0, |place| place.load(Ordering::Relaxed))
    }
}

/// The least time that the last place of a histogram counts.
const LONGEST: u64 = 1 << 30;

/// The caller inside the gate is the only writer.
fn add(counter: &AtomicU64, number: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(number), Ordering::Relaxed);
}

const _: () = assert!(
    size_of::<BlockCounters>() == 48 || cfg!(any(loom, shuttle)),
    "the budget of a VF counts 48 bytes a block"
);

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{BlockCounters, Histogram, RefusalCounters};
    use crate::block::BlockId;
    use crate::refusal::Refusal;

    #[test]
    fn longest_handler_time_is_the_longest_wherever_it_comes() {
        let counters = BlockCounters::new();
        for (time, longest) in [(5, 5), (9, 9), (2, 9), (9, 9), (u64::MAX, u32::MAX)] {
            counters.handled(time);
            assert_eq!(counters.read().handler_longest, longest);
        }
        assert_eq!(counters.read().handler_calls, 5);
    }

    #[test]
    fn histogram_counts_times_by_their_logarithm() {
        let histogram = Histogram::new();
        for time in [0, 1, 2, 3, 4, 7, 8, 1 << 29, 1 << 30, u64::MAX] {
            histogram.count(time);
        }
        let counts: Vec<u32> = (0..33).map(|place| histogram.read(place)).collect();
        assert_eq!(counts[..5], [1, 1, 2, 2, 1]);
        assert_eq!(
            counts[29..],
            [0, 1, 2, 0],
            "the last place holds all that is longer; behind it is nothing"
        );
    }

    #[test]
    fn refusals_are_counted_by_cause_and_read_in_the_order_of_their_index() {
        let counters = RefusalCounters::new();
        counters.count(Refusal::Length);
        counters.count(Refusal::Length);
        counters.count(Refusal::Crowded);
        let mut counts = [7; Refusal::COUNT];
        counters.read_all(&mut counts);
        let mut expected = [0; Refusal::COUNT];
        expected[usize::from(Refusal::Length.index())] = 2;
        expected[usize::from(Refusal::Crowded.index())] = 1;
        assert_eq!(counts, expected);
        assert_eq!((counters.read(Refusal::Length), counters.read(Refusal::Rate)), (2, 0));
    }

    #[test]
    fn counters_name_a_block_until_they_are_cleared() {
        let counters = BlockCounters::new();
        assert_eq!(counters.named(), None);
        for id in [0, 7, u32::MAX] {
            counters.name(BlockId::new(id));
            assert_eq!(counters.named(), Some(BlockId::new(id)));
        }
        counters.served(9, 3);
        counters.refused();
        counters.clear();
        assert_eq!((counters.named(), counters.read()), (None, super::BlockStatistics::default()));
    }
}
