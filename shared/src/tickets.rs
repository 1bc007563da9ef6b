//! Tickets: a handler that takes a write now and answers it later.
//!
//! The VSP's thread waits for the answer inside the VF's gate, so a VF has one ticket at a time. Past the time budget it
//! answers `STATUS_IO_TIMEOUT` without it; a completion that comes too late finds its number gone, and is counted.
//!
//! ```text
//!            open                     complete
//!   Closed --------> Open(number) ----------------> Completed(number, status)
//!     ^               |                                  |
//!     |   time is over, or the handler answered itself   |
//!     +-------------- + ---------------------------------+ taken, with the unpark
//! ```

use crate::halves::{join, split};
use crate::platform::{ParkSpot, Parker};
use crate::status::NtStatus;
use crate::sync::{AtomicU32, AtomicU64, Ordering, const_new};
use crate::vf::{VfCount, VfIndex};

/// Stands for one write that is to be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) vf: VfIndex,
    number: u32,
}

impl Ticket {
    /// Gives the ticket as a number, for a handler behind a C interface; never 0.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        IN_BITS | u64::from(self.vf.value()) << VF_SHIFT | u64::from(self.number)
    }

    /// Takes the ticket from a number; `None` if it cannot be one.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        let vf = u16::try_from(bits >> VF_SHIFT & 0xFFFF).ok()?;
        let number = u32::try_from(bits & u64::from(NUMBERS)).ok()?;
        // Whether there is such a VF is seen when the ticket is completed.
        let ticket = Self { vf: VfCount::new(u16::MAX).index(vf)?, number };
        (ticket.to_bits() == bits).then_some(ticket)
    }
}

/// Set in every ticket's number.
const IN_BITS: u64 = 1 << 63;
const VF_SHIFT: u32 = 32;

/// The ticket was answered already, or its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLate;

/// The one ticket of a VF. All-zero is closed.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Tickets {
    /// State, number, status.
    word: AtomicU64,
    late: AtomicU32,
}

const CLOSED: u32 = 0;
const OPEN: u32 = 1;
const COMPLETED: u32 = 2;
/// Numbers are 30 bits wide, above the state.
const NUMBER_SHIFT: u32 = 2;
const NUMBERS: u32 = u32::MAX >> NUMBER_SHIFT;

impl Tickets {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { word: AtomicU64::new(0), late: AtomicU32::new(0) }
        }
    }

    /// Opens a ticket; called inside the gate.
    pub(crate) fn open(&self, vf: VfIndex) -> Ticket {
        let (last, _status) = split(self.word.load(Ordering::Relaxed));
        let number = last.wrapping_shr(NUMBER_SHIFT).wrapping_add(1) & NUMBERS;
        let ticket = Ticket { vf, number };
        self.word.store(word(ticket, OPEN, 0), Ordering::Release);
        ticket
    }

    /// Answers a ticket, from any thread.
    pub(crate) fn complete<P: Parker>(
        &self,
        ticket: Ticket,
        status: NtStatus,
        parker: &P,
    ) -> Result<(), TooLate> {
        let (open, completed) = (word(ticket, OPEN, 0), word(ticket, COMPLETED, status.bits()));
        if self.word.compare_exchange(open, completed, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            let _before = self.late.fetch_add(1, Ordering::Relaxed);
            return Err(TooLate);
        }
        parker.unpark(spot(ticket));
        Ok(())
    }

    /// Waits for the answer; `None` when the time is over first.
    pub(crate) fn wait<P: Parker>(&self, ticket: Ticket, deadline: u64, parker: &P) -> Option<NtStatus> {
        if !parker.park(spot(ticket), Some(deadline)) {
            if self.give_up(ticket) {
                return None;
            }
            consume(ticket, parker);
        }
        let (_number, status) = split(self.word.load(Ordering::Acquire));
        self.word.store(word(ticket, CLOSED, 0), Ordering::Relaxed);
        Some(NtStatus::from_raw(i32::from_le_bytes(status.to_le_bytes())))
    }

    /// Closes a ticket whose handler answered itself; `false` if somebody completed it besides.
    pub(crate) fn close<P: Parker>(&self, ticket: Ticket, parker: &P) -> bool {
        if self.give_up(ticket) {
            return true;
        }
        consume(ticket, parker);
        self.word.store(word(ticket, CLOSED, 0), Ordering::Relaxed);
        false
    }

    /// How many completions came too late.
    pub(crate) fn late(&self) -> u32 {
        self.late.load(Ordering::Relaxed)
    }

    fn give_up(&self, ticket: Ticket) -> bool {
        let (open, closed) = (word(ticket, OPEN, 0), word(ticket, CLOSED, 0));
        self.word.compare_exchange(open, closed, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// INVARIANT: whoever completes a ticket unparks its spot, so the wait without a limit is short. The unpark is consumed
/// before the gate is left, so nobody touches the spot later.
fn consume<P: Parker>(ticket: Ticket, parker: &P) {
    while !parker.park(spot(ticket), None) {}
}

fn word(ticket: Ticket, state: u32, status: u32) -> u64 {
    join(ticket.number.wrapping_shl(NUMBER_SHIFT).wrapping_add(state), status)
}

const fn spot(ticket: Ticket) -> ParkSpot {
    ParkSpot { vf: ticket.vf.value(), waiter: ParkSpot::DEFERRED }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Ticket, Tickets, TooLate};
    use crate::platform::{ParkSpot, Parker};
    use crate::status::NtStatus;
    use crate::sync::Ordering;
    use crate::vf::{VfCount, VfIndex};
    use core::cell::{Cell, RefCell};

    /// Answers each park as the test says, and counts who is unparked.
    #[derive(Default)]
    struct Scripted {
        /// From the last to the first.
        parks: RefCell<Vec<bool>>,
        unparked: Cell<u32>,
    }

    impl Parker for Scripted {
        fn enter_critical_region(&self) {}
        fn leave_critical_region(&self) {}
        #[expect(clippy::expect_used, reason = "one park more than the test says fails it")]
        fn park(&self, _spot: ParkSpot, _deadline: Option<u64>) -> bool {
            self.parks.borrow_mut().pop().expect("it parks as often as the test says")
        }
        fn unpark(&self, spot: ParkSpot) {
            assert_eq!(spot, ParkSpot { vf: 3, waiter: ParkSpot::DEFERRED });
            self.unparked.update(|before| before.wrapping_add(1));
        }
        fn sleep(&self, _until: u64) {}
    }

    fn parks(parks: &[bool]) -> Scripted {
        Scripted { parks: RefCell::new(parks.iter().rev().copied().collect()), unparked: Cell::new(0) }
    }

    #[expect(clippy::expect_used, reason = "3 is below 4")]
    fn vf() -> VfIndex {
        VfCount::new(4).index(3).expect("3 is below 4")
    }

    const REFUSED: NtStatus = NtStatus::REVISION_MISMATCH;

    #[test]
    fn each_ticket_has_the_next_number_and_numbers_begin_anew_after_30_bits() {
        let tickets = Tickets::new();
        for number in 1..=5 {
            assert_eq!(tickets.open(vf()), Ticket { vf: vf(), number });
        }
        let last = Ticket { vf: vf(), number: (1 << 30) - 1 };
        tickets.word.store(super::word(last, super::OPEN, 0), Ordering::Relaxed);
        assert_eq!(
            tickets.complete(last, REFUSED, &parks(&[])),
            Ok(()),
            "its number leaves the status alone"
        );
        assert_eq!(tickets.open(vf()).number, 0);
    }

    #[test]
    fn answer_reaches_the_one_who_waits_with_all_its_bits() {
        for status in [NtStatus::SUCCESS, REFUSED, NtStatus::from_raw(-1)] {
            let (tickets, host) = (Tickets::new(), parks(&[true]));
            let ticket = tickets.open(vf());
            assert_eq!(tickets.complete(ticket, status, &host), Ok(()));
            assert_eq!(tickets.complete(ticket, status, &host), Err(TooLate), "it is answered once");
            assert_eq!((host.unparked.get(), tickets.late()), (1, 1));
            assert_eq!(tickets.wait(ticket, 9, &host), Some(status));
            assert_eq!(tickets.complete(ticket, status, &host), Err(TooLate), "it is closed");
        }
    }

    #[test]
    fn answer_after_the_time_is_too_late_and_does_not_answer_the_next_ticket() {
        let (tickets, host) = (Tickets::new(), parks(&[false]));
        let first = tickets.open(vf());
        assert_eq!(tickets.wait(first, 9, &host), None);
        let second = tickets.open(vf());
        assert_eq!(tickets.complete(first, REFUSED, &host), Err(TooLate));
        assert_eq!((tickets.late(), host.unparked.get()), (1, 0));
        assert_eq!(tickets.complete(second, REFUSED, &host), Ok(()));
        assert_eq!(tickets.late(), 1);
    }

    #[test]
    fn answer_that_comes_as_the_time_is_over_is_taken_with_its_unpark() {
        let (tickets, host) = (Tickets::new(), parks(&[false, false, true]));
        let ticket = tickets.open(vf());
        assert_eq!(tickets.complete(ticket, REFUSED, &host), Ok(()));
        assert_eq!(tickets.wait(ticket, 9, &host), Some(REFUSED));
        assert!(host.parks.borrow().is_empty(), "the unpark was consumed");
    }

    #[test]
    fn handler_that_answers_itself_closes_its_ticket() {
        let (tickets, host) = (Tickets::new(), parks(&[]));
        let ticket = tickets.open(vf());
        assert!(tickets.close(ticket, &host));
        assert_eq!(tickets.complete(ticket, REFUSED, &host), Err(TooLate));
        assert_eq!(tickets.open(vf()).number, 2);
    }

    #[test]
    fn handler_that_answers_itself_and_by_ticket_is_found_out_and_the_unpark_consumed() {
        let (tickets, host) = (Tickets::new(), parks(&[false, true]));
        let ticket = tickets.open(vf());
        assert_eq!(tickets.complete(ticket, REFUSED, &host), Ok(()));
        assert!(!tickets.close(ticket, &host));
        assert!(host.parks.borrow().is_empty(), "the unpark was consumed");
        assert_eq!(tickets.complete(ticket, REFUSED, &host), Err(TooLate), "it is closed");
        assert_eq!(tickets.open(vf()).number, 2);
    }
}
