//! DPCs and timers, as the framework uses them.

use std::cell::UnsafeCell;
use std::ffi::c_void;

use crate::nt;
use crate::sys;

/// DPC routine: DPC, context, two arguments.
pub(in crate::kmdf) type DpcRoutine = extern "win64" fn(usize, usize, usize, usize);

/// A deferred procedure call.
pub(in crate::kmdf) struct Dpc(Box<UnsafeCell<sys::KDPC>>);

// SAFETY: a KDPC is made to be used from any thread, through the routines of NT only.
unsafe impl Send for Dpc {}
// SAFETY: as above.
unsafe impl Sync for Dpc {}

impl Dpc {
    /// Makes one that calls `routine` with `context`.
    pub(in crate::kmdf) fn new(routine: DpcRoutine, context: usize) -> Self {
        let dpc = Self(Box::new(UnsafeCell::new(sys::KDPC::default())));
        // SAFETY: the DPC is writable, stays at its address, and the routine has the type of a KDEFERRED_ROUTINE.
        unsafe {
            let routine = std::mem::transmute::<usize, sys::PKDEFERRED_ROUTINE>(routine as usize);
            nt::dpc::KeInitializeDpc(dpc.0.get(), routine, context as *mut c_void);
        }
        dpc
    }

    /// Queues it; false when it is queued already.
    pub(in crate::kmdf) fn enqueue(&self) -> bool {
        // SAFETY: initialised when made.
        unsafe { nt::dpc::KeInsertQueueDpc(self.0.get(), std::ptr::null_mut(), std::ptr::null_mut()) != 0 }
    }

    /// Takes it back; true when it was queued.
    pub(in crate::kmdf) fn cancel(&self) -> bool {
        // SAFETY: initialised when made.
        unsafe { nt::dpc::KeRemoveQueueDpc(self.0.get()) != 0 }
    }
}

/// A timer with the DPC that it queues.
pub(in crate::kmdf) struct Timer {
    timer: Box<UnsafeCell<sys::KTIMER>>,
    dpc: Dpc,
}

// SAFETY: a KTIMER is made to be used from any thread, through the routines of NT only.
unsafe impl Send for Timer {}
// SAFETY: as above.
unsafe impl Sync for Timer {}

impl Timer {
    /// Makes one that calls `routine` with `context` at DISPATCH_LEVEL.
    pub(in crate::kmdf) fn new(routine: DpcRoutine, context: usize) -> Self {
        let timer = Self {
            timer: Box::new(UnsafeCell::new(sys::KTIMER::default())),
            dpc: Dpc::new(routine, context),
        };
        // SAFETY: the timer is writable and stays at its address.
        unsafe { nt::timer::KeInitializeTimerEx(timer.timer.get(), 0) };
        timer
    }

    /// Sets it (units of 100 ns; a period in milliseconds, 0 for once); true when it was set before.
    pub(in crate::kmdf) fn set(&self, due: i64, period: u32) -> bool {
        let due = sys::LARGE_INTEGER { QuadPart: due };
        // SAFETY: both are initialised and stay while the timer is set: its owner cancels it before it goes.
        unsafe { nt::timer::KeSetTimerEx(self.timer.get(), due, period as i32, self.dpc.0.get()) != 0 }
    }

    /// Takes it back; true when it was set.
    pub(in crate::kmdf) fn cancel(&self) -> bool {
        // SAFETY: initialised when made.
        unsafe { nt::timer::KeCancelTimer(self.timer.get()) != 0 }
    }
}
