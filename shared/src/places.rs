//! Places for handlers that come at run time: which are free, what each registration is called, and who may end it.
//!
//! A registration is known to its owner by a number that is never used twice. Its place can change: another handler that
//! replaces it has a place of its own, under the same number. What else a host keeps at a place is its own; the states say
//! when it may be touched, and by whom.
//!
//! ```text
//!           claim             serve             begin_change             vacate
//!   Vacant -------> Filling ---------> Serving <------------> Changing ---------> Vacant
//!                      |                          settle       |   ^
//!                      +--> Vacant (vacate)                    v   | begin_change
//!                                              Leaving, Replaced, Orphaned
//! ```
//!
//! Whoever brought a place into `Filling` or `Changing` is alone with it until it goes on.

use core::fmt;

use crate::block::BlockId;
use crate::sync::{AtomicU32, AtomicU64, Ordering, array_of, const_new};

/// Keeps the states of `PLACES` places, at most 256.
///
/// All-zero is a valid value: every place is vacant.
pub struct Places<const PLACES: usize> {
    places: [Place; PLACES],
    last_number: AtomicU64,
}

/// The state of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceState {
    /// Free.
    Vacant,
    /// Being filled by who claimed it.
    Filling,
    /// In service.
    Serving,
    /// Being taken out of service, or out of another state, by one thread.
    Changing,
    /// Out of service; a call may still be inside. Its owner may ask again.
    Leaving,
    /// Another handler has taken over; a call may still be inside this one.
    Replaced,
    /// Out of service, and its owner has left; a call may still be inside.
    Orphaned,
}

#[derive(Debug)]
struct Place {
    /// Number and state.
    word: AtomicU64,
    block: AtomicU32,
}

impl<const PLACES: usize> Places<PLACES> {
    const_new! {
        /// Makes vacant places.
        #[must_use]
        pub fn new() -> Self {
            const { assert!(PLACES <= 256, "places are numbered by a byte") };
            Self {
                places: array_of!(Place { word: AtomicU64::new(0), block: AtomicU32::new(0) }; PLACES),
                last_number: AtomicU64::new(0),
            }
        }
    }

    /// Claims a vacant place for the handler of a block, under a new number or that of the registration it is to replace.
    ///
    /// Gives the place and the number; `None` if no place is vacant.
    pub fn claim(&self, block: BlockId, replacing: Option<u64>) -> Option<(u8, u64)> {
        let number = replacing.unwrap_or_else(|| {
            self.last_number.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & LAST_NUMBER
        });
        let to = word(number, PlaceState::Filling);
        let index = (0..=u8::MAX)
            .zip(&self.places)
            .find_map(|(index, place)| place.change(0, to).then_some(index))?;
        // INVARIANT: nobody knows the number before its owner or a callback is told it, which comes later.
        self.place(index)?.block.store(block.value(), Ordering::Release);
        Some((index, number))
    }

    /// Finds the place that serves, or is to serve, under a number, and its block.
    ///
    /// While one handler replaces another there are two; both have the block.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<(u8, BlockId)> {
        self.search(|state, found| found == number && state.is_known())
    }

    /// Takes the place of a registration out of service, or gives `None` if there is none, or somebody else is about it.
    pub fn begin_change(&self, number: u64) -> Option<(u8, BlockId, PlaceState)> {
        let serving =
            |state, found| found == number && matches!(state, PlaceState::Serving | PlaceState::Leaving);
        let (index, block) = self.search(serving)?;
        let place = self.place(index)?;
        // INVARIANT: the number is a part of what is exchanged: by now the place may be another registration's.
        [PlaceState::Serving, PlaceState::Leaving]
            .into_iter()
            .find(|from| place.change(word(number, *from), word(number, PlaceState::Changing)))
            .map(|from| (index, block, from))
    }

    /// Brings a place from one state to another; says whether it was in the first.
    pub fn go_on(&self, place: u8, from: PlaceState, to: PlaceState) -> bool {
        let Some(place) = self.place(place) else { return false };
        let now = place.word.load(Ordering::Relaxed);
        let next = if to == PlaceState::Vacant { 0 } else { word(number(now), to) };
        state(now) == from && place.change(now, next)
    }

    /// Gives the state of a place, and the number of its registration.
    #[must_use]
    pub fn state(&self, place: u8) -> (PlaceState, u64) {
        let now = self.place(place).map_or(0, |place| place.word.load(Ordering::Acquire));
        (state(now), number(now))
    }

    /// Gives the block of what a place holds, or held last.
    #[must_use]
    pub fn block(&self, place: u8) -> BlockId {
        BlockId::new(self.place(place).map_or(0, |place| place.block.load(Ordering::Acquire)))
    }

    /// Says whether every place is vacant.
    #[must_use]
    pub fn are_vacant(&self) -> bool {
        self.places.iter().all(|place| place.word.load(Ordering::Relaxed) == 0)
    }

    fn place(&self, index: u8) -> Option<&Place> {
        self.places.get(usize::from(index))
    }

    fn search(&self, is_it: impl Fn(PlaceState, u64) -> bool) -> Option<(u8, BlockId)> {
        (0..=u8::MAX).zip(&self.places).find_map(|(index, place)| {
            let now = place.word.load(Ordering::Acquire);
            is_it(state(now), number(now)).then(|| (index, BlockId::new(place.block.load(Ordering::Acquire))))
        })
    }
}

impl Place {
    fn change(&self, from: u64, to: u64) -> bool {
        self.word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl PlaceState {
    /// Says whether a registration in this state is one that its owner's number stands for.
    const fn is_known(self) -> bool {
        matches!(self, Self::Filling | Self::Serving | Self::Changing)
    }
}

impl<const PLACES: usize> Default for Places<PLACES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const PLACES: usize> fmt::Debug for Places<PLACES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}

const STATE_BITS: u32 = 3;
/// More registrations than a machine can make.
const LAST_NUMBER: u64 = u64::MAX >> STATE_BITS;

fn word(number: u64, state: PlaceState) -> u64 {
    let state = match state {
        PlaceState::Vacant => 0,
        PlaceState::Filling => 1,
        PlaceState::Serving => 2,
        PlaceState::Changing => 3,
        PlaceState::Leaving => 4,
        PlaceState::Replaced => 5,
        PlaceState::Orphaned => 6,
    };
    number << STATE_BITS | state
}

const fn state(word: u64) -> PlaceState {
    match word & ((1 << STATE_BITS) - 1) {
        1 => PlaceState::Filling,
        2 => PlaceState::Serving,
        3 => PlaceState::Changing,
        4 => PlaceState::Leaving,
        5 => PlaceState::Replaced,
        6 => PlaceState::Orphaned,
        _ => PlaceState::Vacant,
    }
}

const fn number(word: u64) -> u64 {
    word >> STATE_BITS
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{PlaceState, Places};
    use crate::block::BlockId;

    const BLOCK: BlockId = BlockId::new(9);

    #[test]
    fn number_of_a_registration_is_never_used_again() {
        let places = Places::<2>::new();
        let (place, first) = places.claim(BLOCK, None).expect("both are vacant");
        assert!(places.go_on(place, PlaceState::Filling, PlaceState::Vacant));
        let (again, second) = places.claim(BLOCK, None).expect("both are vacant");
        assert_eq!((place, again), (0, 0));
        assert!(first != 0 && second != first);
        assert_eq!(places.find(first), None);
        assert_eq!(places.find(second), Some((0, BLOCK)));
    }

    #[test]
    fn no_more_places_are_claimed_than_there_are() {
        let places = Places::<2>::new();
        assert!(places.are_vacant());
        assert!(places.claim(BLOCK, None).is_some() && places.claim(BLOCK, None).is_some());
        assert_eq!(places.claim(BLOCK, None), None);
        assert!(!places.are_vacant());
    }

    #[test]
    fn registration_is_ended_by_one_only() {
        let places = Places::<2>::new();
        let (place, number) = places.claim(BLOCK, None).expect("both are vacant");
        assert_eq!(places.begin_change(number), None, "it does not serve yet");
        assert!(places.go_on(place, PlaceState::Filling, PlaceState::Serving));
        assert_eq!(places.begin_change(number), Some((place, BLOCK, PlaceState::Serving)));
        assert_eq!(places.begin_change(number), None, "somebody is about it");
        assert!(places.go_on(place, PlaceState::Changing, PlaceState::Leaving));
        assert_eq!(places.find(number), None, "it serves no more");
        assert_eq!(places.begin_change(number), Some((place, BLOCK, PlaceState::Leaving)), "asked again");
        assert!(places.go_on(place, PlaceState::Changing, PlaceState::Vacant));
        assert_eq!(places.begin_change(number), None);
    }

    #[test]
    fn number_stands_for_the_handler_that_replaced_another() {
        let places = Places::<2>::new();
        let (old, number) = places.claim(BLOCK, None).expect("both are vacant");
        assert!(places.go_on(old, PlaceState::Filling, PlaceState::Serving));
        let (new, same) = places.claim(BLOCK, Some(number)).expect("one is vacant");
        assert_eq!(same, number);
        assert!(places.go_on(old, PlaceState::Serving, PlaceState::Changing));
        assert!(places.go_on(new, PlaceState::Filling, PlaceState::Serving));
        assert!(places.go_on(old, PlaceState::Changing, PlaceState::Replaced));
        assert_eq!(places.find(number), Some((new, BLOCK)));
        assert_eq!(places.state(old), (PlaceState::Replaced, number));
    }

    #[test]
    fn every_state_comes_back_with_the_number() {
        let places = Places::<1>::new();
        let (place, number) = places.claim(BLOCK, None).expect("it is vacant");
        let ways = [
            PlaceState::Filling,
            PlaceState::Serving,
            PlaceState::Changing,
            PlaceState::Leaving,
            PlaceState::Changing,
            PlaceState::Replaced,
            PlaceState::Changing,
            PlaceState::Orphaned,
        ];
        for (from, to) in ways.iter().zip(&ways[1..]) {
            assert!(places.go_on(place, *from, *to));
            assert_eq!(places.state(place), (*to, number));
        }
        assert!(places.go_on(place, PlaceState::Orphaned, PlaceState::Vacant));
        assert_eq!(places.state(place), (PlaceState::Vacant, 0));
    }

    #[test]
    fn ending_one_registration_leaves_the_others_alone() {
        let places = Places::<2>::new();
        let (first, _) = places.claim(BLOCK, None).expect("both are vacant");
        let (second, number) = places.claim(BLOCK, None).expect("one is vacant");
        for place in [first, second] {
            assert!(places.go_on(place, PlaceState::Filling, PlaceState::Serving));
        }
        assert_eq!(places.begin_change(number), Some((second, BLOCK, PlaceState::Serving)));
        assert_eq!(places.state(first).0, PlaceState::Serving);
    }

    #[test]
    fn place_that_is_not_in_the_expected_state_stays_as_it_is() {
        let places = Places::<1>::new();
        assert!(!places.go_on(0, PlaceState::Serving, PlaceState::Vacant));
        assert!(!places.go_on(1, PlaceState::Vacant, PlaceState::Filling), "there is no such place");
        assert_eq!(places.state(0).0, PlaceState::Vacant);
    }
}
