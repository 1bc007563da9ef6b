//! The journal: what each VF's writes were, in the order in which the handler took them.
//!
//! Calls for one VF never overlap, so each VF has a ring with one writer at a time; who reads is one at a time too, since
//! reads of the journal are calls of one VF. A broken promise of the first kind shows as an entry that says so.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// One write, as two words.
///
/// The first: VF, then a byte that is zero, one of flags, four of generation. The second: the number.
pub(crate) type Entry = [u64; 2];

/// A reset overtook the call while the handler was at it.
pub(crate) const OVERTAKEN: u64 = 1;
/// Another call for the VF was inside.
pub(crate) const OVERLAPPED: u64 = 2;

/// How many VFs have a ring.
pub(crate) const VFS: usize = 64;
/// Entries of one ring, a power of two.
const ENTRIES: u32 = 1024;

/// One VF's part.
pub(crate) struct Ring {
    inside: AtomicBool,
    written: AtomicU32,
    read: AtomicU32,
    entries: [[AtomicU64; 2]; 1024],
}

static RINGS: [Ring; VFS] = [const { Ring::new() }; VFS];

/// A VF's ring.
pub(crate) fn ring(vf: u16) -> Option<&'static Ring> {
    RINGS.get(usize::from(vf))
}

/// Takes the oldest entry of any ring.
pub(crate) fn take() -> Option<Entry> {
    RINGS.iter().find_map(Ring::take)
}

impl Ring {
    const fn new() -> Self {
        Self {
            inside: AtomicBool::new(false),
            written: AtomicU32::new(0),
            read: AtomicU32::new(0),
            entries: [const { [AtomicU64::new(0), AtomicU64::new(0)] }; 1024],
        }
    }

    /// Notes that a call is inside; says whether one was already.
    pub(crate) fn enter(&self) -> bool {
        self.inside.swap(true, Ordering::AcqRel)
    }

    /// Notes that no call is inside.
    pub(crate) fn leave(&self) {
        self.inside.store(false, Ordering::Release);
    }

    /// Whether so many entries more would fit.
    pub(crate) fn has_room(&self, entries: u32) -> bool {
        let used = self.written.load(Ordering::Relaxed).wrapping_sub(self.read.load(Ordering::Acquire));
        used.saturating_add(entries) <= ENTRIES
    }

    /// Adds an entry; there is room.
    pub(crate) fn add(&self, entry: Entry) {
        let place = self.written.load(Ordering::Relaxed);
        if let Some(words) = self.at(place) {
            for (word, value) in words.iter().zip(entry) {
                word.store(value, Ordering::Relaxed);
            }
        }
        self.written.store(place.wrapping_add(1), Ordering::Release);
    }

    fn take(&self) -> Option<Entry> {
        let place = self.read.load(Ordering::Relaxed);
        if place == self.written.load(Ordering::Acquire) {
            return None;
        }
        let [first, second] = self.at(place)?;
        let entry = [first.load(Ordering::Relaxed), second.load(Ordering::Relaxed)];
        self.read.store(place.wrapping_add(1), Ordering::Release);
        Some(entry)
    }

    fn at(&self, place: u32) -> Option<&[AtomicU64; 2]> {
        let place = usize::try_from(place & const { ENTRIES.wrapping_sub(1) }).ok()?;
        self.entries.get(place)
    }
}
