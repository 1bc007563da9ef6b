//! The gate of a VF: one call at a time, first come, first served.
//!
//! A gate serialises the handler calls of one VF and owns the VF's state with it, so that a call costs one atomic
//! read-modify-write on the way in and one on the way out. Callers that find it held wait in a queue of eight, each
//! parked at a spot of its own; whoever leaves hands the gate to the first of them without ever opening it, so nobody
//! overtakes.
//!
//! **Why not `lock_api::Mutex`?** The mutex would be a second read-modify-write beside the queue, and its `lock` cannot
//! say why it refused. Instead the host brings a cell for the data ([`Gated`]) and lends it against a [`Pass`], the
//! proof of being inside.
//!
//! **Each unpark is consumed.** Whoever takes a waiter off the queue unparks it exactly once, and that waiter does not
//! go on before it has consumed the unpark, not even when its time ran out meanwhile. Hence nobody touches a spot after
//! the gate is idle: its memory may be freed then.
//!
//! **Order against writers elsewhere.** A thread that changes something which callers read inside the gate (the handler
//! table) and then calls [`Gate::announce`] knows: a caller that goes in later sees the change, and any earlier one is
//! still inside or has left for good. Both are read-modify-writes of one word, so their order is total and no caller
//! pays for a fence.
//!
//! ```text
//!            enter                    leave, nobody waits
//!   open ----------------> held -------------------------> open
//!                         |  ^
//!     enter, at most 8    v  | leave: first in the queue
//!                        queued
//!                         |  |
//!         deadline        v  v    close
//!                      TimedOut   Closed
//! ```

mod word;

use core::fmt;
use core::ops::DerefMut;

use crate::owned::Owned;
use crate::platform::{ParkSpot, Parker};
use crate::sync::{AtomicU64, Ordering, const_new};
use word::{MARK, Word};

/// Lets one caller in at a time. All-zero is an open gate with nobody inside.
#[derive(Debug)]
#[repr(transparent)]
pub struct Gate {
    word: AtomicU64,
}

/// Proves to be inside a gate; made by the engine alone.
///
/// It can neither be copied nor made; a host sees it only as the argument of [`Gated::open`].
#[derive(Debug)]
pub struct Pass<'g> {
    gate: &'g Gate,
}

/// A VF's gate together with the cell that it guards; the host brings it, because a cell that is opened by proof needs
/// unsafe code.
///
/// All-zero must be a valid value: a gate that is open and data as [`Owned`] says.
pub trait Gated<const BLOCKS: usize> {
    /// What lends the data.
    type Guard<'a>: DerefMut<Target = Owned<BLOCKS>>
    where
        Self: 'a;

    /// Gives the gate.
    fn gate(&self) -> &Gate;

    /// Lends the data as long as the pass is lent.
    ///
    /// `None` if the pass belongs to another gate ([`Pass::is_of`]): the one thing that an implementation must check. A
    /// pass for this gate exists once at most, and is lent mutably, so the loan is exclusive.
    fn open<'a>(&'a self, pass: &'a mut Pass<'_>) -> Option<Self::Guard<'a>>;
}

/// Why a caller was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The gate is closed.
    Closed,
    /// Eight callers wait already.
    Crowded,
    /// The deadline came first.
    TimedOut,
}

/// Somebody inside a gate; dropping it leaves.
pub(crate) struct Inside<'g, P: Parker> {
    pass: Pass<'g>,
    gate: &'g Gate,
    parker: &'g P,
    vf: u16,
    has_left: bool,
}

/// What a drain has to wait for: one caller that was inside when the gate was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    call: u64,
}

impl Pass<'_> {
    /// Says whether this is a pass for `gate`.
    #[must_use]
    pub fn is_of(&self, gate: &Gate) -> bool {
        core::ptr::eq(self.gate, gate)
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    const_new! {
        /// Makes an open gate.
        #[must_use]
        pub fn new() -> Self {
            Self { word: AtomicU64::new(0) }
        }
    }

    /// Goes in, waiting until `deadline` behind those who came first. Begins a critical region.
    ///
    /// # Errors
    ///
    /// The reason why not; the critical region has ended then.
    pub(crate) fn enter<'g, P: Parker>(
        &'g self,
        parker: &'g P,
        vf: u16,
        deadline: impl FnOnce() -> u64,
    ) -> Result<Inside<'g, P>, Turned> {
        parker.enter_critical_region();
        let mut word = Word(self.word.load(Ordering::Relaxed));
        let spot = loop {
            if word.is_closed() {
                parker.leave_critical_region();
                return Err(Turned::Closed);
            }
            let (next, spot) = if !word.is_held() {
                (word.entered(), None)
            } else if let Some((next, spot)) = word.queued() {
                (next, Some(spot))
            } else {
                parker.leave_critical_region();
                return Err(Turned::Crowded);
            };
            match self.exchange(word, next) {
                Ok(()) => break spot,
                Err(seen) => word = seen,
            }
        };
        if let Some(waiter) = spot
            && let Err(turned) = self.wait(parker, ParkSpot { vf, waiter }, deadline())
        {
            parker.leave_critical_region();
            return Err(turned);
        }
        Ok(Inside { pass: Pass { gate: self }, gate: self, parker, vf, has_left: false })
    }

    /// Goes in if that is possible without waiting. Begins a critical region if so.
    pub(crate) fn try_enter<'g, P: Parker>(&'g self, parker: &'g P, vf: u16) -> Option<Inside<'g, P>> {
        parker.enter_critical_region();
        let mut word = Word(self.word.load(Ordering::Relaxed));
        while !word.is_closed() && !word.is_held() {
            match self.exchange(word, word.entered()) {
                Ok(()) => {
                    return Some(Inside {
                        pass: Pass { gate: self },
                        gate: self,
                        parker,
                        vf,
                        has_left: false,
                    });
                }
                Err(seen) => word = seen,
            }
        }
        parker.leave_critical_region();
        None
    }

    /// Lets nobody in any more and sends all waiters away; who is inside stays.
    pub(crate) fn close<P: Parker>(&self, parker: &P, vf: u16) {
        let before = self.change(|word| Some(word.closed()));
        for waiter in before.into_iter().flat_map(Word::queued_spots) {
            parker.unpark(ParkSpot { vf, waiter });
        }
    }

    /// Lets callers in again.
    pub(crate) fn reopen(&self) {
        let _before = self.change(|word| Some(word.opened()));
    }

    /// Says whether nobody is inside and nobody still on the way out of a wait.
    pub(crate) fn is_idle(&self) -> bool {
        Word(self.word.load(Ordering::Acquire)).is_idle()
    }

    /// Orders what the caller wrote before all later calls; gives the one that is inside now, if any.
    pub(crate) fn announce(&self) -> Option<Caller> {
        let word = Word(self.word.fetch_xor(MARK, Ordering::AcqRel));
        word.is_held().then(|| Caller { call: word.call() })
    }

    /// Gives the caller that is inside now, if any.
    pub(crate) fn caller(&self) -> Option<Caller> {
        let word = Word(self.word.load(Ordering::Acquire));
        word.is_held().then(|| Caller { call: word.call() })
    }

    /// Blames the caller inside, if it still is and was not blamed before: it will know when it leaves.
    pub(crate) fn blame(&self, caller: Caller) -> bool {
        let is_it = |word: Word| word.is_held() && word.call() == caller.call && !word.is_blamed();
        self.change(|word| is_it(word).then(|| word.blamed())).is_some()
    }

    /// Says whether `caller` is still inside.
    pub(crate) fn holds(&self, caller: Caller) -> bool {
        let word = Word(self.word.load(Ordering::Acquire));
        word.is_held() && word.call() == caller.call
    }

    #[cold]
    #[inline(never)]
    fn wait<P: Parker>(&self, parker: &P, spot: ParkSpot, deadline: u64) -> Result<(), Turned> {
        let woken = parker.park(spot, Some(deadline));
        if !woken {
            if self.change(|word| word.withdrawn(spot.waiter)).is_some() {
                return Err(Turned::TimedOut);
            }
            // INVARIANT: whoever took this waiter off the queue unparks it, so the wait without a limit is short.
            while !parker.park(spot, None) {}
        }
        let before = self.change(|word| Some(word.consumed(spot.waiter)));
        match before {
            Some(word) if word.is_granted_to(spot.waiter) => Ok(()),
            Some(_) | None => Err(Turned::Closed),
        }
    }

    fn leave<P: Parker>(&self, parker: &P, vf: u16) -> bool {
        let mut word = Word(self.word.load(Ordering::Relaxed));
        let next = loop {
            let (next, spot) = word.left();
            match self.exchange(word, next) {
                Ok(()) => break spot,
                Err(seen) => word = seen,
            }
        };
        if let Some(waiter) = next {
            parker.unpark(ParkSpot { vf, waiter });
        }
        parker.leave_critical_region();
        word.is_blamed()
    }

    /// Applies a transition, and gives the word before it; `None` if there is no such transition.
    fn change(&self, transition: impl Fn(Word) -> Option<Word>) -> Option<Word> {
        let mut word = Word(self.word.load(Ordering::Relaxed));
        loop {
            match self.exchange(word, transition(word)?) {
                Ok(()) => return Some(word),
                Err(seen) => word = seen,
            }
        }
    }

    fn exchange(&self, from: Word, to: Word) -> Result<(), Word> {
        match self.word.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(seen) => Err(Word(seen)),
        }
    }
}

impl<P: Parker> Inside<'_, P> {
    /// Lends what the gate guards; `None` if `gated` has another gate.
    pub(crate) fn open<'a, const BLOCKS: usize, G: Gated<BLOCKS>>(
        &'a mut self,
        gated: &'a G,
    ) -> Option<G::Guard<'a>> {
        gated.open(&mut self.pass)
    }

    /// Leaves; says whether this caller was blamed.
    pub(crate) fn leave(mut self) -> bool {
        self.has_left = true;
        self.gate.leave(self.parker, self.vf)
    }
}

impl<P: Parker> Drop for Inside<'_, P> {
    fn drop(&mut self) {
        if !self.has_left {
            let _blamed = self.gate.leave(self.parker, self.vf);
        }
    }
}

impl<P: Parker> fmt::Debug for Inside<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside").field("vf", &self.vf).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Gate, Turned, Word};
    use crate::platform::{ParkSpot, Parker};
    use core::sync::atomic::{AtomicBool, Ordering};

    /// Lets the caller inside leave just when a waiter's time is over, or closes the gate then.
    struct LastMoment {
        gate: Gate,
        closes: bool,
        unparked: AtomicBool,
    }

    impl LastMoment {
        /// Goes in behind a caller who leaves, or whom all leave, at the last moment.
        fn enter_behind_another(closes: bool) -> Result<(), Turned> {
            let host = Self { gate: Gate::new(), closes, unparked: AtomicBool::new(false) };
            assert_eq!(host.gate.exchange(Word(0), Word(0).entered()), Ok(()));
            let answer = host.gate.enter(&host, 0, || 0).map(|inside| assert!(!inside.leave()));
            assert!(!host.unparked.load(Ordering::Relaxed), "its unpark is left over");
            answer
        }
    }

    impl Parker for LastMoment {
        fn enter_critical_region(&self) {}

        fn leave_critical_region(&self) {}

        fn park(&self, _spot: ParkSpot, deadline: Option<u64>) -> bool {
            if deadline.is_none() {
                assert!(self.unparked.swap(false, Ordering::Relaxed), "it waits for what it has consumed");
                return true;
            }
            if self.closes {
                self.gate.close(self, 0);
            } else {
                let _blamed = self.gate.leave(self, 0);
            }
            false
        }

        fn unpark(&self, _spot: ParkSpot) {
            self.unparked.store(true, Ordering::Relaxed);
        }

        fn sleep(&self, _until: u64) {}
    }

    #[test]
    fn waiter_whose_time_is_over_is_inside_if_the_gate_was_handed_to_it_at_the_last_moment() {
        assert_eq!(LastMoment::enter_behind_another(false), Ok(()));
    }

    #[test]
    fn waiter_whose_time_is_over_hears_that_the_gate_was_closed_at_the_last_moment() {
        assert_eq!(LastMoment::enter_behind_another(true), Err(Turned::Closed));
    }
}
