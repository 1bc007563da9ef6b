//! A call over its rate that waits a moment, because its schema asks for that.
//!
//! It waits outside the gate, so that it holds up nobody; one call a VF at a time, at most 10 ms, and whoever stops the
//! PF wakes it.

use crate::platform::{ParkSpot, Parker};
use crate::sync::{AtomicU32, Ordering, const_new};

/// The one delayed call of a VF. All-zero is none.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Delay {
    state: AtomicU32,
}

const NOBODY: u32 = 0;
const WAITING: u32 = 1;
const WOKEN: u32 = 2;

impl Delay {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { state: AtomicU32::new(NOBODY) }
        }
    }

    /// Waits until the time, or until woken; `false` at once if another call of the VF waits here.
    #[cold]
    #[inline(never)]
    pub(crate) fn wait<P: Parker>(&self, vf: u16, until: u64, parker: &P) -> bool {
        if !self.change(NOBODY, WAITING) {
            return false;
        }
        let spot = ParkSpot { vf, waiter: ParkSpot::DELAYED };
        parker.enter_critical_region();
        let mut woken = parker.park(spot, Some(until));
        if woken || !self.change(WAITING, NOBODY) {
            // INVARIANT: whoever changed the state unparks the spot, so the wait without a limit is short.
            while !woken {
                woken = parker.park(spot, None);
            }
            self.state.store(NOBODY, Ordering::Release);
        }
        parker.leave_critical_region();
        true
    }

    /// Wakes the delayed call, if there is one.
    pub(crate) fn wake<P: Parker>(&self, vf: u16, parker: &P) {
        if self.change(WAITING, WOKEN) {
            parker.unpark(ParkSpot { vf, waiter: ParkSpot::DELAYED });
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.state.load(Ordering::Acquire) == NOBODY
    }

    fn change(&self, from: u32, to: u32) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::Delay;
    use crate::platform::{ParkSpot, Parker};
    use core::cell::RefCell;

    /// What one park does, and whether it was woken.
    type Step = fn(&Scripted<'_>) -> bool;

    /// Parks as the test says: whether woken, and what happens meanwhile.
    struct Scripted<'a> {
        delay: &'a Delay,
        /// What each park does, from the last to the first.
        parks: RefCell<Vec<Step>>,
        deadlines: RefCell<Vec<Option<u64>>>,
        unparked: RefCell<Vec<ParkSpot>>,
    }

    impl Parker for Scripted<'_> {
        fn enter_critical_region(&self) {}
        fn leave_critical_region(&self) {}
        #[expect(clippy::expect_used, reason = "one park more than the test says fails it")]
        fn park(&self, spot: ParkSpot, deadline: Option<u64>) -> bool {
            assert_eq!(spot, ParkSpot { vf: 3, waiter: ParkSpot::DELAYED });
            self.deadlines.borrow_mut().push(deadline);
            let next = self.parks.borrow_mut().pop().expect("it parks as often as the test says");
            next(self)
        }
        fn unpark(&self, spot: ParkSpot) {
            self.unparked.borrow_mut().push(spot);
        }
        fn sleep(&self, _until: u64) {}
    }

    fn scripted<'a>(delay: &'a Delay, parks: &[Step]) -> Scripted<'a> {
        let parks = RefCell::new(parks.iter().rev().copied().collect());
        Scripted { delay, parks, deadlines: RefCell::default(), unparked: RefCell::default() }
    }

    #[test]
    fn one_call_waits_at_a_time_and_is_not_idle_meanwhile() {
        let delay = Delay::new();
        let meanwhile: Step = |host| {
            assert!(!host.delay.is_idle());
            assert!(!host.delay.wait(3, 9, host), "another one waits");
            false
        };
        let host = scripted(&delay, &[meanwhile, meanwhile]);
        assert!(delay.is_idle());
        assert!(delay.wait(3, 50, &host));
        assert!(delay.is_idle());
        assert!(delay.wait(3, 60, &host), "the place is free again");
        assert_eq!(*host.deadlines.borrow(), [Some(50), Some(60)]);
        assert_eq!(*host.unparked.borrow(), []);
    }

    #[test]
    fn woken_call_goes_on_and_leaves_the_place_free() {
        let delay = Delay::new();
        let host = scripted(
            &delay,
            &[|host| {
                host.delay.wake(3, host);
                host.delay.wake(3, host);
                true
            }],
        );
        delay.wake(3, &host);
        assert_eq!(*host.unparked.borrow(), [], "nobody waits");
        assert!(delay.wait(3, 50, &host));
        assert_eq!(host.unparked.borrow().len(), 1, "it is woken once");
        assert!(delay.is_idle());
    }

    #[test]
    fn call_that_is_woken_when_its_time_is_over_consumes_the_unpark() {
        let delay = Delay::new();
        let wake_too_late: Step = |host| {
            host.delay.wake(3, host);
            false
        };
        let host = scripted(&delay, &[wake_too_late, |_| false, |_| true]);
        assert!(delay.wait(3, 50, &host));
        assert_eq!(*host.deadlines.borrow(), [Some(50), None, None]);
        assert!(delay.is_idle());
    }
}
