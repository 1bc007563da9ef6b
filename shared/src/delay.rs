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
