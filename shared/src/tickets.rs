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

use crate::platform::{ParkSpot, Parker};
use crate::status::NtStatus;
use crate::sync::{AtomicU32, AtomicU64, Ordering, const_new};
use crate::vf::Vf;

/// Stands for one write that is to be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) vf: Vf,
    number: u32,
}

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

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const COMPLETED: u64 = 2;
const NUMBER_SHIFT: u32 = 2;
const NUMBERS: u64 = (1 << 30) - 1;
const STATUS_SHIFT: u32 = 32;

impl Tickets {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { word: AtomicU64::new(0), late: AtomicU32::new(0) }
        }
    }

    /// Opens a ticket; called inside the gate.
    pub(crate) fn open(&self, vf: Vf) -> Ticket {
        let last = self.word.load(Ordering::Relaxed) >> NUMBER_SHIFT & NUMBERS;
        let number = last.wrapping_add(1) & NUMBERS;
        self.word.store(number << NUMBER_SHIFT | OPEN, Ordering::Release);
        Ticket { vf, number: u32::try_from(number).unwrap_or(0) }
    }

    /// Answers a ticket, from any thread.
    pub(crate) fn complete<P: Parker>(
        &self,
        ticket: Ticket,
        status: NtStatus,
        parker: &P,
    ) -> Result<(), TooLate> {
        let open = numbered(ticket) | OPEN;
        let completed = numbered(ticket) | COMPLETED | u64::from(status.bits()) << STATUS_SHIFT;
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
        let [.., a, b, c, d] = self.word.load(Ordering::Acquire).to_le_bytes();
        self.word.store(numbered(ticket) | CLOSED, Ordering::Relaxed);
        Some(NtStatus::from_raw(i32::from_le_bytes([a, b, c, d])))
    }

    /// Closes a ticket whose handler answered itself; `false` if somebody completed it besides.
    pub(crate) fn close<P: Parker>(&self, ticket: Ticket, parker: &P) -> bool {
        if self.give_up(ticket) {
            return true;
        }
        consume(ticket, parker);
        self.word.store(numbered(ticket) | CLOSED, Ordering::Relaxed);
        false
    }

    /// How many completions came too late.
    pub(crate) fn late(&self) -> u32 {
        self.late.load(Ordering::Relaxed)
    }

    fn give_up(&self, ticket: Ticket) -> bool {
        let (open, closed) = (numbered(ticket) | OPEN, numbered(ticket) | CLOSED);
        self.word.compare_exchange(open, closed, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// INVARIANT: whoever completes a ticket unparks its spot, so the wait without a limit is short. The unpark is consumed
/// before the gate is left, so nobody touches the spot later.
fn consume<P: Parker>(ticket: Ticket, parker: &P) {
    while !parker.park(spot(ticket), None) {}
}

fn numbered(ticket: Ticket) -> u64 {
    u64::from(ticket.number) << NUMBER_SHIFT
}

const fn spot(ticket: Ticket) -> ParkSpot {
    ParkSpot { vf: ticket.vf.index.value(), waiter: ParkSpot::DEFERRED }
}
