//! WDFTIMER: calls back when a time has come, once or again and again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::attributes::{Attributes, ExecutionLevel};
use super::callback;
use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::kernel::{self, Event};
use super::loader::{self, Binding};
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use super::work_item;
use crate::sys;

/// A timer.
pub(super) struct Timer {
    object: Arc<Object>,
    parent: Arc<Object>,
    function: usize,
    period: u32,
    timer: kernel::Timer,
    /// Present when the callback must run at PASSIVE_LEVEL: carries it there.
    deferral: Option<kernel::WorkItem>,
    deferred: AtomicBool,
    /// Callbacks that run or are on their way to PASSIVE_LEVEL.
    running: AtomicU32,
    /// Signalled while no callback runs.
    idle: Event,
}

impl Kind for Timer {
    const NAME: &'static str = "WDFTIMER";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

impl Timer {
    fn begin(&self) {
        if self.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.idle.clear();
        }
    }

    fn run(&self) {
        callback::call(self.function, &[self.object.handle as u64]);
        if self.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.idle.set();
        }
    }

    fn stop(&self, wait: bool) -> bool {
        let cancelled = self.timer.cancel();
        if wait {
            kernel::flush_dpcs();
            self.idle.wait();
        }
        cancelled
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfTimerCreate, WdfTimerStart, WdfTimerStop, WdfTimerGetParentObject]
}

/// Makes a timer below a device.
///
/// Refusals as in traces `misuse-size-timer-verifier`, `misuse-timer-no-parent-verifier`,
/// `misuse-timer-driver-parent-verifier`, `async-passive-periodic`. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfTimerCreate(globals: usize, config: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(config, "Config");
    verify::required(out, "Timer");
    driver_memory::write(out, 0_usize);
    let config: sys::WDF_TIMER_CONFIG = driver_memory::read(config);
    if config.Size as usize != size_of::<sys::WDF_TIMER_CONFIG>() {
        return status::INFO_LENGTH_MISMATCH;
    }
    verify::required(callback::address(&config.EvtTimerFunc), "Config->EvtTimerFunc");
    let made = work_item::place(attributes)
        .and_then(|(attributes, parent, device)| create(&binding, &config, &attributes, parent, &device));
    match made {
        Ok(timer) => {
            driver_memory::write(out, timer.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

fn create(
    binding: &Arc<Binding>,
    config: &sys::WDF_TIMER_CONFIG,
    attributes: &Attributes,
    parent: Arc<Object>,
    device: &Device,
) -> Result<Arc<Timer>, Status> {
    let passive = attributes.execution_level == ExecutionLevel::Passive;
    if passive && config.Period != 0 {
        return Err(status::NOT_SUPPORTED);
    }
    let deferral = if passive {
        Some(kernel::WorkItem::new(device.wdm).ok_or(status::INSUFFICIENT_RESOURCES)?)
    } else {
        None
    };
    let timer = object::create(binding, attributes, Some(&parent), |object| Timer {
        timer: kernel::Timer::new(expired, object.handle),
        object,
        parent: parent.clone(),
        function: callback::address(&config.EvtTimerFunc),
        period: config.Period,
        deferral,
        deferred: AtomicBool::new(false),
        running: AtomicU32::new(0),
        idle: Event::notification(),
    })?;
    timer.idle.set();
    let for_disposal = Arc::downgrade(&timer);
    timer.object.when_disposed(move || {
        if let Some(timer) = for_disposal.upgrade() {
            timer.stop(true);
        }
    });
    Ok(timer)
}

/// Sets the timer (units of 100 ns, negative from now); TRUE when it was set before. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfTimerStart(globals: usize, timer: Handle, due: i64) -> u8 {
    loader::binding(globals);
    let timer = handle::of::<Timer>(timer);
    u8::from(timer.timer.set(due, timer.period))
}

/// Takes the timer back; TRUE when it was set. With `wait` also waits for a running callback, at PASSIVE_LEVEL
/// (trace `misuse-timer-stop-wait-dispatch-verifier`); otherwise IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfTimerStop(globals: usize, timer: Handle, wait: u8) -> u8 {
    loader::binding(globals);
    let timer = handle::of::<Timer>(timer);
    if wait != 0 && !verify::may_wait() {
        return 0;
    }
    u8::from(timer.stop(wait != 0))
}

/// Returns the parent. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfTimerGetParentObject(globals: usize, timer: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Timer>(timer).parent.handle
}

/// DPC routine of the timer: calls back here, or on a thread when that must be at PASSIVE_LEVEL.
extern "win64" fn expired(_dpc: usize, timer: usize, _first: usize, _second: usize) {
    let Ok(timer) = handle::try_of::<Timer>(timer) else { return };
    match &timer.deferral {
        None => {
            timer.begin();
            timer.run();
        }
        Some(deferral) if !timer.deferred.swap(true, Ordering::SeqCst) => {
            timer.begin();
            deferral.queue(run_deferred, timer.object.handle);
        }
        Some(_) => (),
    }
}

/// Work item routine of a timer whose callback runs at PASSIVE_LEVEL.
extern "win64" fn run_deferred(_device: usize, timer: usize) {
    let Ok(timer) = handle::try_of::<Timer>(timer) else { return };
    timer.deferred.store(false, Ordering::SeqCst);
    timer.run();
}
