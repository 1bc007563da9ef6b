//! What the I/O manager remembers of each IRP beside the packet: where it is, and who owes what.
//!
//! Each call of a dispatch routine is a *visit*. A visit ends twice, in either order: the routine returns, and
//! completion passes the stack location it was called with. When both are known they are held against each other:
//!
//! | returned | completion passed the location | judged |
//! | --- | --- | --- |
//! | STATUS_PENDING | it was marked pending | right |
//! | STATUS_PENDING | not marked | the mark is missing |
//! | another status | it was marked pending | the mark is wrong |
//! | another status | with another status | the two differ |
//! | another status | not yet | the request was not completed |
//!
//! LOCK: the ledger's lock is a leaf; nothing is called under it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::left::Left;
use super::status::{self, Status};
use crate::image::Image;
use crate::judge::{Rule, is_tolerated, violation, violation_at};
use crate::machine::thread_block;
use crate::memory;
use crate::sys::IRP;

/// Takes back an IRP whose completion passed all its stack locations, and frees it.
pub(super) type Finish = Box<dyn FnOnce(*mut IRP) + Send>;

/// One IRP's course.
pub(super) struct Flight {
    visits: Vec<Arc<Mutex<Visit>>>,
    finish: Option<Finish>,
    /// Blocks that go with the IRP: its system buffer.
    buffers: Vec<usize>,
    allocated_at: usize,
}

/// One call of a dispatch routine.
pub(super) struct Visit {
    location: i8,
    routine: usize,
    returned: Option<Status>,
    passed: Option<Passed>,
}

#[derive(Clone, Copy)]
struct Passed {
    pending: bool,
    status: Status,
}

impl Flight {
    /// An IRP that a driver made: it must take it back in a completion routine and free it.
    pub(super) fn of_a_driver() -> Self {
        let allocated_at = thread_block::current().map_or(0, |block| block.return_address());
        Self { visits: Vec::new(), finish: None, buffers: Vec::new(), allocated_at }
    }

    /// An IRP that a driver made of its own memory, which it need not free as an IRP.
    pub(super) fn of_own_memory() -> Self {
        Self { allocated_at: 0, ..Self::of_a_driver() }
    }

    /// An IRP that the I/O manager takes back with `finish`; `buffers` are freed with it.
    pub(super) fn of_the_io_manager(finish: Finish, buffers: Vec<usize>) -> Self {
        Self { visits: Vec::new(), finish: Some(finish), buffers, allocated_at: 0 }
    }
}

/// Lists a new IRP.
pub(super) fn register(irp: *mut IRP, flight: Flight) {
    lock().insert(irp.addr(), flight);
}

/// Takes an IRP off the list and frees what hangs on it; says whether it was listed.
pub(super) fn forget(irp: *mut IRP) -> bool {
    let flight = lock().remove(&irp.addr());
    let known = flight.is_some();
    flight.into_iter().flat_map(|flight| flight.buffers).for_each(|buffer| memory::free(buffer, None));
    known
}

/// Breaks a rule unless the IRP is live; `what` is being done to it.
pub(super) fn expect_live(irp: *mut IRP, rule: Rule, what: &str) {
    if !lock().contains_key(&irp.addr()) {
        violation(rule, format_args!("the IRP {irp:p} is {what}, but it is no live IRP{}", history(irp)));
    }
}

/// Breaks a rule when some driver has the IRP; `what` is being done to it.
pub(super) fn expect_idle(irp: *mut IRP, what: &str) {
    let visits = lock().get(&irp.addr()).map(|flight| flight.visits.len());
    match visits {
        Some(0) => {}
        Some(_) => {
            violation(Rule::ObjectState, format_args!("the IRP {irp:p} is {what} while a driver has it"))
        }
        None if what == "initialized" => {}
        None => violation(
            Rule::ObjectState,
            format_args!("the IRP {irp:p} is {what}, but it is no live IRP{}", history(irp)),
        ),
    }
}

/// Breaks [`Rule::DoubleCompletion`] when no driver has the IRP.
pub(super) fn expect_held(irp: *mut IRP) {
    let held = lock().get(&irp.addr()).map(|flight| !flight.visits.is_empty());
    match held {
        Some(true) => {}
        Some(false) => violation(
            Rule::DoubleCompletion,
            format_args!("the IRP {irp:p} is completed, but no driver has it: it was completed before"),
        ),
        None => violation(
            Rule::DoubleCompletion,
            format_args!("the IRP {irp:p} is completed, but it is no live IRP{}", history(irp)),
        ),
    }
}

/// Begins a visit: `routine` is about to be called with that stack location.
pub(super) fn begin(irp: *mut IRP, location: i8, routine: usize) -> Arc<Mutex<Visit>> {
    let visit = Arc::new(Mutex::new(Visit { location, routine, returned: None, passed: None }));
    if let Some(flight) = lock().get_mut(&irp.addr()) {
        flight.visits.push(Arc::clone(&visit));
    }
    visit
}

/// The dispatch routine of a visit has returned.
pub(super) fn returned(irp: *mut IRP, visit: &Mutex<Visit>, status: Status) {
    let ledger = lock();
    let mut visit = visit.lock().unwrap_or_else(PoisonError::into_inner);
    visit.returned = Some(status);
    if visit.passed.is_none() && status == status::PENDING && ledger.contains_key(&irp.addr()) {
        // SAFETY: a visited IRP is live (freeing one breaks a rule), and its current location lies inside it.
        let unmarked = unsafe {
            (*irp).CurrentLocation == visit.location
                && u32::from((*super::irp::current(irp)).Control) & PENDING_RETURNED == 0
        };
        if unmarked {
            let routine = visit.routine;
            drop((visit, ledger));
            violation_at(
                Rule::IrpPending,
                "",
                routine,
                "returned STATUS_PENDING without marking the IRP pending",
            );
        }
    }
    let verdict = visit.verdict();
    drop((visit, ledger));
    blame(verdict);
}

/// Completion passes a stack location, which ends the visits that were made with it.
pub(super) fn passed(irp: *mut IRP, location: i8, pending: bool, status: Status) {
    let mut ledger = lock();
    let Some(flight) = ledger.get_mut(&irp.addr()) else { return };
    let mut verdicts = Vec::new();
    flight.visits.retain(|visit| {
        let mut visit = visit.lock().unwrap_or_else(PoisonError::into_inner);
        if visit.location != location {
            return true;
        }
        visit.passed = Some(Passed { pending, status });
        if visit.returned.is_some() {
            verdicts.push(visit.verdict());
        }
        false
    });
    drop(ledger);
    verdicts.into_iter().for_each(blame);
}

/// The dispatch routine of the driver that has the IRP; 0 where nobody has it.
pub(super) fn holder(irp: *mut IRP) -> usize {
    let ledger = lock();
    let visit = ledger.get(&irp.addr()).and_then(|flight| flight.visits.last());
    visit.map_or(0, |visit| visit.lock().unwrap_or_else(PoisonError::into_inner).routine)
}

/// What the I/O manager does with an IRP that passed all its locations; `None` for a driver's own.
pub(super) fn take_finish(irp: *mut IRP) -> Option<Finish> {
    lock().get_mut(&irp.addr())?.finish.take()
}

/// The IRPs that code of an image has allocated and nobody has freed.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let flights = lock();
    let leaked = flights.iter().filter(|(_, flight)| image.contains(flight.allocated_at));
    leaked.map(|(irp, flight)| Left::new(flight.allocated_at, format_args!("the IRP {irp:#x}"))).collect()
}

impl Visit {
    fn verdict(&self) -> Option<(Rule, usize, String)> {
        let returned = self.returned?;
        let (rule, text) = match self.passed {
            None if returned == status::PENDING => return None,
            None => {
                let text = format!("returned {returned:#010x} without completing the IRP");
                (Rule::RequestNotCompleted, text)
            }
            Some(Passed { pending: true, .. }) if returned == status::PENDING => return None,
            Some(_) if returned == status::PENDING => (
                Rule::IrpPending,
                "returned STATUS_PENDING for an IRP that was never marked pending".to_owned(),
            ),
            Some(Passed { pending: true, .. }) => {
                (Rule::IrpPending, format!("marked the IRP pending and returned {returned:#010x}"))
            }
            Some(Passed { status, .. }) if status == returned => return None,
            Some(Passed { status, .. }) => {
                let text =
                    format!("returned {returned:#010x} for an IRP that was completed with {status:#010x}");
                (Rule::IrpPending, text)
            }
        };
        Some((rule, self.routine, text))
    }
}

fn blame(verdict: Option<(Rule, usize, String)>) {
    if let Some((rule, routine, text)) = verdict.filter(|(rule, ..)| !is_tolerated(*rule)) {
        violation_at(rule, "", routine, text);
    }
}

fn history(irp: *mut IRP) -> String {
    memory::place(irp.addr()).map_or_else(String::new, |place| format!(" ({place})"))
}

/// SL_PENDING_RETURNED.
pub(super) const PENDING_RETURNED: u32 = 1;
static LEDGER: LazyLock<Mutex<HashMap<usize, Flight>>> = LazyLock::new(Mutex::default);

fn lock() -> MutexGuard<'static, HashMap<usize, Flight>> {
    LEDGER.lock().unwrap_or_else(PoisonError::into_inner)
}
