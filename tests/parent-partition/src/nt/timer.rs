//! Timers (KTIMER): due after a time, once or again and again; they signal, and queue a DPC where one is named.
//!
//! One system thread waits for the next due time and runs the DPCs at DISPATCH_LEVEL.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use super::dispatcher::{self, Kind};
use super::dpc;
use super::irql::DISPATCH_LEVEL;
use super::left::Left;
use super::time;
use crate::image::Image;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{self, interrupt, thread_block, wait};
use crate::sys::{KDPC, KTIMER, LARGE_INTEGER};

/// Makes a notification timer.
///
/// Follows the KeInitializeTimer page (any IRQL).
///
/// # Safety
/// `timer` is writable and stays where it is.
pub unsafe extern "win64" fn KeInitializeTimer(timer: *mut KTIMER) {
    // SAFETY: the caller promises a writable timer.
    unsafe { KeInitializeTimerEx(timer, 0) };
}

/// Makes a timer of a type (0 notification, 1 synchronization).
///
/// Follows the KeInitializeTimerEx page (any IRQL). Judged: a timer that is set; a type that does not exist.
///
/// # Safety
/// `timer` is writable and stays where it is.
pub unsafe extern "win64" fn KeInitializeTimerEx(timer: *mut KTIMER, kind: u32) {
    let kind = match kind {
        0 => Kind::NotificationTimer,
        1 => Kind::SynchronizationTimer,
        other => violation(Rule::BadParameter, format_args!("no timer type {other}")),
    };
    if due().contains_key(&timer.addr()) {
        violation(Rule::ObjectState, format_args!("the timer {timer:p} is initialized while it is set"));
    }
    // SAFETY: the caller promises a writable timer.
    for_caller(|| unsafe {
        timer.write(KTIMER::default());
        dispatcher::initialize(&raw mut (*timer).Header, kind, size_of::<KTIMER>(), 0);
    });
}

/// Sets a timer; true when it was set already.
///
/// Follows the KeSetTimer page (IRQL <= DISPATCH_LEVEL). Judged as [`KeSetCoalescableTimer`].
///
/// # Safety
/// `timer` is an initialized timer, `dpc` NULL or an initialized DPC.
pub unsafe extern "win64" fn KeSetTimer(timer: *mut KTIMER, when: LARGE_INTEGER, dpc: *mut KDPC) -> u8 {
    // SAFETY: the caller's promises are the same.
    unsafe { KeSetCoalescableTimer(timer, when, 0, 0, dpc) }
}

/// Sets a timer with a period in milliseconds, 0 for none; true when it was set already.
///
/// Follows the KeSetTimerEx page (IRQL <= DISPATCH_LEVEL). Judged as [`KeSetCoalescableTimer`].
///
/// # Safety
/// As [`KeSetTimer`].
pub unsafe extern "win64" fn KeSetTimerEx(
    timer: *mut KTIMER,
    when: LARGE_INTEGER,
    period: i32,
    dpc: *mut KDPC,
) -> u8 {
    // SAFETY: the caller's promises are the same.
    unsafe { KeSetCoalescableTimer(timer, when, period.cast_unsigned(), 0, dpc) }
}

/// Sets a timer that may be a little late; true when it was set already.
///
/// Follows the KeSetCoalescableTimer page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; an object that is no initialized timer; a
/// timer whose memory is freed while it is set (access, when it is due).
///
/// # Safety
/// As [`KeSetTimer`].
pub unsafe extern "win64" fn KeSetCoalescableTimer(
    timer: *mut KTIMER,
    when: LARGE_INTEGER,
    period: u32,
    _tolerable: u32,
    dpc: *mut KDPC,
) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    let period = (period != 0).then(|| Duration::from_millis(u64::from(period)));
    // SAFETY: the caller promises a timer, the union of whose due time is one number.
    u8::from(unsafe { set(timer, when.QuadPart, period, dpc) })
}

/// Takes a timer back; true when it was set.
///
/// Follows the KeCancelTimer page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; an object that is no initialized timer.
///
/// # Safety
/// `timer` is an initialized timer.
pub unsafe extern "win64" fn KeCancelTimer(timer: *mut KTIMER) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a timer.
    for_caller(|| unsafe { expect_timer(timer) });
    u8::from(wait::change(|| due().remove(&timer.addr()).is_some()))
}

/// Returns whether a timer is signaled.
///
/// Follows the KeReadStateTimer page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; an object that is no initialized timer.
///
/// # Safety
/// `timer` is an initialized timer.
pub unsafe extern "win64" fn KeReadStateTimer(timer: *mut KTIMER) -> u8 {
    judge::irql_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller promises a timer.
    for_caller(|| unsafe {
        expect_timer(timer);
        u8::from((*timer).Header.SignalState != 0)
    })
}

/// The timers that code of an image has set and that are still due.
pub(crate) fn left_of(image: &Image) -> Vec<Left> {
    let set: Vec<_> = due().values().map(|due| due.set_at).filter(|set_at| image.contains(*set_at)).collect();
    set.into_iter().map(|set_at| Left::new(set_at, "a timer that is still set")).collect()
}

/// Sets a timer on behalf of a routine's caller; whether it was set already.
///
/// # Safety
/// As [`KeSetTimer`].
pub(super) unsafe fn set(timer: *mut KTIMER, when: i64, period: Option<Duration>, dpc: *mut KDPC) -> bool {
    start_clock();
    // SAFETY: the caller promises a timer.
    for_caller(|| unsafe {
        expect_timer(timer);
        let at = wait::since_boot() + time::until(when);
        let set_at = thread_block::current().map_or(0, |block| block.return_address());
        wait::change(|| {
            (*timer).Header.SignalState = 0;
            (*timer).Dpc = dpc;
            due().insert(timer.addr(), Due { at, period, set_at }).is_some()
        })
    })
}

/// # Safety
/// `timer` is readable.
unsafe fn expect_timer(timer: *mut KTIMER) {
    // SAFETY: the caller promises a readable object.
    let kind = unsafe { dispatcher::kind(&raw mut (*timer).Header) };
    if !matches!(kind, Kind::NotificationTimer | Kind::SynchronizationTimer) {
        violation(Rule::HandleType, format_args!("{timer:p} is a {kind:?}, not a timer"));
    }
}

fn start_clock() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        if let Err(error) = machine::thread::spawn("timers", tick) {
            panic!("no thread for timers: {error}");
        }
    });
}

fn tick() {
    loop {
        let next = wait::until(None, || due().values().map(|due| due.at).min());
        let Some(next) = next else { continue };
        let left = next.saturating_sub(wait::since_boot());
        // An earlier timer, or a cancelled one, ends the sleep.
        wait::until(Some(left), || (due().values().map(|due| due.at).min() != Some(next)).then_some(()));
        while let Some(queued) = wait::change(signal_one) {
            if !queued.is_null() {
                let queued = queued.expose_provenance();
                // SAFETY: the caller of KeSetTimer promised a DPC that stays while the timer is set.
                interrupt::run(move || unsafe {
                    let queued = std::ptr::with_exposed_provenance_mut(queued);
                    dpc::KeInsertQueueDpc(queued, std::ptr::null_mut(), std::ptr::null_mut());
                    dpc::drain();
                });
            }
        }
    }
}

/// Signals one timer that is due, under the dispatcher lock.
fn signal_one() -> Option<*mut KDPC> {
    let now = wait::since_boot();
    let mut due = due();
    let (address, entry) = due.iter_mut().find(|(_, due)| due.at <= now)?;
    let timer: *mut KTIMER = std::ptr::with_exposed_provenance_mut(*address);
    let address = *address;
    match entry.period {
        Some(period) => entry.at += period,
        None => {
            due.remove(&address);
        }
    }
    // SAFETY: a timer that is set stays where it is; a driver that freed it is blamed for the fault.
    Some(for_caller(|| unsafe {
        (*timer).Header.SignalState = 1;
        (*timer).Dpc
    }))
}

struct Due {
    at: Duration,
    period: Option<Duration>,
    set_at: usize,
}

static DUE: Mutex<BTreeMap<usize, Due>> = Mutex::new(BTreeMap::new());

/// LOCK: taken under the dispatcher lock, never the other way round.
fn due() -> MutexGuard<'static, BTreeMap<usize, Due>> {
    DUE.lock().unwrap_or_else(PoisonError::into_inner)
}
