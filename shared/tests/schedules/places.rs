//! Registrations that come and go: what is filled is seen whole, and what is ended is ended by one.

use std::sync::atomic::{AtomicU32, Ordering};

use backchannel::{BlockId, PlaceState, Places};

use super::host::{Arc, check, thread};

const BLOCK: BlockId = BlockId::new(7);

/// A place and what a host keeps at it.
struct World {
    places: Places<1>,
    /// Written by who is alone with the place, as a host's callbacks are; what reads it must see all of it.
    kept: Kept,
    ended: AtomicU32,
}

#[cfg(loom)]
type Kept = loom::cell::UnsafeCell<u64>;
#[cfg(shuttle)]
type Kept = std::sync::Mutex<u64>;

// SAFETY: the cell is touched in the states that name one party for it, which is what the models check.
#[cfg(loom)]
unsafe impl Sync for World {}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self { places: Places::new(), kept: Kept::new(0), ended: AtomicU32::new(0) })
    }

    #[cfg(loom)]
    fn keep(&self, value: u64) {
        // SAFETY: loom fails the model when anybody else is at the cell.
        self.kept.with_mut(|kept| unsafe { *kept = value });
    }

    #[cfg(shuttle)]
    fn keep(&self, value: u64) {
        *self.kept.try_lock().expect("two are at one place") = value;
    }

    #[cfg(loom)]
    fn kept(&self) -> u64 {
        // SAFETY: as above.
        self.kept.with(|kept| unsafe { *kept })
    }

    #[cfg(shuttle)]
    fn kept(&self) -> u64 {
        *self.kept.try_lock().expect("two are at one place")
    }

    /// Registers as a host does; gives the number, if the place was vacant.
    fn register(&self) -> Option<u64> {
        let (place, number) = self.places.claim(BLOCK, None)?;
        self.keep(number);
        assert!(self.places.go_on(place, PlaceState::Filling, PlaceState::Serving));
        Some(number)
    }

    /// Ends a registration as a host does; says whether it was this one that did.
    fn end(&self, number: u64) -> bool {
        let Some((place, block, from)) = self.places.begin_change(number) else { return false };
        assert_eq!((block, from), (BLOCK, PlaceState::Serving));
        assert_eq!(self.kept(), number, "somebody else's registration is ended");
        self.keep(0);
        self.ended.fetch_add(1, Ordering::SeqCst);
        assert!(self.places.go_on(place, PlaceState::Changing, PlaceState::Vacant));
        true
    }
}

#[test]
fn call_sees_all_that_was_filled_in_before_the_place_served() {
    check(|| {
        let world = World::new();
        let other = Arc::clone(&world);
        let registering = thread::spawn(move || other.register());
        if let (PlaceState::Serving, number) = world.places.state(0) {
            assert_eq!(world.kept(), number);
            assert_eq!(world.places.find(number), Some((0, BLOCK)));
        }
        assert!(registering.join().expect("the model holds").is_some());
    });
}

#[test]
fn registration_is_ended_by_one_of_two() {
    check(|| {
        let world = World::new();
        let number = world.register().expect("the place is vacant");
        let other = Arc::clone(&world);
        let ending = thread::spawn(move || other.end(number));
        let here = world.end(number);
        let there = ending.join().expect("the model holds");
        assert!(here ^ there);
        assert!(world.places.are_vacant());
    });
}

#[test]
fn ending_a_registration_twice_does_not_end_the_next_one_at_its_place() {
    check(|| {
        let world = World::new();
        let number = world.register().expect("the place is vacant");
        let other = Arc::clone(&world);
        let late = thread::spawn(move || other.end(number));
        let ended_here = world.end(number);
        let next = world.register();
        let ended_there = late.join().expect("the model holds");
        assert!(!(ended_here && ended_there));
        if let Some(next) = next {
            assert_eq!(world.places.state(0), (PlaceState::Serving, next));
        }
        assert_eq!(world.ended.load(Ordering::SeqCst), 1);
    });
}
