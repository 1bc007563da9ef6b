//! Requests that a scenario has sent, by the number of their IRP.
//!
//! Each writes what is sent, the moment it comes back, and what its sender sees then.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::buffers::Output;
use super::{line, names};
use crate::machine::{irql, turn};
use crate::nt::request::{Request, Sent};
use crate::nt::status::{self, Status};

/// Numbers the IRP, writes what is sent, and has its end written.
pub(super) fn announced(request: Request, what: &str) -> (Request, u32) {
    let number = names::number_irp(request.irp());
    line::write(format_args!(r#""do":"irp","irp":"irp{number}",{what}"#));
    let request = request.observed(move |outcome| {
        let (status, information) = (line::status(outcome.status), outcome.information as i32);
        let (irql, thread) = (outcome.irql, line::thread());
        line::write(format_args!(
            r#""completed":"irp{number}","status":{status},"information":{information},"irql":{irql}{thread}"#
        ));
    });
    (request, number)
}

/// Sends a request that brings nothing back, writes its result, and lets the other threads run; returns its status.
pub(super) fn send_and_note(request: Request, number: u32) -> Status {
    let sent = request.send();
    let status = note_result(number, &sent);
    keep(number, sent, Output::default());
    turn::let_others_run();
    status
}

/// Writes what the sender sees and returns the status that it has.
pub(super) fn note_result(number: u32, sent: &Sent) -> Status {
    let dispatch = line::status(sent.dispatched());
    let outcome = sent.outcome();
    let status = outcome.map_or(status::PENDING, |outcome| outcome.status);
    let ended = match outcome {
        Some(outcome) => format!(r#""information":{}"#, outcome.information as i32),
        None => r#""pending":true"#.to_owned(),
    };
    line::write(format_args!(
        r#""result":{},{ended},"irp":"irp{number}","dispatch":{dispatch}"#,
        line::status(status)
    ));
    lower_to_passive();
    status
}

/// Takes the level back that a dispatch routine returned at, after a driver's callback that did.
fn lower_to_passive() {
    let level = irql::current();
    if level > irql::PASSIVE_LEVEL {
        line::write(format_args!(r#""nt":"dispatch returned at a raised IRQL","irql":{level}"#));
        irql::lower(irql::PASSIVE_LEVEL);
    }
}

/// Lets the other threads run before the result of a request is looked at, which is a wait of the sender's.
pub(super) fn wait_a_turn() {
    let level = irql::current();
    if level > irql::PASSIVE_LEVEL {
        line::write(format_args!(r#""nt":"KeWaitForSingleObject blocks","irql":{level}"#));
    }
    turn::let_others_run();
}

/// Cancels a request; returns whether a cancel routine was called.
pub(super) extern "win64" fn cancel(number: u32) -> u8 {
    line::write(format_args!(r#""do":"cancel","irp":"irp{number}""#));
    let sent = lock().get(&number).map(|entry| entry.sent.clone());
    let called = sent.is_some_and(|sent| at_sender_level(|| sent.cancel()));
    line::write(format_args!(r#""result":{called},"irp":"irp{number}",{}"#, line::irql_member()));
    turn::let_others_run();
    u8::from(called)
}

/// Whether a request has ended; of one whose sender is still waiting, whether that knows.
pub(super) extern "win64" fn has_ended(number: u32) -> u8 {
    u8::from(lock().get(&number).is_some_and(|entry| entry.sent.outcome().is_some()))
}

/// One byte of what a request brought back; 0 where it brought less.
pub(super) extern "win64" fn output_byte(number: u32, index: u32) -> u8 {
    let entries = lock();
    let data = entries.get(&number).map(|entry| entry.output.lock().unwrap_or_else(PoisonError::into_inner));
    data.and_then(|data| data.get(index as usize).copied()).unwrap_or(0)
}

/// Sets the level at which requests are sent and cancelled from here.
pub(super) extern "win64" fn send_at(level: u8) {
    SENDER_LEVEL.store(level, Ordering::Relaxed);
    line::write(format_args!(
        r#""do":"note","what":"requests and cancels are sent at IRQL {level} from here""#
    ));
}

/// Runs what sends or cancels at the level that the scenario has set.
pub(super) fn at_sender_level<T>(body: impl FnOnce() -> T) -> T {
    let level = SENDER_LEVEL.load(Ordering::Relaxed);
    if level == irql::PASSIVE_LEVEL { body() } else { irql::at(level, body) }
}

struct Entry {
    sent: Sent,
    output: Output,
}

/// Keeps a request that was sent.
pub(super) fn keep(number: u32, sent: Sent, output: Output) {
    lock().insert(number, Entry { sent, output });
}

fn lock() -> MutexGuard<'static, BTreeMap<u32, Entry>> {
    SENT.lock().unwrap_or_else(PoisonError::into_inner)
}

static SENT: Mutex<BTreeMap<u32, Entry>> = Mutex::new(BTreeMap::new());
static SENDER_LEVEL: AtomicU8 = AtomicU8::new(irql::PASSIVE_LEVEL);
