//! What a probe calls of its host: the exports of `TRACE.SYS`.

use std::ffi::{CStr, c_char};
use std::time::Duration;

use super::{bus, line, names, send_io, send_pnp, sent, stage};
use crate::image::Export;
use crate::judge::for_caller;
use crate::machine::turn;
use crate::nt::interrupt;
use crate::nt::status::Status;
use crate::pnp::resources::VECTOR;

/// The exports, for a probe's import table.
pub(super) fn exports() -> Vec<Export> {
    let routine = |name, address, stack| Export::routine("TRACE.SYS", name, address, stack);
    vec![
        routine("TraceLine", trace_line as *const (), 0),
        routine("TraceCallback", trace_callback as *const (), 0),
        routine("TraceName", trace_name as *const (), 0),
        routine("TraceBind", trace_bind as *const (), 0),
        routine("TraceForget", trace_forget as *const (), 0),
        routine("TraceIrp", trace_irp as *const (), 0),
        routine("LoadDriver", stage::load_driver as *const (), 0),
        routine("AddDevice", stage::add_device as *const (), 0),
        routine("UnloadDriver", stage::unload_driver as *const (), 0),
        routine("StartWithoutResources", send_pnp::start_without_resources as *const (), 0),
        routine("SendPnp", send_pnp::send_pnp as *const (), 0),
        routine("BeginPnp", send_pnp::begin_pnp as *const (), 0),
        routine("SendPower", send_pnp::send_power as *const (), 0),
        routine("SendQueryInterface", send_pnp::send_query_interface as *const (), 1),
        routine("SendCreate", send_io::send_create as *const (), 0),
        routine("SendCleanup", send_io::send_cleanup as *const (), 0),
        routine("SendClose", send_io::send_close as *const (), 0),
        routine("SendIo", send_io::send_io as *const (), 2),
        routine("SendCancelledIo", send_io::send_cancelled_io as *const (), 0),
        routine("SendAt", sent::send_at as *const (), 0),
        routine("Cancel", sent::cancel as *const (), 0),
        routine("HasEnded", sent::has_ended as *const (), 0),
        routine("OutputByte", sent::output_byte as *const (), 0),
        routine("AnswerAtBus", answer_at_bus as *const (), 0),
        routine("Settle", settle as *const (), 0),
        routine("PassTime", pass_time as *const (), 0),
        routine("RaiseInterrupt", raise_interrupt as *const (), 0),
    ]
}

/// Writes a line; its members come with single quotes for double ones.
unsafe extern "win64" fn trace_line(members: *const c_char) {
    // SAFETY: a probe hands a text that ends with zero.
    line::write(unsafe { text(members) }.replace('\'', "\""));
}

/// Writes that a callback was entered: its name, its arguments, and what it is going to return unless that is nothing.
unsafe extern "win64" fn trace_callback(
    name: *const c_char,
    arguments: *const c_char,
    returns: *const Status,
) {
    // SAFETY: a probe hands texts that end with zero, and NULL or a readable status.
    let (name, arguments, returns) = unsafe {
        let returns = for_caller(|| returns.as_ref().copied());
        (text(name), text(arguments).replace('\'', "\""), returns)
    };
    let returns =
        returns.map_or_else(String::new, |status| format!(r#","returns":{}"#, line::status(status)));
    let (irql, thread) = (line::irql_member(), line::thread());
    line::write(format_args!(r#""cb":"{name}",{irql}{thread},"args":{{{arguments}}}{returns}"#));
}

/// The name of an object; one that has none is given the next of its kind.
unsafe extern "win64" fn trace_name(kind: *const c_char, object: usize) -> *const c_char {
    // SAFETY: a probe hands a text that ends with zero.
    names::of(&unsafe { text(kind) }, object).as_ptr()
}

/// Names an object.
unsafe extern "win64" fn trace_bind(object: usize, name: *const c_char) {
    // SAFETY: a probe hands a text that ends with zero.
    names::bind(object, &unsafe { text(name) });
}

/// Forgets an object that is gone.
extern "win64" fn trace_forget(object: usize) {
    names::forget(object);
}

/// The name of an IRP.
extern "win64" fn trace_irp(irp: usize) -> *const c_char {
    names::of_irp(irp).as_ptr()
}

/// Has a routine of the probe asked before the bus driver answers.
extern "win64" fn answer_at_bus(routine: usize) {
    bus::ask_first(routine);
}

/// Lets the other threads run until all wait.
extern "win64" fn settle() {
    turn::let_others_run();
}

/// Lets virtual time pass.
extern "win64" fn pass_time(milliseconds: u32) {
    line::write(format_args!(r#""do":"time","ms":{milliseconds}"#));
    turn::advance(Duration::from_millis(milliseconds.into()));
}

/// Lets the device interrupt.
extern "win64" fn raise_interrupt() {
    line::write(r#""do":"interrupt""#);
    interrupt::arrive(VECTOR);
    turn::let_others_run();
}

/// # Safety
/// `text` ends with zero.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: promised by the caller.
    for_caller(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
