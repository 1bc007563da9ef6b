//! WDFQUEUE: where requests wait for the driver, and whose order and number the framework keeps.
//!
//! The parts: `queue_state` decides what happens next, `queue_events` does it, `queue_control` starts, stops, drains and
//! purges, `queue_power` holds requests back while the device is not in D0, `queue_retrieve` hands them to a driver that
//! asks.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::attributes::{Attributes, ExecutionLevel, SynchronizationScope};
use super::callback;
use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::irp::Irp;
use super::kernel::{Event, WorkItem};
use super::loader;
use super::object::{self, Object};
use super::queue_state::QueueState;
use super::request::Request;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::{self, Rule};
use crate::sys;

/// A queue.
pub(super) struct Queue {
    /// The common part.
    pub(super) object: Arc<Object>,
    /// What its driver said when it made the queue.
    pub(super) config: QueueConfig,
    /// Whose queue it is.
    device: Weak<Device>,
    /// Signalled when a stop or purge for power has come to its end.
    pub(super) power_idle: Event,
    /// Signalled when the last request is gone after disposing began.
    pub(super) finished: Event,
    /// Present when callbacks must run at PASSIVE_LEVEL: carries them there.
    pub(super) deferral: Option<WorkItem>,
    state: Mutex<QueueState<Request>>,
}

impl Kind for Queue {
    const NAME: &'static str = "WDFQUEUE";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Queue {
    /// Whose queue it is.
    pub(super) fn device(&self) -> Arc<Device> {
        self.device.upgrade().expect("a device outlives its queues")
    }

    /// The handle.
    pub(super) fn handle(&self) -> Handle {
        self.object.handle
    }

    /// The part that changes. LOCK: a leaf; no callback, completion or wait under it.
    pub(super) fn state(&self) -> MutexGuard<'_, QueueState<Request>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the driver can be given requests of a type from this queue.
    pub(super) fn takes(&self, request_type: u32) -> bool {
        let handlers = &self.config.handlers;
        self.config.dispatch == Dispatch::Manual
            || handlers.default != 0
            || match request_type {
                TYPE_READ => handlers.read != 0,
                TYPE_WRITE => handlers.write != 0,
                TYPE_DEVICE_CONTROL => handlers.device_control != 0,
                TYPE_INTERNAL_DEVICE_CONTROL => handlers.internal_device_control != 0,
                _ => false,
            }
    }

    /// The callback for an IRP, with the arguments after queue and request; `None` completes it by itself.
    pub(super) fn handler_of(&self, irp: Irp) -> Handler {
        let handlers = &self.config.handlers;
        let stack = irp.parameters();
        let or_default = |function: usize, arguments: Vec<u64>| match (function, handlers.default) {
            (0, 0) => Handler::None,
            (0, default) => Handler::Call(default, Vec::new()),
            (function, _) => Handler::Call(function, arguments),
        };
        // SAFETY: the union's part is the one that the major function selects.
        let (length, control) = unsafe { (stack.Parameters.Read.Length, stack.Parameters.DeviceIoControl) };
        let control_arguments = || {
            let (output, input) = (control.OutputBufferLength, control.InputBufferLength);
            vec![u64::from(output), u64::from(input), u64::from(control.IoControlCode)]
        };
        let handler = match stack.MajorFunction {
            MAJOR_READ => or_default(handlers.read, vec![u64::from(length)]),
            MAJOR_WRITE => or_default(handlers.write, vec![u64::from(length)]),
            MAJOR_DEVICE_CONTROL => or_default(handlers.device_control, control_arguments()),
            MAJOR_INTERNAL_DEVICE_CONTROL => {
                or_default(handlers.internal_device_control, control_arguments())
            }
            _ => or_default(0, Vec::new()),
        };
        match handler {
            Handler::Call(..) if self.completes_itself(irp) => Handler::Empty,
            handler => handler,
        }
    }

    /// Whether an IRP is a read or write of nothing, which is completed without the driver.
    pub(super) fn completes_itself(&self, irp: Irp) -> bool {
        let stack = irp.parameters();
        // SAFETY: read and write share their layout.
        let length = unsafe { stack.Parameters.Read.Length };
        !self.config.allows_zero_length
            && length == 0
            && matches!(stack.MajorFunction, MAJOR_READ | MAJOR_WRITE)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.object, self.config)
    }
}

/// What to do with a request that is due.
#[derive(Clone, Debug)]
pub(super) enum Handler {
    /// Call this function of the driver with these arguments after queue and request.
    Call(usize, Vec<u64>),
    /// Complete it with success: there is nothing in it.
    Empty,
    /// Complete it with STATUS_INVALID_DEVICE_REQUEST: nobody handles it.
    None,
}

/// WDF_IO_QUEUE_CONFIG.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueConfig {
    /// In which order and number requests are presented.
    pub(super) dispatch: Dispatch,
    /// How many requests of a parallel queue the driver holds at most.
    pub(super) limit: usize,
    /// Whether requests are held back while the device is not in D0.
    pub(super) power_managed: bool,
    /// Whether reads and writes of nothing reach the driver.
    pub(super) allows_zero_length: bool,
    /// Whether it takes what no other queue of the device takes.
    pub(super) is_default: bool,
    /// The driver's callbacks.
    pub(super) handlers: Handlers,
}

/// Addresses of a queue's callbacks, 0 where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Handlers {
    pub(super) default: usize,
    pub(super) read: usize,
    pub(super) write: usize,
    pub(super) device_control: usize,
    pub(super) internal_device_control: usize,
    pub(super) stop: usize,
    pub(super) resume: usize,
    pub(super) canceled_on_queue: usize,
}

/// WDF_IO_QUEUE_DISPATCH_TYPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dispatch {
    /// One after the other.
    Sequential,
    /// As they come.
    Parallel,
    /// When the driver asks.
    Manual,
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfIoQueueCreate, WdfIoQueueGetDevice]
}

/// Makes a queue of a device.
///
/// Follows the WdfIoQueueCreate page; refusals as in trace `queue-bad-config`. IRQL <= DISPATCH_LEVEL.
///
/// Judged: a parallel queue whose NumberOfPresentedRequests is 0; the framework itself accepts it, and it never presents a
/// request (trace `queue-parallel-0`).
extern "win64" fn WdfIoQueueCreate(
    globals: usize,
    device: Handle,
    config: usize,
    attributes: usize,
    out: usize,
) -> Status {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    verify::required(config, "Config");
    driver_memory::write_optional(out, 0_usize);
    verify::up_to_dispatch_level();
    let config: sys::WDF_IO_QUEUE_CONFIG = driver_memory::read(config);
    if config.Size as usize != size_of::<sys::WDF_IO_QUEUE_CONFIG>() {
        return status::INFO_LENGTH_MISMATCH;
    }
    if out == 0 && config.DefaultQueue == 0 {
        return status::INVALID_PARAMETER_4;
    }
    match create(&device, &config, attributes) {
        Ok(queue) => {
            driver_memory::write_optional(out, queue.handle());
            status::SUCCESS
        }
        Err(status) => status,
    }
}

fn create(
    device: &Arc<Device>,
    config: &sys::WDF_IO_QUEUE_CONFIG,
    attributes: usize,
) -> Result<Arc<Queue>, Status> {
    let attributes = Attributes::read(attributes)?;
    if attributes.parent != 0 && !handle::any(attributes.parent).is_under(&device.object) {
        return Err(status::INVALID_DEVICE_REQUEST);
    }
    let config = QueueConfig::read(config, device)?;
    let level = attributes.execution_level.under(Some(device.object.execution_level));
    if attributes.scope.under(Some(device.object.scope)) != SynchronizationScope::None {
        judge::violation(Rule::NotServed, "a synchronization scope other than none is not served");
    }
    if config.is_default && device.queues.default_queue().is_some() {
        return Err(status::UNSUCCESSFUL);
    }
    let deferral = match level {
        ExecutionLevel::Passive => Some(WorkItem::new(device.wdm).ok_or(status::INSUFFICIENT_RESOURCES)?),
        ExecutionLevel::Inherit | ExecutionLevel::Dispatch => None,
    };
    let powered = !config.power_managed || device.queues.is_powered();
    let queue = object::create(&device.object.binding, &attributes, Some(&device.object), |object| Queue {
        object,
        config,
        device: Arc::downgrade(device),
        power_idle: Event::notification(),
        finished: Event::notification(),
        deferral,
        state: Mutex::new(QueueState::new(powered)),
    })?;
    let for_disposal = Arc::downgrade(&queue);
    queue.object.when_disposed(move || {
        if let Some(queue) = for_disposal.upgrade() {
            queue.end();
        }
    });
    if config.is_default {
        queue.object.keep_from_deletion();
    }
    device.queues.add(&queue);
    Ok(queue)
}

impl QueueConfig {
    fn read(given: &sys::WDF_IO_QUEUE_CONFIG, device: &Device) -> Result<Self, Status> {
        let dispatch = match given.DispatchType as u32 {
            1 => Dispatch::Sequential,
            2 => Dispatch::Parallel,
            3 => Dispatch::Manual,
            _ => return Err(status::INVALID_PARAMETER),
        };
        let handlers = Handlers {
            default: callback::address(&given.EvtIoDefault),
            read: callback::address(&given.EvtIoRead),
            write: callback::address(&given.EvtIoWrite),
            device_control: callback::address(&given.EvtIoDeviceControl),
            internal_device_control: callback::address(&given.EvtIoInternalDeviceControl),
            stop: callback::address(&given.EvtIoStop),
            resume: callback::address(&given.EvtIoResume),
            canceled_on_queue: callback::address(&given.EvtIoCanceledOnQueue),
        };
        match (dispatch, handlers.any()) {
            (Dispatch::Manual, true) => return Err(status::INVALID_PARAMETER),
            (Dispatch::Sequential | Dispatch::Parallel, false) => return Err(status::WDF_NO_CALLBACK),
            _ => (),
        }
        // SAFETY: the union has one member.
        let limit = unsafe { given.Settings.Parallel.NumberOfPresentedRequests };
        if limit == 0 && dispatch == Dispatch::Parallel {
            verify::unnoticed(
                Rule::BadParameter,
                "a parallel queue that may present 0 requests presents none",
            );
        }
        if limit != 0 && dispatch != Dispatch::Parallel {
            return Err(status::INVALID_PARAMETER);
        }
        Ok(Self {
            dispatch,
            limit: limit as usize,
            power_managed: match given.PowerManaged as u32 {
                TRI_STATE_FALSE => false,
                TRI_STATE_TRUE => true,
                _ => !device.settings.filter,
            },
            allows_zero_length: given.AllowZeroLengthRequests != 0,
            is_default: given.DefaultQueue != 0,
            handlers,
        })
    }
}

impl Handlers {
    fn any(&self) -> bool {
        [self.default, self.read, self.write, self.device_control, self.internal_device_control]
            .iter()
            .any(|f| *f != 0)
    }
}

/// Returns the device whose queue this is. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueGetDevice(globals: usize, queue: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Queue>(queue).device().object.handle
}

pub(super) const MAJOR_READ: u8 = 3;
pub(super) const MAJOR_WRITE: u8 = 4;
pub(super) const MAJOR_DEVICE_CONTROL: u8 = 0x0E;
pub(super) const MAJOR_INTERNAL_DEVICE_CONTROL: u8 = 0x0F;
/// WDF_REQUEST_TYPE has the numbers of the major functions.
pub(super) const TYPE_CREATE: u32 = 0;
pub(super) const TYPE_READ: u32 = 3;
pub(super) const TYPE_WRITE: u32 = 4;
pub(super) const TYPE_DEVICE_CONTROL: u32 = 14;
pub(super) const TYPE_INTERNAL_DEVICE_CONTROL: u32 = 15;
const TRI_STATE_FALSE: u32 = 0;
const TRI_STATE_TRUE: u32 = 1;
