//! Text for a debugger, stops for it, and the end of the system: DbgPrint, DbgBreakPointWithStatus, KeBugCheckEx.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use super::format::{self, Family};
use super::irql::PASSIVE_LEVEL;
use crate::image;
use crate::judge::{Rule, for_caller, violation};
use crate::machine::irql;

/// A kernel debugger that the run plays: it lets the system go on after each stop.
#[derive(Clone, Copy, Debug)]
pub struct Debugger {
    /// Is handed what is printed.
    pub printed: fn(&str),
    /// Is told of each stop, on the thread that has stopped.
    pub stopped: fn(),
}

/// Has the system run under a debugger; once in a process.
pub fn attach(debugger: Debugger) {
    // A second debugger would see what the first one does.
    let _ = DEBUGGER.set(debugger);
    ENABLED.store(1, Ordering::Relaxed);
    NOT_PRESENT.store(0, Ordering::Relaxed);
}

/// Whether a breakpoint instruction of an image, which ends before `after`, is a stop for a debugger that goes on there.
pub(crate) fn goes_on_at(after: usize) -> bool {
    let debugger = DEBUGGER.get().filter(|_| image::find(after - 1).is_some());
    debugger.is_some_and(|debugger| {
        (debugger.stopped)();
        true
    })
}

/// Writes a text to standard error.
///
/// Follows the DbgPrint page. Eight arguments behind the format are taken. Judged: a conversion of UTF-16 text above
/// PASSIVE_LEVEL.
///
/// # Safety
/// `template` is terminated, and each conversion has an argument of its kind.
pub unsafe extern "win64" fn DbgPrint(
    template: *const u8,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
) -> i32 {
    // SAFETY: the caller promises a template and its arguments.
    unsafe { print(template, &[a, b, c, d, e, f, g, h]) }
}

/// Writes a text of a component and level to standard error; the filter lets errors pass (level 0) and drops the rest.
///
/// Follows the DbgPrintEx page. Judged as [`DbgPrint`].
///
/// # Safety
/// As [`DbgPrint`].
pub unsafe extern "win64" fn DbgPrintEx(
    _component: u32,
    level: u32,
    template: *const u8,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
) -> i32 {
    if level != 0 {
        return 0;
    }
    // SAFETY: the caller promises a template and its arguments.
    unsafe { print(template, &[a, b, c, d, e, f, g, h]) }
}

/// Stops for the debugger.
///
/// Follows the DbgBreakPointWithStatus page. Judged: where no debugger is played, any call is an exception that nobody
/// handles.
pub extern "win64" fn DbgBreakPointWithStatus(status: u32) {
    if let Some(debugger) = DEBUGGER.get() {
        return (debugger.stopped)();
    }
    violation(Rule::Exception, format_args!("a breakpoint of the status {status:#x}"))
}

/// Ends the system.
///
/// Follows the KeBugCheckEx page (any IRQL). Judged: any call.
pub extern "win64" fn KeBugCheckEx(code: u32, first: u64, second: u64, third: u64, fourth: u64) -> ! {
    let detail = format!("{code:#010x} ({first:#x}, {second:#x}, {third:#x}, {fourth:#x})");
    violation(Rule::Bugcheck, detail)
}

/// Ends the system with no parameters.
///
/// Follows the KeBugCheck page (any IRQL). Judged: any call.
pub extern "win64" fn KeBugCheck(code: u32) -> ! {
    violation(Rule::Bugcheck, format_args!("{code:#010x}"))
}

/// # Safety
/// As [`DbgPrint`].
unsafe fn print(template: *const u8, arguments: &[u64]) -> i32 {
    let mut arguments = arguments.iter().copied();
    // SAFETY: the caller promises a terminated template and an argument for each conversion; one that is beyond the
    // last slot reads as 0.
    let formatted = for_caller(|| unsafe {
        let length = super::runtime::strlen(template);
        let template = String::from_utf8_lossy(std::slice::from_raw_parts(template, length)).into_owned();
        format::format(&template, Family::Narrow, || arguments.next().unwrap_or(0))
    });
    let now = irql::current();
    if formatted.unicode && now > PASSIVE_LEVEL {
        violation(Rule::Irql, format_args!("UTF-16 text is converted at IRQL {now}"));
    }
    if let Some(debugger) = DEBUGGER.get() {
        (debugger.printed)(&formatted.text);
    }
    // A closed standard error is no reason to end a run.
    drop(std::io::stderr().write_all(formatted.text.as_bytes()));
    0
}

static DEBUGGER: OnceLock<Debugger> = OnceLock::new();
/// KdDebuggerEnabled and KdDebuggerNotPresent, which images read.
pub(super) static ENABLED: AtomicU8 = AtomicU8::new(0);
pub(super) static NOT_PRESENT: AtomicU8 = AtomicU8::new(1);
