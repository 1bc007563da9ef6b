//! Work items, and the system threads that run them.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::irql::DISPATCH_LEVEL;
use super::left::Left;
use super::object::{self, Kind};
use crate::image::Image;
use crate::invoke;
use crate::judge::{self, Rule, violation};
use crate::machine::{self, thread_block, wait};
use crate::memory::{self, Fill, Pool};
use crate::sys::{DEVICE_OBJECT, PIO_WORKITEM_ROUTINE};

/// Allocates a work item of a device.
///
/// Follows the IoAllocateWorkItem page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live device or driver; an
/// item that is not freed at unload (leak).
pub extern "win64" fn IoAllocateWorkItem(device: *mut DEVICE_OBJECT) -> *mut c_void {
    judge::irql_at_most(DISPATCH_LEVEL);
    expect_owner(device);
    let item = memory::allocate(ITEM_SIZE, TAG, Pool::Object, Fill::Zero);
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    let entry = Item { device: device.addr(), queued: false, made_at };
    lock().insert(item.expose_provenance(), entry);
    item.cast()
}

/// Has a worker thread call a routine at PASSIVE_LEVEL; the device stays until it has returned.
///
/// Follows the IoQueueWorkItem page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no work item; an item that is
/// queued already.
///
/// # Safety
/// `context` is what the routine expects.
pub unsafe extern "win64" fn IoQueueWorkItem(
    item: *mut c_void,
    routine: PIO_WORKITEM_ROUTINE,
    _queue: i32,
    context: *mut c_void,
) {
    judge::irql_at_most(DISPATCH_LEVEL);
    let address = item.addr();
    let device = match lock().get_mut(&address) {
        Some(entry) if entry.queued => Err("is queued already"),
        Some(entry) => {
            entry.queued = true;
            Ok(entry.device)
        }
        None => Err("is no work item"),
    };
    let device = device.unwrap_or_else(|what| violation(Rule::ObjectState, format_args!("{item:p} {what}")));
    object::reference(device);
    let (routine, context) = (routine.map_or(0, |routine| routine as usize), context.expose_provenance());
    run_later(move || {
        // The item may be queued again, or freed, as soon as its routine has begun.
        if let Some(entry) = lock().get_mut(&address) {
            entry.queued = false;
        }
        invoke!(routine; device, context);
        object::dereference(device);
    });
}

/// Frees a work item.
///
/// Follows the IoFreeWorkItem page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no work item; an item that is
/// queued.
pub extern "win64" fn IoFreeWorkItem(item: *mut c_void) {
    judge::irql_at_most(DISPATCH_LEVEL);
    match lock().remove(&item.addr()) {
        Some(entry) if entry.queued => {
            violation(Rule::ObjectState, format_args!("{item:p} is freed while it is queued"))
        }
        Some(_) => memory::free(item.addr(), Some(TAG)),
        None => violation(Rule::ObjectState, format_args!("{item:p} is no work item")),
    }
}

/// Runs a routine on a system thread of its own, at PASSIVE_LEVEL.
pub(super) fn run_later(body: impl FnOnce() + Send + 'static) {
    wait::change(|| *running() += 1);
    let started = machine::thread::spawn("system worker", move || {
        body();
        wait::change(|| *running() -= 1);
    });
    if let Err(error) = started {
        panic!("no thread for a work item: {error}");
    }
}

/// Waits until no work item is queued or running; false when one still is after that time.
pub(crate) fn settle(timeout: Duration) -> bool {
    wait::until(Some(timeout), || (*running() == 0).then_some(())).is_some()
}

/// The work items that code of an image has allocated and nobody has freed.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let items = lock();
    let leaked = items.iter().filter(|(_, item)| image.contains(item.made_at));
    leaked
        .map(|(address, item)| Left::new(item.made_at, format_args!("the work item {address:#x}")))
        .collect()
}

fn expect_owner(device: *mut DEVICE_OBJECT) {
    if object::type_of(device.addr()) != Some(Kind::Driver) {
        object::expect(device.addr(), Kind::Device);
    }
}

struct Item {
    device: usize,
    queued: bool,
    made_at: usize,
}

/// Opaque to drivers; the size of a block of its own.
const ITEM_SIZE: usize = 64;
const TAG: u32 = u32::from_le_bytes(*b"IoWI");
static ITEMS: Mutex<BTreeMap<usize, Item>> = Mutex::new(BTreeMap::new());
static RUNNING: Mutex<u32> = Mutex::new(0);

fn lock() -> MutexGuard<'static, BTreeMap<usize, Item>> {
    ITEMS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn running() -> MutexGuard<'static, u32> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
