//! The queues of one device: which request goes to which, and what power and removal do to all of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::device::Device;
use super::queue::{
    Queue, TYPE_CREATE, TYPE_DEVICE_CONTROL, TYPE_INTERNAL_DEVICE_CONTROL, TYPE_READ, TYPE_WRITE,
};
use super::status::{self, Status};

/// A device's queues.
#[derive(Debug)]
pub(super) struct QueueSet {
    powered: AtomicBool,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    /// In order of creation.
    all: Vec<Arc<Queue>>,
    default: Option<Arc<Queue>>,
    by_type: HashMap<u32, Arc<Queue>>,
}

impl QueueSet {
    /// No queue, on a device that is not in D0.
    pub(super) fn new() -> Self {
        Self { powered: AtomicBool::new(false), tables: Mutex::new(Tables::default()) }
    }

    /// Whether the device is in D0: what a queue made now starts with.
    pub(super) fn is_powered(&self) -> bool {
        self.powered.load(Ordering::SeqCst)
    }

    /// Adds a queue that was just made.
    pub(super) fn add(&self, queue: &Arc<Queue>) {
        let mut tables = self.tables();
        tables.all.push(queue.clone());
        if queue.config.is_default {
            tables.default = Some(queue.clone());
        }
    }

    /// Forgets a queue: it is being disposed.
    pub(super) fn remove(&self, queue: &Arc<Queue>) {
        let mut tables = self.tables();
        tables.all.retain(|other| !Arc::ptr_eq(other, queue));
        tables.by_type.retain(|_, other| !Arc::ptr_eq(other, queue));
        tables.default.take_if(|other| Arc::ptr_eq(other, queue));
    }

    /// The default queue.
    pub(super) fn default_queue(&self) -> Option<Arc<Queue>> {
        self.tables().default.clone()
    }

    /// The queue for requests of a type: the one routed to it, else the default one.
    ///
    /// A filter's default queue leaves alone what it has no callback for (trace `filter-queue`). A create request goes to
    /// a queue only if it was routed there.
    pub(super) fn of_type(&self, device: &Device, request_type: u32) -> Option<Arc<Queue>> {
        let tables = self.tables();
        if let Some(queue) = tables.by_type.get(&request_type) {
            return Some(queue.clone());
        }
        if request_type == TYPE_CREATE {
            return None;
        }
        tables.default.clone().filter(|queue| !device.settings.filter || queue.takes(request_type))
    }

    /// Routes a type of request to a queue. Refusals as in trace `queue-many`.
    pub(super) fn route(&self, device: &Arc<Device>, queue: &Arc<Queue>, request_type: u32) -> Status {
        if !Arc::ptr_eq(&queue.device(), device) {
            return status::INVALID_DEVICE_REQUEST;
        }
        let routable =
            [TYPE_CREATE, TYPE_READ, TYPE_WRITE, TYPE_DEVICE_CONTROL, TYPE_INTERNAL_DEVICE_CONTROL];
        if !routable.contains(&request_type) {
            return status::INVALID_PARAMETER;
        }
        if queue.config.is_default && request_type != TYPE_CREATE {
            return status::INVALID_DEVICE_REQUEST;
        }
        if !queue.takes(request_type) {
            return status::INVALID_DEVICE_REQUEST;
        }
        let mut tables = self.tables();
        if tables.by_type.contains_key(&request_type) {
            return status::WDF_BUSY;
        }
        tables.by_type.insert(request_type, queue.clone());
        status::SUCCESS
    }

    /// The device leaves D0: power-managed queues stop, one after the other, in order of creation.
    pub(super) fn stop_for_power(&self) {
        self.powered.store(false, Ordering::SeqCst);
        let queues = self.all();
        for queue in &queues {
            queue.hold_for_power();
        }
        for queue in &queues {
            queue.stop_for_power();
        }
    }

    /// The device is in D0: each queue's driver is told what goes on, then waiting requests are presented.
    pub(super) fn resume_for_power(&self) {
        self.powered.store(true, Ordering::SeqCst);
        let queues = self.all();
        for queue in &queues {
            queue.resume_for_power();
        }
        for queue in &queues {
            queue.present_after_power();
        }
    }

    /// The device goes away: the power-managed queues (at its surprise removal), or the others (at its removal), end.
    pub(super) fn purge(&self, power_managed: bool) {
        for queue in self.all() {
            if queue.config.power_managed == power_managed {
                queue.purge_for_power();
            }
        }
    }

    /// Cancels every waiting request of a file object.
    pub(super) fn cancel_of_file(&self, file_object: usize) {
        for queue in self.all() {
            queue.cancel_of_file(file_object);
        }
    }

    fn all(&self) -> Vec<Arc<Queue>> {
        self.tables().all.clone()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
