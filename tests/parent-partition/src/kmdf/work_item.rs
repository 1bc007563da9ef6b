//! WDFWORKITEM: runs a callback on a thread of its own at PASSIVE_LEVEL.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::attributes::{Attributes, ExecutionLevel, SynchronizationScope};
use super::callback;
use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::kernel::{self, Event};
use super::loader;
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::sys;

/// A work item.
pub(super) struct WorkItem {
    object: Arc<Object>,
    parent: Arc<Object>,
    function: usize,
    item: kernel::WorkItem,
    queued: AtomicBool,
    /// Signalled while the item is neither queued nor running.
    idle: Event,
    pending: Mutex<u32>,
}

impl Kind for WorkItem {
    const NAME: &'static str = "WDFWORKITEM";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl fmt::Debug for WorkItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

impl WorkItem {
    fn enqueue(&self) {
        if self.queued.swap(true, Ordering::SeqCst) {
            return;
        }
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.idle.clear();
        self.item.queue(run, self.object.handle);
    }

    fn finish(&self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        *pending -= 1;
        if *pending == 0 {
            self.idle.set();
        }
    }
}

/// The device that an object belongs to: itself or above it.
pub(super) fn device_above(object: &Arc<Object>) -> Option<Arc<Device>> {
    let mut at = Some(object.clone());
    while let Some(object) = at {
        if let Ok(device) = handle::try_of::<Device>(object.handle) {
            return Some(device);
        }
        at = object.parent();
    }
    None
}

/// What work items, timers and DPCs check of their attributes: a parent, and a device above it.
pub(super) fn place(attributes: usize) -> Result<(Attributes, Arc<Object>, Arc<Device>), Status> {
    let attributes = Attributes::read(attributes)?;
    if attributes.parent == 0 {
        return Err(status::WDF_PARENT_NOT_SPECIFIED);
    }
    let parent = handle::any(attributes.parent);
    let device = device_above(&parent).ok_or(status::INVALID_DEVICE_REQUEST)?;
    Ok((attributes, parent, device))
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfWorkItemCreate, WdfWorkItemEnqueue, WdfWorkItemGetParentObject, WdfWorkItemFlush]
}

/// Makes a work item below a device.
///
/// Follows the WdfWorkItemCreate page; with automatic serialization the parent's callbacks must run at PASSIVE_LEVEL if
/// they exclude each other (trace `async-queue-scope`). IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfWorkItemCreate(globals: usize, config: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(config, "Config");
    verify::required(out, "WorkItem");
    driver_memory::write(out, 0_usize);
    let config: sys::WDF_WORKITEM_CONFIG = driver_memory::read(config);
    if config.Size as usize != size_of::<sys::WDF_WORKITEM_CONFIG>() {
        return status::INFO_LENGTH_MISMATCH;
    }
    let function = callback::address(&config.EvtWorkItemFunc);
    verify::required(function, "Config->EvtWorkItemFunc");
    let (attributes, parent, device) = match place(attributes) {
        Ok(placed) => placed,
        Err(status) => return status,
    };
    let serialized = config.AutomaticSerialization != 0 && parent.scope != SynchronizationScope::None;
    if serialized && parent.execution_level != ExecutionLevel::Passive {
        return status::WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    }
    let Some(item) = kernel::WorkItem::new(device.wdm) else { return status::INSUFFICIENT_RESOURCES };
    let made = object::create(&binding, &attributes, Some(&parent), |object| WorkItem {
        object,
        parent: parent.clone(),
        function,
        item,
        queued: AtomicBool::new(false),
        idle: Event::notification(),
        pending: Mutex::new(0),
    });
    match made {
        Ok(item) => {
            item.idle.set();
            let for_disposal = Arc::downgrade(&item);
            item.object.when_disposed(move || {
                if let Some(item) = for_disposal.upgrade() {
                    item.idle.wait();
                }
            });
            driver_memory::write(out, item.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Queues the callback, unless it is queued already. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfWorkItemEnqueue(globals: usize, item: Handle) {
    loader::binding(globals);
    handle::of::<WorkItem>(item).enqueue();
}

/// Returns the parent. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfWorkItemGetParentObject(globals: usize, item: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<WorkItem>(item).parent.handle
}

/// Waits until the callback is neither queued nor running. PASSIVE_LEVEL.
extern "win64" fn WdfWorkItemFlush(globals: usize, item: Handle) {
    loader::binding(globals);
    let item = handle::of::<WorkItem>(item);
    verify::passive_level();
    item.idle.wait();
}

/// Work item routine: calls EvtWorkItemFunc. The item may be queued again from inside.
extern "win64" fn run(_device: usize, item: usize) {
    let Ok(item) = handle::try_of::<WorkItem>(item) else { return };
    item.queued.store(false, Ordering::SeqCst);
    callback::call(item.function, &[item.object.handle as u64]);
    item.finish();
}
