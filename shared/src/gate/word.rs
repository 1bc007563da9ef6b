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

const HELD: u64 = 1;
const CLOSED: u64 = 1 << 1;
/// Changed to force an order between a writer elsewhere and the callers of this gate; means nothing.
pub(super) const MARK: u64 = 1 << 2;
const COUNT_SHIFT: u32 = 3;
const GRANT_SHIFT: u32 = 7;
const SPOTS_SHIFT: u32 = 11;
const QUEUE_SHIFT: u32 = 20;
const BLAMED: u64 = 1 << 52;
const CALL_SHIFT: u32 = 53;
const NIBBLE: u64 = 0xF;
const SPOTS: u64 = 0x1FF;
const QUEUE: u64 = 0xFFFF_FFFF;

impl Word {
    pub(super) const fn is_held(self) -> bool {
        self.0 & HELD != 0
    }

    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) const fn is_blamed(self) -> bool {
        self.0 & BLAMED != 0
    }

    /// The caller inside is blamed.
    pub(super) const fn blamed(self) -> Self {
        Self(self.0 | BLAMED)
    }

    /// Says that nobody is inside and nobody is still on the way out of a wait.
    pub(super) const fn is_idle(self) -> bool {
        !self.is_held() && self.spots() == 0
    }

    pub(super) const fn waiters(self) -> u64 {
        self.0 >> COUNT_SHIFT & NIBBLE
    }

    const fn queue(self) -> u64 {
        self.0 >> QUEUE_SHIFT & QUEUE
    }

    const fn spots(self) -> u64 {
        self.0 >> SPOTS_SHIFT & SPOTS
    }

    /// Tells one caller inside from the next; wraps.
    pub(super) const fn call(self) -> u64 {
        self.0 >> CALL_SHIFT
    }

    pub(super) fn is_granted_to(self, spot: u8) -> bool {
        self.0 >> GRANT_SHIFT & NIBBLE == u64::from(spot).wrapping_add(1)
    }

    /// A caller goes in; the gate is open, not held, and so without waiters.
    pub(super) const fn entered(self) -> Self {
        Self((self.0 | HELD).wrapping_add(1 << CALL_SHIFT))
    }

    /// A caller queues up; gives the spot it waits at, or `None` when eight wait already.
    pub(super) fn queued(self) -> Option<(Self, u8)> {
        let waiters = self.waiters();
        let spot = self.spots().trailing_ones();
        if waiters >= WAITERS || spot >= 9 {
            return None;
        }
        let queue = self.queue() | u64::from(spot) << (waiters << 2);
        let word = self.with_queue(queue, waiters.wrapping_add(1)).0 | 1 << SPOTS_SHIFT << spot;
        Some((Self(word), spot.to_le_bytes()[0]))
    }

    /// The caller inside leaves; gives the spot of the one who is inside now, if any.
    pub(super) const fn left(self) -> (Self, Option<u8>) {
        let waiters = self.waiters();
        if waiters == 0 {
            return (Self(self.0 & !(HELD | BLAMED)), None);
        }
        let queue = self.queue();
        let spot = queue & NIBBLE;
        let word = self.with_queue(queue >> 4, waiters.wrapping_sub(1)).0 & !(NIBBLE << GRANT_SHIFT | BLAMED)
            | spot.wrapping_add(1) << GRANT_SHIFT;
        (Self(word.wrapping_add(1 << CALL_SHIFT)), Some(spot.to_le_bytes()[0]))
    }

    /// The waiter at `spot` gives up; `None` when it is no longer queued.
    pub(super) fn withdrawn(self, spot: u8) -> Option<Self> {
        let waiters = self.waiters();
        let place = (0..waiters).find(|place| self.queue() >> (place << 2) & NIBBLE == u64::from(spot))?;
        let below = 1_u64.checked_shl(u32::try_from(place << 2).ok()?)?.wrapping_sub(1);
        let queue = self.queue() & below | self.queue() >> 4 & !below;
        Some(self.with_queue(queue, waiters.wrapping_sub(1)).consumed(spot))
    }

    /// The one who waited at `spot` consumed its unpark; the spot is free again.
    pub(super) fn consumed(self, spot: u8) -> Self {
        let word = self.0 & !(1 << SPOTS_SHIFT << spot);
        if self.is_granted_to(spot) { Self(word & !(NIBBLE << GRANT_SHIFT)) } else { Self(word) }
    }

    /// Nobody can go in any more, and all waiters are sent away.
    pub(super) const fn closed(self) -> Self {
        let word = self.with_queue(0, 0).0;
        Self(word | CLOSED)
    }

    /// Callers can go in again.
    pub(super) const fn opened(self) -> Self {
        Self(self.0 & !CLOSED)
    }

    /// Gives the spots of the waiters, first in the queue first.
    pub(super) fn queued_spots(self) -> impl Iterator<Item = u8> {
        let queue = self.queue();
        (0..self.waiters()).map(move |place| {
            let [spot, ..] = (queue >> (place << 2) & NIBBLE).to_le_bytes();
            spot
        })
    }

    const fn with_queue(self, queue: u64, waiters: u64) -> Self {
        let word = self.0 & !(QUEUE << QUEUE_SHIFT) & !(NIBBLE << COUNT_SHIFT);
        Self(word | queue << QUEUE_SHIFT | waiters << COUNT_SHIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

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
    fn blame_ends_with_the_call() {
        let word = full().blamed();
        assert!(word.is_blamed());
        let (next, _) = word.left();
        assert!(!next.is_blamed());
        assert!(!Word(0).entered().blamed().left().0.is_blamed());
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
