//! The lines of a trace.

use std::cell::Cell;
use std::fmt::Display;

use crate::machine::irql;
use crate::nt::status::Status;

/// Writes one line, an object whose members are given.
pub(super) fn write(members: impl Display) {
    println!("{{{members}}}");
}

/// Marks the calling thread as one that carries out stimuli; lines of other threads say so.
pub(super) fn carry_out_stimuli() {
    STIMULI.set(true);
}

/// The member that tells another thread than the stimulus'; empty on that.
pub(super) fn thread() -> &'static str {
    if STIMULI.get() { "" } else { r#","thread":"other""# }
}

/// The current level, as a member.
pub(super) fn irql_member() -> String {
    format!(r#""irql":{}"#, irql::current())
}

/// A status as a string of JSON.
pub(super) fn status(status: Status) -> String {
    format!("\"0x{status:08X}\"")
}

thread_local! {
    static STIMULI: Cell<bool> = const { Cell::new(false) };
}
