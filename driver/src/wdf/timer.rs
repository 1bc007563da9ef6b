//! WDFTIMER: calls a device back after a while.
#![expect(unsafe_code, reason = "calls the framework with handles, and is called by it")]

use core::sync::atomic::{AtomicPtr, Ordering};

use backchannel::NtStatus;
use wdk_sys::{WDF_TIMER_CONFIG, WDFDEVICE, WDFTIMER, WDFTIMER__, call_unsafe_wdf_function_binding};

use crate::wdf::{
    attributes, checked,
    context::{self, Context},
    size_of_u32,
};

/// What a device does when its timer has run down.
pub(crate) trait TimerCallback: Context {
    /// The time is over. At `DISPATCH_LEVEL`. Gives how long the timer runs again, in units of 100 ns; `None` for no more.
    fn elapsed(&self) -> Option<u64>;
}

/// A device's timer; there from [`Timer::create`] until the device goes.
#[derive(Debug)]
pub(crate) struct Timer(AtomicPtr<WDFTIMER__>);

impl Timer {
    /// No timer yet.
    pub(crate) const fn none() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Makes the timer of a device, which does not run yet.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// What the framework says.
    pub(crate) fn create<T: TimerCallback>(&self, device: WDFDEVICE) -> Result<(), NtStatus> {
        let mut config = config::<T>();
        let mut attributes = attributes::below(device);
        let mut timer: WDFTIMER = core::ptr::null_mut();
        // SAFETY: KMDF gave us the device; it copies both structures; the place for the handle outlives the call.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(
                WdfTimerCreate,
                &raw mut config,
                &raw mut attributes,
                &raw mut timer
            )
        })?;
        self.0.store(timer, Ordering::Release);
        Ok(())
    }

    /// Lets it run for a time, in units of 100 ns; if it runs, anew.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    pub(crate) fn start(&self, time: u64) {
        let timer = self.0.load(Ordering::Acquire);
        if !timer.is_null() {
            start(timer, time);
        }
    }

    /// Stops it, and waits for its callback.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    pub(crate) fn stop(&self) {
        let timer = self.0.load(Ordering::Acquire);
        if !timer.is_null() {
            // SAFETY: KMDF gave us the timer, which its device keeps.
            let _was_running = unsafe { call_unsafe_wdf_function_binding!(WdfTimerStop, timer, 1) };
        }
    }
}

fn start(timer: WDFTIMER, time: u64) {
    // A negative time is a relative one.
    let due = i64::try_from(time).unwrap_or(i64::MAX).saturating_neg();
    // SAFETY: KMDF gave us the timer, which its device keeps.
    let _was_running = unsafe { call_unsafe_wdf_function_binding!(WdfTimerStart, timer, due) };
}

/// As `WDF_TIMER_CONFIG_INIT` makes it.
fn config<T: TimerCallback>() -> WDF_TIMER_CONFIG {
    WDF_TIMER_CONFIG {
        Size: size_of_u32::<WDF_TIMER_CONFIG>(),
        EvtTimerFunc: Some(elapsed::<T>),
        AutomaticSerialization: 1,
        ..WDF_TIMER_CONFIG::default()
    }
}

unsafe extern "C" fn elapsed<T: TimerCallback>(timer: WDFTIMER) {
    // SAFETY: KMDF gave us the timer.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfTimerGetParentObject, timer) };
    if let Some(again) = context::of::<T>(device.cast()).and_then(T::elapsed) {
        start(timer, again);
    }
}
