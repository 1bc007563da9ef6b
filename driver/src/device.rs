//! The PF's device: what PnP and power do to it.
//!
//! It offers the device interfaces by which the virtualization stack and the operator find it, and answers the stack's
//! question for the routines. VFs are on and served from D0 entry to D0 exit; before, between and after, calls get a
//! definite refusal.

use core::sync::atomic::{AtomicBool, Ordering};

use backchannel::{
    MILLISECOND, NtStatus, PnpInput,
    abi::{
        operator_interface::GUID_DEVINTERFACE_PF_BACKCHANNEL, pcivirt::GUID_DEVINTERFACE_VIRTUALIZABLE_DEVICE,
    },
};
use wdk_sys::{STATUS_DEVICE_BUSY, WDFDEVICE};

use crate::{
    handler_interface,
    hardware::Hardware,
    ioctl,
    members::wait,
    pf::{Handlers, Pf},
    plugins::Plugins,
    sriov,
    storage::Reference,
    wdf::{
        context::{self, Context, ContextType},
        device::{DeviceInit, PnpCallbacks},
        interface::{create_device_interface, physical_device},
        irp::{File, InterfaceQuery, PnpIrps},
        queue,
        registry::{HardwareKey, ValueName},
        request::{Request, RequestCallbacks},
        resources::Resources,
        timer::{Timer, TimerCallback},
    },
};

/// How many VFs are served; as many as the hardware has where the hardware key has no such value.
const NUM_VFS: ValueName<6> = ValueName::new(b"NumVFs");
/// How long the VSP may think about a rebalance, in milliseconds.
const QUERY_STOP_TIMEOUT: ValueName<16> = ValueName::new(b"QueryStopTimeout");
const DEFAULT_QUERY_STOP_TIMEOUT: u32 = 30_000;
/// How long a call may wait for its VF, and a handler may take, in milliseconds.
const TIME_BUDGET: ValueName<17> = ValueName::new(b"HandlerTimeBudget");
const DEFAULT_TIME_BUDGET: u32 = 1_000;
/// Not 0: the input of a request for an invalidation names the VF that it is for.
const INPUT_IS_FILTER: ValueName<23> = ValueName::new(b"InvalidateInputIsFilter");
/// Not 0: this driver is a filter above the function driver of the PF.
const FILTER: ValueName<6> = ValueName::new(b"Filter");

/// What the framework keeps with the device.
#[derive(Debug)]
pub(crate) struct Device {
    pf: Reference<Pf>,
    is_filter: bool,
    /// The hardware was prepared, and D0 was not entered since: the next D0 entry belongs to a start.
    is_starting: AtomicBool,
    /// Looks for handlers that take too long, in D0.
    watch: Timer,
}

static DEVICE: ContextType = ContextType::new::<Device>(c"Device", &DEVICE);

impl Context for Device {
    const TYPE: &'static ContextType = &DEVICE;
}

/// Makes a device for a PF: its callbacks, its interface classes, its queue.
///
/// IRQL: `PASSIVE_LEVEL`, from `EvtDriverDeviceAdd`.
///
/// # Errors
/// What the framework says, or no memory; the framework then removes the device.
pub(crate) fn add(init: DeviceInit, handlers: &'static Handlers) -> Result<(), NtStatus> {
    let pf = Pf::new(handlers)?;
    let is_filter = init.hardware_key_dword(&FILTER)?.unwrap_or(0) != 0;
    if is_filter {
        init.set_filter();
    }
    let device =
        init.create(Device { pf, is_filter, is_starting: AtomicBool::new(false), watch: Timer::none() })?;
    if let Some(made) = context::of::<Device>(device) {
        made.watch.create::<Device>(device)?;
        if let Some(plugins) = made.pf.plugins() {
            plugins.open(physical_device(device));
        }
    }
    queue::create::<Device>(device)?;
    create_device_interface(device, &GUID_DEVINTERFACE_VIRTUALIZABLE_DEVICE)?;
    create_device_interface(device, &GUID_DEVINTERFACE_PF_BACKCHANNEL)
}

impl Device {
    /// Reads the hardware key; says how many VFs the operator wants.
    fn read_settings(&self, device: WDFDEVICE) -> Result<Option<u32>, NtStatus> {
        let key = HardwareKey::open(device)?;
        let timeout = key.dword(&QUERY_STOP_TIMEOUT)?.unwrap_or(DEFAULT_QUERY_STOP_TIMEOUT);
        self.pf.settings.query_stop_timeout.store(timeout, Ordering::Relaxed);
        let budget = key.dword(&TIME_BUDGET)?.unwrap_or(DEFAULT_TIME_BUDGET);
        self.pf.settings.time_budget.store(budget, Ordering::Relaxed);
        let is_filter = key.dword(&INPUT_IS_FILTER)?.unwrap_or(0) != 0;
        self.pf.settings.input_is_filter.store(is_filter, Ordering::Relaxed);
        key.dword(&NUM_VFS)
    }
}

/// The device is gone: nobody's handlers are called any more.
impl Drop for Device {
    fn drop(&mut self) {
        self.pf.end_all_registrations();
    }
}

impl PnpCallbacks for Device {
    fn prepare_hardware(&self, device: WDFDEVICE, resources: &Resources) -> Result<(), NtStatus> {
        let vfs = self.read_settings(device)?;
        self.pf.prepare(Hardware::find(device, resources, vfs)?)?;
        self.is_starting.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn release_hardware(&self) {
        self.pf.refuse_calls();
        drop(self.pf.hardware.empty(wait));
    }

    fn d0_entry(&self) -> Result<(), NtStatus> {
        self.pf.power_up()?;
        self.watch.start(self.pf.watch_interval());
        if self.is_starting.swap(false, Ordering::Relaxed) {
            let _always_success = self.pf.conversation.step(PnpInput::Started);
        }
        Ok(())
    }

    fn d0_exit(&self) {
        self.watch.stop();
        self.pf.power_down();
    }

    fn surprise_removal(&self) {
        self.pf.gone.store(true, Ordering::Release);
        // The framework completes what waits at removal only, and removal waits for the handle of who sent it.
        self.pf.end_waiting();
        self.pf.refuse_calls();
    }

    fn query_stop(&self) -> Result<(), NtStatus> {
        let timeout = u64::from(self.pf.settings.query_stop_timeout.load(Ordering::Relaxed));
        let status = self.pf.conversation.query_stop(timeout.saturating_mul(MILLISECOND));
        if status.is_success() { Ok(()) } else { Err(status) }
    }

    fn query_remove(&self) -> Result<(), NtStatus> {
        // SPEC: abi 6.7: there is no event for a removal. Who holds the interface hears of it by target-device notification, and
        // gives the interface back; as long as it does not, the device stays. One reference is the device's own.
        //
        // How long is not bounded, on purpose: a holder that is cut off would call code that is not there any more. The operator
        // reads the count (`PF_BACKCHANNEL_PF::References`), and a removal that does not ask is not held up by it.
        let is_used = self.pf.count() > 1 || !self.pf.plugins().is_none_or(Plugins::are_none);
        if is_used { Err(NtStatus::from_raw(STATUS_DEVICE_BUSY)) } else { Ok(()) }
    }
}

impl PnpIrps for Device {
    type Behind = Pf;

    fn answer(&self, query: &InterfaceQuery) -> Option<Result<Reference<Pf>, NtStatus>> {
        sriov::answer(query, &self.pf).map(Ok).or_else(|| handler_interface::answer(query, &self.pf))
    }

    fn stop_cancelled(&self) {
        let _always_success = self.pf.conversation.step(PnpInput::CancelStop);
    }

    fn removing(&self) {
        self.pf.end_waiting();
    }

    fn closed(&self, file: File) {
        self.pf.closed(file);
    }
}

impl TimerCallback for Device {
    fn elapsed(&self) -> Option<u64> {
        self.pf.watch().then(|| self.pf.watch_interval())
    }
}

impl RequestCallbacks for Device {
    fn control(&self, device: WDFDEVICE, request: Request, code: u32) {
        match ioctl::serve::<Self>(&self.pf, request, code, self.is_filter) {
            Some(foreign) if self.is_filter => foreign.pass_down(device),
            Some(unknown) => unknown.complete(NtStatus::INVALID_DEVICE_REQUEST),
            None => {}
        }
    }

    fn cancelled(&self, request: Request) {
        self.pf.cancelled(request);
    }
}
