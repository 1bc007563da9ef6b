//! Exceptions that drivers raise and handle: ExRaiseStatus, `__try` with `__except` and `__finally`.

use std::ptr::from_ref;

use super::irql::HIGH_LEVEL;
use crate::invoke;
use crate::judge::{self, for_caller};
use crate::machine::exception::{self, Dispatcher, ImageContext, Pointers, Record};

/// Raises a status where it is called.
///
/// Follows the ExRaiseStatus page (any IRQL). Judged: a status that nothing handles.
pub extern "win64" fn ExRaiseStatus(status: i32) -> ! {
    judge::irql_at_most(HIGH_LEVEL);
    exception::raise(status.cast_unsigned(), &[])
}

/// Raises STATUS_ACCESS_VIOLATION where it is called.
///
/// Follows the ExRaiseAccessViolation page (any IRQL). Judged as [`ExRaiseStatus`].
pub extern "win64" fn ExRaiseAccessViolation() -> ! {
    exception::raise(ACCESS_VIOLATION, &[])
}

/// Raises STATUS_DATATYPE_MISALIGNMENT where it is called.
///
/// Follows the ExRaiseDatatypeMisalignment page (any IRQL). Judged as [`ExRaiseStatus`].
pub extern "win64" fn ExRaiseDatatypeMisalignment() -> ! {
    exception::raise(DATATYPE_MISALIGNMENT, &[])
}

/// Raises what a record says.
///
/// Follows the RtlRaiseException page (any IRQL). Judged as [`ExRaiseStatus`].
///
/// # Safety
/// `record` is readable.
pub unsafe extern "win64" fn RtlRaiseException(record: *const Record) -> ! {
    // SAFETY: the caller promises a record.
    let record = for_caller(|| unsafe { record.read() });
    exception::raise_record(record.as_raised())
}

/// Looks for the scope of a function that handles an exception, or, while frames are undone, calls what its scopes have to
/// do at their end.
///
/// SPEC: learn.microsoft.com/cpp/build/exception-handling-x64: the language-specific handler and its data, a count and
/// that many scopes. A scope without a target is a `__finally`; one whose filter is 1 handles everything.
///
/// # Safety
/// The arguments are what a dispatcher of exceptions passes.
pub unsafe extern "win64" fn __C_specific_handler(
    record: *const Record,
    establisher: usize,
    context: *const ImageContext,
    dispatcher: *mut Dispatcher,
) -> u32 {
    // SAFETY: the dispatcher passes live structures.
    let (raised, dispatched) = unsafe { (record.read(), dispatcher.read()) };
    let Dispatcher { image, control, target, data, .. } = dispatched;
    let offset = (control - image) as u32;
    // SAFETY: the data are what the image's compiler has written: a count, and that many scopes behind it.
    let scopes = for_caller(|| unsafe {
        let count = std::ptr::with_exposed_provenance::<u32>(data).read();
        let first = std::ptr::with_exposed_provenance::<Scope>(data + size_of::<u32>());
        std::slice::from_raw_parts(first, count as usize)
    });
    let holds = |scope: &Scope, offset: u32| (scope.begin..scope.end).contains(&offset);
    if raised.unwinds() {
        for (index, scope) in scopes.iter().enumerate().skip(dispatched.scope as usize) {
            if !holds(scope, offset) {
                continue;
            }
            let target = (target - image) as u32;
            if raised.is_at_target() && (holds(scope, target) || scope.target == target) {
                break;
            }
            if scope.target == 0 {
                // SAFETY: as above; a `__finally` that is left by an exception is not entered again.
                unsafe { (*dispatcher).scope = index as u32 + 1 };
                invoke!(image + scope.filter as usize; true, establisher);
            }
        }
        return exception::CONTINUE_SEARCH;
    }
    for scope in scopes.iter().filter(|scope| holds(scope, offset) && scope.target != 0) {
        let pointers = Pointers { record, context };
        let answer = match scope.filter {
            HANDLES_ALL => HANDLES_ALL.cast_signed(),
            filter => invoke!(image + filter as usize; from_ref(&pointers), establisher) as i32,
        };
        match answer {
            ..0 => return exception::CONTINUE_EXECUTION,
            0 => {}
            1.. => exception::unwind(establisher, image + scope.target as usize),
        }
    }
    exception::CONTINUE_SEARCH
}

/// One scope of a function, as offsets in its image.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Scope {
    begin: u32,
    end: u32,
    /// The filter of an `__except`, or the routine of a `__finally`.
    filter: u32,
    /// Where an `__except` begins; 0 for a `__finally`.
    target: u32,
}

/// A filter that is EXCEPTION_EXECUTE_HANDLER itself.
const HANDLES_ALL: u32 = 1;
/// Statuses, as exceptions carry them.
pub(super) const ACCESS_VIOLATION: u32 = 0xC000_0005;
pub(super) const DATATYPE_MISALIGNMENT: u32 = 0x8000_0002;
