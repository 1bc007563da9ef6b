//! The block store of one VF: the last value of each block, with its length, version, writer and time.
//!
//! **Slots.** A registration reserves the slots it needs (one for what the VF writes, one for what the PF side
//! publishes) out of one pool, the same places for every VF. What the VF wrote and what was published for it are
//! therefore never the same memory, and a table that would not fit is refused when a block is registered, not when a
//! guest writes.
//!
//! **Why words and not bytes?** A slot is an array of relaxed atomics under a sequence number. It costs a second copy of
//! a write inside our own memory, a few nanoseconds, and buys that the pool is shared between the caller inside the gate
//! and publishers outside it, and that an operator or a debugger reads a whole value at any time without stopping
//! traffic.
//!
//! **Who writes.** Slots for VF-written content: the caller inside the gate. Slots for published content, and every
//! wipe: whoever holds the VF's leaf lock. A wipe of a VF-written slot happens inside the gate or after its registration
//! was drained.

use crate::block::BLOCK_SIZE;
use crate::halves::{join, split};
use crate::statistics::BlockCounters;
use crate::sync::{AtomicU64, Ordering, array_of, const_new, fence};
use crate::vf::Generation;

/// Who made the present value of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Nobody: there is no value.
    Nobody,
    /// The VF.
    Vf,
    /// The PF driver, or a handler.
    Pf,
    /// The operator.
    Operator,
}

/// Describes the present value of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// How many bytes the value has.
    pub length: u8,
    /// Who made it.
    pub writer: Writer,
    /// In which life of the VF.
    pub generation: Generation,
    /// When, in units of the host's clock.
    pub time: u64,
    /// How often the slot changed, wipes included; wraps.
    pub version: u32,
}

/// All slots of one VF. All-zero is the empty store.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct BlockStore<const BLOCKS: usize> {
    slots: [Slot; BLOCKS],
}

/// Each slot also keeps the counters of the block whose place has the same number, which is the slot's own block for all
/// tables without published content: one call then stays within three cache lines.
#[derive(Debug)]
#[repr(C, align(64))]
struct Slot {
    counters: BlockCounters,
    /// Sequence number (odd while the value changes) and generation.
    head: AtomicU64,
    /// Time, writer and length.
    tail: AtomicU64,
    words: [AtomicU64; WORDS],
}

const WORDS: usize = BLOCK_SIZE / 8;

impl<const BLOCKS: usize> BlockStore<BLOCKS> {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { slots: array_of!(Slot::new(); BLOCKS) }
        }
    }

    /// Makes `content` the value of a slot.
    ///
    /// LOCK: the caller is the one writer of the slot, as the module says.
    #[inline]
    pub(crate) fn set(&self, slot: u8, content: &[u8], writer: Writer, generation: Generation, time: u64) {
        if let Some(slot) = self.slots.get(usize::from(slot)) {
            slot.set(content, writer, generation, time);
        }
    }

    /// Removes the value of a slot, byte for byte.
    ///
    /// LOCK: the VF's leaf lock is held.
    pub(crate) fn wipe(&self, slot: u8) {
        if let Some(slot) = self.slots.get(usize::from(slot)) {
            slot.set(&[], Writer::Nobody, Generation::new(0), 0);
        }
    }

    /// Gives the counters of the block at a place.
    #[inline]
    pub(crate) fn counters(&self, place: u8) -> Option<&BlockCounters> {
        self.slots.get(usize::from(place)).map(|slot| &slot.counters)
    }

    /// Describes the value of a slot without its bytes.
    pub(crate) fn stamp(&self, slot: u8) -> Option<Stamp> {
        let slot = self.slots.get(usize::from(slot))?;
        Some(slot.stamp(slot.head.load(Ordering::Acquire)))
    }

    /// Copies the value of a slot, whole; bytes of `out` beyond it are zeroed. `None` if it changed all the time.
    ///
    /// A value longer than `out` is cut short; the stamp has the whole length.
    pub(crate) fn copy(&self, slot: u8, out: &mut [u8]) -> Option<Stamp> {
        let slot = self.slots.get(usize::from(slot))?;
        (0..READ_ATTEMPTS).find_map(|_| slot.copy(out))
    }
}

impl Slot {
    const_new! {
        fn new() -> Self {
            Self {
                counters: BlockCounters::new(),
                head: AtomicU64::new(0),
                tail: AtomicU64::new(0),
                words: array_of!(AtomicU64::new(0); WORDS),
            }
        }
    }

    #[inline]
    fn set(&self, content: &[u8], writer: Writer, generation: Generation, time: u64) {
        let sequence = sequence_of(self.head.load(Ordering::Relaxed));
        let odd = sequence.wrapping_add(1);
        self.head.store(join(odd, generation.value()), Ordering::Relaxed);
        // Whoever reads a word of the new value also reads the odd number, or a later one.
        fence(Ordering::Release);
        let (whole, rest) = content.as_chunks::<8>();
        if let Ok(whole) = <&[[u8; 8]; WORDS]>::try_from(whole) {
            // The common case of a full block: loops of known lengths, that unroll.
            for (bytes, words) in whole.as_chunks::<8>().0.iter().zip(self.words.as_chunks::<8>().0) {
                for (bytes, word) in bytes.iter().zip(words) {
                    word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
                }
            }
        } else {
            self.set_part(whole, rest);
        }
        self.tail.store(tail(content.len(), writer, time), Ordering::Relaxed);
        self.head.store(join(odd.wrapping_add(1), generation.value()), Ordering::Release);
    }

    #[inline(never)]
    fn set_part(&self, whole: &[[u8; 8]], rest: &[u8]) {
        let mut last = [0_u8; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        // Plain loops: an unoptimised build would give a chain of adaptors a large frame.
        let mut words = self.words.iter();
        for (bytes, word) in whole.iter().zip(words.by_ref()) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        if let Some(word) = words.next() {
            word.store(u64::from_le_bytes(last), Ordering::Relaxed);
        }
        for word in words {
            word.store(0, Ordering::Relaxed);
        }
    }

    fn copy(&self, out: &mut [u8]) -> Option<Stamp> {
        let before = self.head.load(Ordering::Acquire);
        let words = self.words.iter().map(|word| word.load(Ordering::Relaxed).to_le_bytes());
        for (to, from) in out.chunks_mut(8).zip(words) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = from;
            }
        }
        let stamp = self.stamp(before);
        fence(Ordering::Acquire);
        let after = self.head.load(Ordering::Relaxed);
        (before == after && sequence_of(before) & 1 == 0).then_some(stamp)
    }

    fn stamp(&self, head: u64) -> Stamp {
        let tail = self.tail.load(Ordering::Relaxed);
        let [length, ..] = tail.to_le_bytes();
        let writer = match tail >> 8 & 3 {
            0 => Writer::Nobody,
            1 => Writer::Vf,
            2 => Writer::Pf,
            _ => Writer::Operator,
        };
        Stamp {
            length,
            writer,
            generation: Generation::new(split(head).1),
            time: tail >> 10,
            version: sequence_of(head) >> 1,
        }
    }
}

fn sequence_of(head: u64) -> u32 {
    split(head).0
}

/// 54 bits of time are 57 years in units of 100 ns.
fn tail(length: usize, writer: Writer, time: u64) -> u64 {
    let writer = match writer {
        Writer::Nobody => 0,
        Writer::Vf => 1,
        Writer::Pf => 2,
        Writer::Operator => 3,
    };
    let length = u64::try_from(length).unwrap_or(0) & 0xFF;
    time << 10 | writer << 8 | length
}

/// A reader that loses against as many changes in a row takes the leaf lock, under which nobody publishes.
const READ_ATTEMPTS: u8 = 16;

const _: () = assert!(
    size_of::<Slot>() == BLOCK_SIZE + 16 + 48 || cfg!(any(loom, shuttle)),
    "the budget of a VF counts 16 bytes of header a slot, and 48 of counters"
);

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{BlockStore, Writer};
    use crate::vf::Generation;

    #[test]
    fn value_comes_back_with_its_stamp_and_zeros_behind_it() {
        let store = BlockStore::<2>::new();
        store.set(1, b"thirteen byte", Writer::Pf, Generation::new(7), 99);
        let mut out = [0xA5; 20];
        let stamp = store.copy(1, &mut out).expect("nobody writes");
        assert_eq!(&out, b"thirteen byte\0\0\0\0\0\0\0");
        assert_eq!((stamp.length, stamp.writer, stamp.generation.value()), (13, Writer::Pf, 7));
        assert_eq!((stamp.time, stamp.version), (99, 1));
    }

    #[test]
    fn value_of_128_bytes_fits_exactly() {
        let store = BlockStore::<1>::new();
        let value: [u8; 128] = core::array::from_fn(|n| u8::try_from(n).expect("below 128"));
        store.set(0, &value, Writer::Vf, Generation::new(0), 0);
        let mut out = [0; 128];
        assert_eq!(store.copy(0, &mut out).map(|stamp| stamp.length), Some(128));
        assert_eq!(out, value);
    }

    #[test]
    fn shorter_value_leaves_nothing_of_the_longer_one_before_it() {
        let store = BlockStore::<1>::new();
        store.set(0, &[0xFF; 128], Writer::Vf, Generation::new(0), 0);
        store.set(0, &[1, 2, 3], Writer::Vf, Generation::new(0), 0);
        let mut out = [0xA5; 128];
        let _stamp = store.copy(0, &mut out).expect("nobody writes");
        assert_eq!(out[..3], [1, 2, 3]);
        assert!(out[3..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn wiped_slot_has_no_byte_left() {
        let store = BlockStore::<1>::new();
        store.set(0, &[0xFF; 128], Writer::Vf, Generation::new(3), 5);
        store.wipe(0);
        let mut out = [0xA5; 128];
        let stamp = store.copy(0, &mut out).expect("nobody writes");
        assert_eq!(out, [0; 128]);
        assert_eq!((stamp.length, stamp.writer, stamp.time), (0, Writer::Nobody, 0));
    }

    #[test]
    fn slot_that_does_not_exist_holds_nothing() {
        let store = BlockStore::<1>::new();
        store.set(1, &[1], Writer::Vf, Generation::new(0), 0);
        assert_eq!(store.copy(1, &mut [0; 4]), None);
    }
}
