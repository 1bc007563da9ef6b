//! Deferred procedure calls (KDPC).
//!
//! A DPC queued below DISPATCH_LEVEL runs at once on the calling thread, as the interrupt it asks for would; one queued at
//! DISPATCH_LEVEL runs when the thread lowers its level.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::irql::{DISPATCH_LEVEL, HIGH_LEVEL, PASSIVE_LEVEL};
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{irql, wait};
use crate::sys::{KDPC, PKDEFERRED_ROUTINE};

/// Makes a DPC.
///
/// Follows the KeInitializeDpc page (any IRQL).
///
/// # Safety
/// `dpc` is writable and stays where it is.
pub unsafe extern "win64" fn KeInitializeDpc(
    dpc: *mut KDPC,
    routine: PKDEFERRED_ROUTINE,
    context: *mut std::ffi::c_void,
) {
    // SAFETY: the caller promises a writable DPC.
    for_caller(|| unsafe {
        dpc.write(KDPC::default());
        dpc.cast::<u8>().write(DPC_OBJECT);
        dpc.cast::<u8>().add(1).write(MEDIUM_IMPORTANCE);
        (*dpc).DeferredRoutine = routine;
        (*dpc).DeferredContext = context;
    });
}

/// Queues a DPC; false when it is queued already.
///
/// Follows the KeInsertQueueDpc page (any IRQL). Judged: a DPC that was never initialized.
///
/// # Safety
/// `dpc` is an initialized DPC.
pub unsafe extern "win64" fn KeInsertQueueDpc(
    dpc: *mut KDPC,
    first: *mut std::ffi::c_void,
    second: *mut std::ffi::c_void,
) -> u8 {
    judge::irql_at_most(HIGH_LEVEL);
    // SAFETY: the caller promises a DPC; its data word, null while it is not queued, is only touched atomically.
    let queued = for_caller(|| unsafe {
        if dpc.cast::<u8>().read() != DPC_OBJECT {
            violation(Rule::ObjectState, format_args!("the DPC {dpc:p} was never initialized"));
        }
        let word = AtomicUsize::from_ptr((&raw mut (*dpc).DpcData).cast());
        let queued = word.compare_exchange(0, dpc.addr(), Ordering::AcqRel, Ordering::Acquire).is_ok();
        if queued {
            (*dpc).SystemArgument1 = first;
            (*dpc).SystemArgument2 = second;
        }
        queued
    });
    if queued {
        wait::change(|| OUTSTANDING.fetch_add(1, Ordering::Relaxed));
        QUEUE.with_borrow_mut(|queue| queue.push_back(dpc.expose_provenance()));
        if irql::current() < DISPATCH_LEVEL {
            irql::at(DISPATCH_LEVEL, drain);
        }
    }
    u8::from(queued)
}

/// Takes a DPC off the queue; false when it was not queued.
///
/// Follows the KeRemoveQueueDpc page (any IRQL).
///
/// # Safety
/// `dpc` is an initialized DPC.
pub unsafe extern "win64" fn KeRemoveQueueDpc(dpc: *mut KDPC) -> u8 {
    // SAFETY: the caller promises a DPC.
    u8::from(for_caller(|| unsafe { take(dpc) }))
}

/// Waits until every DPC that was queued has run.
///
/// Follows the KeFlushQueuedDpcs page (PASSIVE_LEVEL). Judged: IRQL.
pub extern "win64" fn KeFlushQueuedDpcs() {
    judge::irql_at_most(PASSIVE_LEVEL);
    wait::until(None, || (OUTSTANDING.load(Ordering::Relaxed) == 0).then_some(()));
}

/// Runs the DPCs that this thread has queued; called at DISPATCH_LEVEL.
pub(super) fn drain() {
    while let Some(address) = QUEUE.with_borrow_mut(VecDeque::pop_front) {
        let dpc: *mut KDPC = std::ptr::with_exposed_provenance_mut(address);
        // SAFETY: a queued DPC stays where it is until it has begun to run.
        let call = for_caller(|| unsafe {
            let (routine, context) = ((*dpc).DeferredRoutine, (*dpc).DeferredContext);
            let arguments = ((*dpc).SystemArgument1, (*dpc).SystemArgument2);
            take(dpc).then_some((routine, context, arguments))
        });
        if let Some((routine, context, (first, second))) = call {
            invoke!(routine.map_or(0, |routine| routine as usize); dpc, context, first, second);
        }
        wait::change(|| OUTSTANDING.fetch_sub(1, Ordering::Relaxed));
    }
}

/// # Safety
/// `dpc` is an initialized DPC.
unsafe fn take(dpc: *mut KDPC) -> bool {
    // SAFETY: the caller promises a DPC, whose data word is only touched atomically.
    unsafe { AtomicUsize::from_ptr((&raw mut (*dpc).DpcData).cast()).swap(0, Ordering::AcqRel) != 0 }
}

/// The object type and the importance of a new DPC.
const DPC_OBJECT: u8 = 19;
const MEDIUM_IMPORTANCE: u8 = 1;
static OUTSTANDING: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static QUEUE: RefCell<VecDeque<usize>> = const { RefCell::new(VecDeque::new()) };
}
