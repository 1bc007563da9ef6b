//! The state of a gate in one 64-bit word, and its transitions as pure functions.
//!
//! ```text
//!  63      53  52  51            20 19     11 10    7 6    3   2      1      0
//! +----------+----+----------------+---------+-------+------+------+--------+------+
//! | call no. | bl | queue, 8 x 4   | spots   | grant | wait | mark | closed | held |
//! +----------+----+----------------+---------+-------+------+------+--------+------+
//! ```
//!
//! `queue` holds the spots of the waiters, the next one in the lowest four bits; `wait` counts them. `spots` marks the
//! spots in use: by a waiter, or by one that left the queue and has not yet consumed its unpark. `grant` is one more
//! than the spot that the gate was handed to, or 0. `bl` is set once the caller inside was blamed for taking too long.
//!
//! INVARIANT: a gate that is not held has no waiters: whoever leaves hands it to the first of them.

/// A snapshot of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

/// How many callers can wait; the next one is refused.
pub(super) const WAITERS: u64 = 8;

/// Changed to force an order between a writer elsewhere and the callers of this gate; means nothing.
pub(super) const MARK: u64 = 1 << 2;

/// One part of the word: where it begins, and its bits there.
#[derive(Clone, Copy)]
struct Part {
    shift: u32,
    bits: u64,
}

const HELD: Part = Part { shift: 0, bits: 1 };
const CLOSED: Part = Part { shift: 1, bits: 1 };
const COUNT: Part = Part { shift: 3, bits: 0xF };
const GRANT: Part = Part { shift: 7, bits: 0xF };
const SPOTS: Part = Part { shift: 11, bits: 0x1FF };
const QUEUE: Part = Part { shift: 20, bits: 0xFFFF_FFFF };
const BLAMED: Part = Part { shift: 52, bits: 1 };
const CALL: Part = Part { shift: 53, bits: 0x7FF };

impl Word {
    pub(super) const fn is_held(self) -> bool {
        self.part(HELD) != 0
    }

    pub(super) const fn is_closed(self) -> bool {
        self.part(CLOSED) != 0
    }

    pub(super) const fn is_blamed(self) -> bool {
        self.part(BLAMED) != 0
    }

    /// The caller inside is blamed.
    pub(super) const fn blamed(self) -> Self {
        self.with(BLAMED, 1)
    }

    /// Says that nobody is inside and nobody is still on the way out of a wait.
    pub(super) const fn is_idle(self) -> bool {
        !self.is_held() && self.part(SPOTS) == 0
    }

    pub(super) const fn waiters(self) -> u64 {
        self.part(COUNT)
    }

    /// Tells one caller inside from the next; wraps.
    pub(super) const fn call(self) -> u64 {
        self.part(CALL)
    }

    pub(super) fn is_granted_to(self, spot: u8) -> bool {
        self.part(GRANT) == u64::from(spot).wrapping_add(1)
    }

    /// A caller goes in; the gate is open, not held, and so without waiters.
    pub(super) const fn entered(self) -> Self {
        self.with(HELD, 1).next_call()
    }

    /// A caller queues up; gives the spot it waits at, or `None` when eight wait already.
    pub(super) fn queued(self) -> Option<(Self, u8)> {
        let spot = self.part(SPOTS).trailing_ones();
        if self.waiters() >= WAITERS || spot >= 9 {
            return None;
        }
        let [spot, ..] = spot.to_le_bytes();
        Some((self.with_last(spot).with(used(spot), 1), spot))
    }

    /// The caller inside leaves; gives the spot of the one who is inside now, if any.
    pub(super) const fn left(self) -> (Self, Option<u8>) {
        let waiters = self.waiters();
        if waiters == 0 {
            return (self.with(HELD, 0).with(BLAMED, 0), None);
        }
        let spot = self.part(place(0));
        let word = self
            .with(QUEUE, self.part(QUEUE) >> 4)
            .with(COUNT, waiters.wrapping_sub(1))
            .with(GRANT, spot.wrapping_add(1))
            .with(BLAMED, 0);
        (word.next_call(), Some(spot.to_le_bytes()[0]))
    }

    /// The waiter at `spot` gives up; `None` when it is no longer queued.
    pub(super) fn withdrawn(self, spot: u8) -> Option<Self> {
        if self.queued_spots().all(|queued| queued != spot) {
            return None;
        }
        let others = self.queued_spots().filter(|queued| *queued != spot);
        Some(others.fold(self.without_queue(), Self::with_last).consumed(spot))
    }

    /// The one who waited at `spot` consumed its unpark; the spot is free again.
    pub(super) fn consumed(self, spot: u8) -> Self {
        let word = self.with(used(spot), 0);
        if self.is_granted_to(spot) { word.with(GRANT, 0) } else { word }
    }

    /// Nobody can go in any more, and all waiters are sent away.
    pub(super) const fn closed(self) -> Self {
        self.without_queue().with(CLOSED, 1)
    }

    /// Callers can go in again.
    pub(super) const fn opened(self) -> Self {
        self.with(CLOSED, 0)
    }

    /// Gives the spots of the waiters, first in the queue first.
    pub(super) fn queued_spots(self) -> impl Iterator<Item = u8> {
        (0..self.waiters()).map(move |waiter| self.part(place(waiter)).to_le_bytes()[0])
    }

    const fn without_queue(self) -> Self {
        self.with(QUEUE, 0).with(COUNT, 0)
    }

    /// The queue has room for one more.
    fn with_last(self, spot: u8) -> Self {
        let waiters = self.waiters();
        self.with(place(waiters), u64::from(spot)).with(COUNT, waiters.wrapping_add(1))
    }

    /// The number wraps by leaving the word.
    const fn next_call(self) -> Self {
        Self(self.0.wrapping_add(1 << CALL.shift))
    }

    const fn part(self, part: Part) -> u64 {
        self.0 >> part.shift & part.bits
    }

    /// The value fits into the part.
    const fn with(self, part: Part, value: u64) -> Self {
        Self(self.0 & !(part.bits << part.shift) | value << part.shift)
    }
}

/// The place of a waiter in the queue, the next one at 0.
const fn place(waiter: u64) -> Part {
    let [waiter, ..] = waiter.to_le_bytes();
    Part { shift: QUEUE.shift.wrapping_add(u32::from_le_bytes([waiter, 0, 0, 0]).wrapping_mul(4)), bits: 0xF }
}

/// The mark of a spot in use.
fn used(spot: u8) -> Part {
    Part { shift: SPOTS.shift.wrapping_add(spot.into()), bits: 1 }
}

#[cfg(test)]
mod tests {
    use super::{MARK, Word};

    fn full() -> Word {
        (0..8).fold(Word(0).entered(), |word, _| word.queued().expect("there is room").0)
    }

    #[test]
    fn ninth_waiter_finds_no_room() {
        assert_eq!(full().queued(), None);
        assert_eq!(full().waiters(), 8);
    }

    #[test]
    fn gate_is_handed_over_in_the_order_of_arrival() {
        let mut word = full();
        for expected in 0..8 {
            let (next, spot) = word.left();
            assert_eq!(spot, Some(expected));
            assert!(next.is_held() && next.is_granted_to(expected));
            word = next.consumed(expected);
        }
        let (word, spot) = word.left();
        assert_eq!(spot, None);
        assert!(word.is_idle());
    }

    #[test]
    fn spot_of_a_woken_waiter_is_not_given_away_before_it_consumed_its_unpark() {
        let (word, _) = full().left();
        let (word, spot) = word.queued().expect("one waiter left the queue");
        assert_eq!(spot, 8);
        assert!(word.is_granted_to(0));
    }

    #[test]
    fn callers_inside_are_told_apart_and_their_number_wraps() {
        let (word, _) = Word(0).entered().queued().expect("there is room");
        let (second, _) = word.left();
        assert_eq!([Word(0).call(), word.call(), second.call()], [0, 1, 2]);
        let (third, _) = second.consumed(0).left();
        assert_eq!(third.entered().call(), 3);
        let wrapped = (0..2048).fold(third, |word, _| word.entered().left().0);
        assert_eq!(wrapped, third);
    }

    #[test]
    fn spot_that_was_consumed_is_the_next_one_given() {
        let (word, _) = full().left();
        let (word, _) = word.consumed(0).queued().expect("one waiter left the queue");
        assert_eq!(word.queued_spots().last(), Some(0));
        assert!(!word.is_granted_to(0));
    }

    #[test]
    fn blame_ends_with_the_call() {
        let word = full().blamed();
        assert!(word.is_blamed());
        let (next, _) = word.left();
        assert!(!next.is_blamed());
        assert!(!Word(0).entered().blamed().left().0.is_blamed());
    }

    #[test]
    fn mark_is_a_bit_of_the_word_that_says_nothing() {
        for word in [Word(0), full(), full().left().0.blamed(), full().closed()] {
            let marked = Word(word.0 ^ MARK);
            assert_ne!(marked, word);
            let says = |word: Word| {
                let flags = [word.is_held(), word.is_closed(), word.is_blamed(), word.is_idle()];
                (
                    flags,
                    word.call(),
                    word.queued_spots().collect::<Vec<_>>(),
                    word.queued().map(|(_, spot)| spot),
                )
            };
            assert_eq!(says(marked), says(word));
        }
    }

    #[test]
    fn withdrawal_keeps_the_order_of_the_others() {
        let word = full().withdrawn(3).expect("it is queued");
        assert_eq!(word.queued_spots().collect::<Vec<_>>(), [0, 1, 2, 4, 5, 6, 7]);
        assert_eq!(word.withdrawn(3), None);
        let word = word.withdrawn(0).and_then(|word| word.withdrawn(7)).expect("both are queued");
        assert_eq!(word.queued_spots().collect::<Vec<_>>(), [1, 2, 4, 5, 6]);
    }

    #[test]
    fn closed_gate_has_no_waiters_and_is_idle_only_when_all_have_gone() {
        let word = full().closed();
        assert_eq!(word.waiters(), 0);
        assert!(word.is_closed() && word.is_held() && !word.is_idle());
        let (word, spot) = word.left();
        assert_eq!(spot, None);
        assert!(!word.is_idle(), "eight have not consumed their unpark");
        assert!((0..8).fold(word, Word::consumed).is_idle());
    }
}
