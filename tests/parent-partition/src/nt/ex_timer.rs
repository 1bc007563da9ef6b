//! Timers that the kernel allocates (EX_TIMER): a callback at DISPATCH_LEVEL.
//!
//! Each is a KTIMER with a DPC in memory of the kernel's, so it can be waited for as one. That memory stays to the end of the
//! run: the clock may be about to queue the DPC of a timer that has just been deleted, which then does nothing.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::irql::{APC_LEVEL, DISPATCH_LEVEL};
use super::left::Left;
use super::{dpc, timer};
use crate::image::Image;
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{thread_block, wait};
use crate::sys::{KDPC, KTIMER, PKDEFERRED_ROUTINE};

/// An EX_TIMER, opaque to drivers.
#[derive(Debug)]
#[repr(C)]
pub struct ExTimer {
    timer: KTimer,
    dpc: KDpc,
    callback: usize,
    context: *mut c_void,
}

/// EXT_DELETE_PARAMETERS (wdm.h).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeleteParameters {
    version: u32,
    reserved: u32,
    callback: usize,
    context: *mut c_void,
}

/// Allocates a timer; NULL for attributes that do not go together.
///
/// Follows the ExAllocateTimer page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; attributes that do not exist; a timer that is not
/// deleted at unload (leak).
pub extern "win64" fn ExAllocateTimer(
    callback: usize,
    context: *mut c_void,
    attributes: u32,
) -> *mut ExTimer {
    judge::irql_at_most(DISPATCH_LEVEL);
    if attributes & !(HIGH_RESOLUTION | NO_WAKE | NOTIFICATION) != 0 {
        violation(Rule::BadParameter, format_args!("no timer attributes {attributes:#x}"));
    }
    if attributes & (HIGH_RESOLUTION | NO_WAKE) == HIGH_RESOLUTION | NO_WAKE {
        return null_mut();
    }
    let made = Box::into_raw(Box::new(ExTimer {
        timer: KTimer(KTIMER::default()),
        dpc: KDpc(KDPC::default()),
        callback: 0,
        context: null_mut(),
    }));
    let synchronization = u32::from(attributes & NOTIFICATION == 0);
    // SAFETY: the timer was just made.
    unsafe {
        timer::KeInitializeTimerEx(&raw mut (*made).timer.0, synchronization);
        let routine = std::mem::transmute::<usize, PKDEFERRED_ROUTINE>(expired as *const () as usize);
        dpc::KeInitializeDpc(&raw mut (*made).dpc.0, routine, made.cast());
        (*made).callback = callback;
        (*made).context = context;
    }
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    lock().insert(made.expose_provenance(), Entry { made_at, running: 0 });
    made
}

/// Sets a timer with a period in units of 100 ns, 0 for none; true when it was set already.
///
/// Follows the ExSetTimer page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no timer; a negative period.
///
/// # Safety
/// `timer` is one of [`ExAllocateTimer`].
pub unsafe extern "win64" fn ExSetTimer(
    timer: *mut ExTimer,
    due: i64,
    period: i64,
    _parameters: *const c_void,
) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    expect(timer);
    let period = u64::try_from(period)
        .unwrap_or_else(|_| violation(Rule::BadParameter, format_args!("a period of {period}")));
    let period = (period != 0).then(|| Duration::from_nanos(period.saturating_mul(100)));
    // SAFETY: the timer is live, and so are its parts.
    let (inner, dpc) = unsafe { (&raw mut (*timer).timer.0, &raw mut (*timer).dpc.0) };
    // SAFETY: as above.
    u8::from(unsafe { timer::set(inner, due, period, dpc) })
}

/// Takes a timer back; true when it was set.
///
/// Follows the ExCancelTimer page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no timer.
///
/// # Safety
/// `timer` is one of [`ExAllocateTimer`].
pub unsafe extern "win64" fn ExCancelTimer(timer: *mut ExTimer, _parameters: *const c_void) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    expect(timer);
    // SAFETY: the timer is live, and so is its part.
    unsafe { timer::KeCancelTimer(&raw mut (*timer).timer.0) }
}

/// Deletes a timer; true when it was set and is cancelled by this.
///
/// Follows the ExDeleteTimer page (IRQL <= DISPATCH_LEVEL, <= APC_LEVEL to wait). Judged: IRQL; something that is no timer; a
/// wait without a cancellation, or with a callback; a timer that is left set.
///
/// # Safety
/// `timer` is one of [`ExAllocateTimer`]; `parameters` is NULL or readable.
pub unsafe extern "win64" fn ExDeleteTimer(
    timer: *mut ExTimer,
    cancel: u8,
    wait: u8,
    parameters: *const DeleteParameters,
) -> u8 {
    judge::irql_at_most(if wait == 0 { DISPATCH_LEVEL } else { APC_LEVEL });
    expect(timer);
    // SAFETY: the caller promises NULL or readable parameters.
    let (callback, context) = for_caller(|| unsafe {
        if parameters.is_null() { (0, null_mut()) } else { ((*parameters).callback, (*parameters).context) }
    });
    if wait != 0 && (cancel == 0 || callback != 0) {
        violation(Rule::BadParameter, "a timer's deletion waits without cancelling, or with a callback");
    }
    // SAFETY: the timer is live, and so is its part.
    let was_set = unsafe { timer::KeCancelTimer(&raw mut (*timer).timer.0) };
    if was_set != 0 && cancel == 0 {
        violation(Rule::ObjectState, format_args!("the timer {timer:p} is deleted while it is set"));
    }
    let address = timer.addr();
    if wait != 0 {
        super::spin_lock::expect_none_held("the thread waits");
        wait::until(None, || lock().get(&address).is_none_or(|entry| entry.running == 0).then_some(()));
    }
    wait::change(|| lock().remove(&address));
    if callback != 0 {
        invoke!(callback; context);
    }
    was_set
}

/// The timers that code of an image has allocated and nobody has deleted.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let timers = lock();
    let leaked = timers.iter().filter(|(_, entry)| image.contains(entry.made_at));
    leaked
        .map(|(address, entry)| Left::new(entry.made_at, format_args!("the allocated timer {address:#x}")))
        .collect()
}

/// The DPC routine of every timer.
extern "win64" fn expired(_dpc: *mut KDPC, timer: *mut ExTimer, _first: usize, _second: usize) {
    let address = timer.addr();
    let known = wait::change(|| lock().get_mut(&address).map(|entry| entry.running += 1).is_some());
    if !known {
        return;
    }
    // SAFETY: the timer stays while its callback is counted as running, or its driver has not waited for that and is
    // blamed for the fault.
    let (callback, context) = unsafe { ((*timer).callback, (*timer).context) };
    if callback != 0 {
        invoke!(callback; timer, context);
    }
    wait::change(|| {
        if let Some(entry) = lock().get_mut(&address) {
            entry.running -= 1;
        }
    });
}

fn expect(timer: *mut ExTimer) {
    if !lock().contains_key(&timer.addr()) {
        violation(Rule::ObjectState, format_args!("{timer:p} is no allocated timer"));
    }
}

/// The kernel's structures, which have no form for people.
#[repr(transparent)]
struct KTimer(KTIMER);
#[repr(transparent)]
struct KDpc(KDPC);

impl std::fmt::Debug for KTimer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KTIMER")
    }
}

impl std::fmt::Debug for KDpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KDPC")
    }
}

struct Entry {
    made_at: usize,
    /// Threads inside the callback.
    running: u32,
}

/// Attributes of a timer (wdm.h).
const HIGH_RESOLUTION: u32 = 4;
const NO_WAKE: u32 = 8;
const NOTIFICATION: u32 = 1 << 31;
static TIMERS: Mutex<BTreeMap<usize, Entry>> = Mutex::new(BTreeMap::new());

/// LOCK: taken under the dispatcher lock, never the other way round.
fn lock() -> MutexGuard<'static, BTreeMap<usize, Entry>> {
    TIMERS.lock().unwrap_or_else(PoisonError::into_inner)
}
