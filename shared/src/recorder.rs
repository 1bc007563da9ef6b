//! The flight recorder: the last 64 things that happened to a VF, readable from a crash dump.
//!
//! Events are typed and 32 bytes each, in a ring that overwrites itself; recording one is a few stores.
//! Events in a row that differ in nothing but their time are one event with a count, so that a flood does not wash the
//! history away. A guest moves
//! this ring, never a log. The caller inside the gate is the only writer and keeps the number of the last event; anybody
//! may read, finds the newest by its number, and tells a torn event by a number that changed.

use crate::block::BlockId;
use crate::halves::{join, split};
use crate::refusal::Refusal;
use crate::sync::counting::{AtomicU64, Ordering, fence};
use crate::sync::{array_of, const_new};
use crate::vf::{Generation, VfEvent};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A write was served.
    Wrote,
    /// A read was served.
    Read,
    /// A write was dropped and answered with success, because its schema says so for one over the rate.
    Shed,
    /// A call was refused.
    Refused(Refusal),
    /// The handlers were told of an event.
    Told(VfEvent),
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The number of the event in the life of the recorder, from 1.
    pub number: u32,
    /// How many like it came in a row.
    pub count: u32,
    /// When the last of them came, in units of the host's clock.
    pub time: u64,
    /// In which life of the VF.
    pub generation: Generation,
    /// The block, or 0.
    pub block: BlockId,
    /// What, as [`Happening::code`].
    pub code: u16,
    /// The stated length of the transfer, 65,535 for anything above.
    pub length: u16,
    /// The status that the caller was told.
    pub status: u32,
}

/// The ring of one VF. All-zero is empty.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Recorder {
    events: [[AtomicU64; 4]; EVENTS],
}

/// How many events a ring holds.
pub const EVENTS: usize = 64;

impl Happening {
    /// Gives the number that stands for this in a ring: the kind in the upper byte, the cause in the lower.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Wrote => 0x0100,
            Self::Read => 0x0200,
            Self::Shed => 0x0300,
            Self::Refused(cause) => u16::from_le_bytes([cause.index(), 4]),
            Self::Told(event) => u16::from_le_bytes([event.number(), 5]),
        }
    }

    const fn status(self) -> u32 {
        match self {
            Self::Refused(cause) => cause.status().bits(),
            Self::Wrote | Self::Read | Self::Shed | Self::Told(_) => 0,
        }
    }
}

impl Recorder {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { events: array_of!(array_of!(AtomicU64::new(0); 4); EVENTS) }
        }
    }

    /// Records an event; one like the last, but for its time, adds to that one's count.
    #[inline]
    pub(crate) fn record(
        &self,
        recorded: &mut u32,
        time: u64,
        generation: Generation,
        block: BlockId,
        length: u32,
        what: Happening,
    ) {
        let [a, b] = what.code().to_le_bytes();
        let [c, d] = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
        let who = join(generation.value(), block.value());
        let how = join(u32::from_le_bytes([a, b, c, d]), what.status());
        self.keep(recorded, time, who, how);
    }

    fn keep(&self, recorded: &mut u32, time: u64, who: u64, how: u64) {
        let Some([first, second, third, fourth]) = self.events.get(place_of(*recorded)) else { return };
        let (number, count) = split(fourth.load(Ordering::Relaxed));
        let is_like = second.load(Ordering::Relaxed) == who && third.load(Ordering::Relaxed) == how;
        if number != 0 && is_like {
            fourth.store(0, Ordering::Relaxed);
            fence(Ordering::Release);
            first.store(time, Ordering::Relaxed);
            fourth.store(join(number, count.saturating_add(1)), Ordering::Release);
            return;
        }
        let number = after(*recorded);
        *recorded = number;
        let Some([first, second, third, fourth]) = self.events.get(place_of(number)) else { return };
        // A reader that sees a word of the new event also sees that the old number is gone.
        fourth.store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        first.store(time, Ordering::Relaxed);
        second.store(who, Ordering::Relaxed);
        third.store(how, Ordering::Relaxed);
        fourth.store(join(number, 1), Ordering::Release);
    }

    /// Reads the event that happened `back` events ago; `None` if it was never recorded or is overwritten right now.
    pub(crate) fn read(&self, back: usize) -> Option<Event> {
        let back = u32::try_from(back).ok()?;
        let number = self.newest()?.wrapping_sub(back);
        let [first, second, third, fourth] = self.events.get(place_of(number))?;
        let before = fourth.load(Ordering::Acquire);
        let (found, count) = split(before);
        if found == 0 || found != number {
            return None;
        }
        let time = first.load(Ordering::Relaxed);
        let (generation, block) = split(second.load(Ordering::Relaxed));
        let (code, status) = split(third.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        if fourth.load(Ordering::Relaxed) != before {
            return None;
        }
        let [a, b, c, d] = code.to_le_bytes();
        Some(Event {
            number,
            count,
            time,
            generation: Generation::new(generation),
            block: BlockId::new(block),
            code: u16::from_le_bytes([a, b]),
            length: u16::from_le_bytes([c, d]),
            status,
        })
    }

    /// The number that no later one follows.
    fn newest(&self) -> Option<u32> {
        let number_at = |place: usize| {
            let [.., number] = self.events.get(place)?;
            Some(split(number.load(Ordering::Acquire)).0).filter(|number| *number != 0)
        };
        let is_newest = |number: &u32| number_at(place_of(after(*number))) != Some(after(*number));
        (0..EVENTS).filter_map(number_at).find(is_newest)
    }
}

/// Numbers go up and never become 0, which is no event; what follows the largest lies at the place where 0 would.
fn after(number: u32) -> u32 {
    match number.wrapping_add(1) {
        0 => 64,
        next => next,
    }
}

fn place_of(number: u32) -> usize {
    let [place, ..] = (number & 63).to_le_bytes();
    usize::from(place)
}

const _: () = assert!(
    size_of::<Recorder>() == 64 * 32 || cfg!(any(loom, shuttle)),
    "the budget of a VF counts 32 bytes an event"
);

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Happening, Recorder};
    use crate::block::BlockId;
    use crate::refusal::{EVERY_REFUSAL, Refusal};
    use crate::vf::{Generation, VfEvent};
    use std::collections::HashSet;

    /// Records an event at a time that no other has, about a block of the same number.
    fn record(recorder: &Recorder, last: &mut u32, block: u32) {
        let what = Happening::Refused(Refusal::Length);
        recorder.record(last, u64::from(block), Generation::new(3), BlockId::new(block), u32::MAX, what);
    }

    #[test]
    fn event_comes_back_as_it_was_recorded() {
        let recorder = Recorder::new();
        assert_eq!(recorder.read(0), None);
        record(&recorder, &mut 0, 77);
        let event = recorder.read(0).expect("it was recorded");
        assert_eq!((event.number, event.count, event.time, event.generation.value()), (1, 1, 77, 3));
        assert_eq!((event.block.value(), event.length), (77, 0xFFFF));
        assert_eq!((event.code, event.status), (0x0404, 0xC000_000D));
        assert_eq!(recorder.read(1), None);
    }

    #[test]
    fn ring_keeps_the_last_64() {
        let (recorder, mut last) = (Recorder::new(), 0);
        for block in 1..=100 {
            record(&recorder, &mut last, block);
        }
        let times: Vec<u64> = (0..70).map_while(|back| recorder.read(back)).map(|event| event.time).collect();
        assert_eq!(times, (37..=100).rev().collect::<Vec<_>>());
    }

    #[test]
    fn flood_of_like_events_takes_one_place() {
        let (recorder, mut last) = (Recorder::new(), 0);
        record(&recorder, &mut last, 5);
        for time in 0..1_000 {
            recorder.record(&mut last, time, Generation::new(3), BlockId::new(6), 4, Happening::Wrote);
        }
        let flood = recorder.read(0).expect("it was recorded");
        assert_eq!((flood.number, flood.count, flood.time), (2, 1_000, 999));
        assert_eq!(recorder.read(1).map(|event| (event.number, event.count)), Some((1, 1)));
    }

    #[test]
    fn numbers_go_on_beyond_the_largest() {
        let (recorder, mut last) = (Recorder::new(), u32::MAX - 2);
        for block in 1..=5 {
            record(&recorder, &mut last, block);
        }
        assert_eq!(recorder.read(0).map(|event| (event.number, event.time)), Some((66, 5)));
        assert_eq!(recorder.read(2).map(|event| event.time), Some(3));
    }

    #[test]
    fn every_happening_has_its_own_code() {
        let mut codes: HashSet<u16> =
            EVERY_REFUSAL.iter().map(|cause| Happening::Refused(*cause).code()).collect();
        codes.extend(VfEvent::IN_ORDER.iter().map(|event| Happening::Told(*event).code()));
        codes.extend([Happening::Wrote, Happening::Read, Happening::Shed].map(Happening::code));
        assert_eq!(codes.len(), Refusal::COUNT + VfEvent::IN_ORDER.len() + 3);
    }
}
