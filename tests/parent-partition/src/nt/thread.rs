//! System threads and the identity of the current one.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::flight;
use super::handle::{self, Target};
use super::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::left::Left;
use super::object::{self, Kind};
use super::spin_lock;
use super::status::{self, Status};
use crate::image::Image;
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation, violation_at};
use crate::machine::{self, thread_block, wait};
use crate::sys::{CLIENT_ID, IRP};

/// Starts a system thread that calls a routine at PASSIVE_LEVEL.
///
/// Follows the PsCreateSystemThread page (PASSIVE_LEVEL). The thread ends when its routine returns. Judged: IRQL; a handle
/// that is never closed, or a thread that still runs at unload (leak); a thread that ends at another IRQL, in a critical
/// region, or with a spin lock.
///
/// # Safety
/// `thread_handle` is writable; `client` is NULL or writable; `context` is what the routine expects.
pub unsafe extern "win64" fn PsCreateSystemThread(
    thread_handle: *mut *mut c_void,
    _access: u32,
    _attributes: *mut c_void,
    _process: *mut c_void,
    client: *mut CLIENT_ID,
    routine: usize,
    context: *mut c_void,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let context = context.expose_provenance();
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    let stage = Arc::new(Mutex::new(Stage::Starting));
    let shared = Arc::clone(&stage);
    let spawned = machine::thread::spawn("system thread", move || {
        let this = machine::current_thread().expose_provenance();
        advance(&shared, Stage::Announced(this));
        // The creator fills its handle before the routine runs.
        wait::until(None, || (current(&shared) == Stage::Released).then_some(()));
        invoke!(routine; context);
        if spin_lock::held() != 0 {
            violation_at(Rule::SpinLock, "", routine, "the thread ended with a spin lock held");
        }
        wait::change(|| {
            threads().entry(this).and_modify(|thread| thread.ended = true);
        });
        object::dereference(this);
    });
    if spawned.is_err() {
        return status::INSUFFICIENT_RESOURCES;
    }
    let announced = wait::until(None, || match current(&stage) {
        Stage::Announced(thread) => Some(thread),
        Stage::Starting | Stage::Released => None,
    });
    let Some(thread) = announced else { return status::UNSUCCESSFUL };
    threads().insert(thread, Thread { ended: false, made_at });
    object::insert(thread, Kind::Thread, |_| {});
    object::reference(thread);
    let opened = handle::open(Target::Object(thread));
    // SAFETY: the caller promises writable results.
    for_caller(|| unsafe {
        *thread_handle = opened;
        if !client.is_null() {
            (*client).UniqueProcess = std::ptr::without_provenance_mut(SYSTEM_PROCESS);
            (*client).UniqueThread = std::ptr::without_provenance_mut(identifier(thread));
        }
    });
    advance(&stage, Stage::Released);
    status::SUCCESS
}

/// Ends the calling system thread; does not return.
///
/// Follows the PsTerminateSystemThread page (PASSIVE_LEVEL): STATUS_INVALID_PARAMETER on a thread that no driver has started.
/// Judged: IRQL; what the thread's end is judged for (see [`PsCreateSystemThread`]). Not served: a call from a routine that
/// the kernel itself has called on that thread, which would not return to it.
pub extern "win64" fn PsTerminateSystemThread(_status: Status) -> Status {
    judge::irql_at_most(APC_LEVEL);
    if !is_thread(machine::current_thread()) {
        return status::INVALID_PARAMETER;
    }
    // SAFETY: nothing but numbers lives here.
    unsafe { machine::end_first_call() };
    violation(Rule::NotServed, "the kernel has called the routine that ends the thread: it must return")
}

/// Returns the calling thread's identifier.
///
/// Follows the PsGetCurrentThreadId page (any IRQL).
pub extern "win64" fn PsGetCurrentThreadId() -> *mut c_void {
    std::ptr::without_provenance_mut(identifier(machine::current_thread().addr()))
}

/// Returns a thread's identifier.
///
/// Follows the PsGetThreadId page.
pub extern "win64" fn PsGetThreadId(thread: *mut c_void) -> *mut c_void {
    std::ptr::without_provenance_mut(identifier(thread.addr()))
}

/// Returns the calling thread's process: the system process.
///
/// Follows the PsGetCurrentProcessId page (any IRQL).
pub extern "win64" fn PsGetCurrentProcessId() -> *mut c_void {
    std::ptr::without_provenance_mut(SYSTEM_PROCESS)
}

/// Returns a process's identifier: there is only the system process.
///
/// Follows the PsGetProcessId page.
pub extern "win64" fn PsGetProcessId(_process: *mut c_void) -> *mut c_void {
    PsGetCurrentProcessId()
}

/// Returns the identifier of the process that sent an IRP: a program's where user mode sent it, else the system process's.
///
/// Follows the IoGetRequestorProcessId page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live IRP.
#[expect(clippy::not_unsafe_ptr_arg_deref, reason = "the IRP is found live before it is touched")]
pub extern "win64" fn IoGetRequestorProcessId(irp: *mut IRP) -> u32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    flight::expect_live(irp, Rule::ObjectState, "asked for its requestor");
    // SAFETY: `expect_live` found a live IRP.
    let mode = unsafe { (*irp).RequestorMode };
    if mode == 0 { SYSTEM_PROCESS as u32 } else { PROGRAM }
}

/// The process of every program.
const PROGRAM: u32 = 0x3E8;

/// Whether an address is a thread that a driver started.
pub(super) fn is_thread(object: *mut c_void) -> bool {
    threads().contains_key(&object.addr())
}

/// Whether a thread has ended.
pub(super) fn has_ended(object: *mut c_void) -> bool {
    threads().get(&object.addr()).is_some_and(|thread| thread.ended)
}

/// The threads that code of an image has started and that still run.
pub(crate) fn running_of(image: &Image) -> Vec<Left> {
    let threads = threads();
    let running = threads.values().filter(|thread| !thread.ended && image.contains(thread.made_at));
    running.map(|thread| Left::new(thread.made_at, "a running system thread")).collect()
}

/// How far a new thread and its creator have come with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Announced(usize),
    Released,
}

fn current(stage: &Mutex<Stage>) -> Stage {
    *stage.lock().unwrap_or_else(PoisonError::into_inner)
}

fn advance(stage: &Mutex<Stage>, next: Stage) {
    wait::change(|| *stage.lock().unwrap_or_else(PoisonError::into_inner) = next);
}

struct Thread {
    ended: bool,
    made_at: usize,
}

/// Thread objects are pages apart; identifiers are multiples of four, as on Windows.
fn identifier(thread: usize) -> usize {
    (thread >> 10) & 0xFFFF_FFFC
}

/// The process identifier of System.
const SYSTEM_PROCESS: usize = 4;
static THREADS: Mutex<BTreeMap<usize, Thread>> = Mutex::new(BTreeMap::new());

fn threads() -> MutexGuard<'static, BTreeMap<usize, Thread>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}
