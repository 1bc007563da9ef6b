//! Kernel handles.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::PASSIVE_LEVEL;
use super::left::Left;
use super::status::{self, Status};
use super::{file, object};
use crate::image::Image;
use crate::judge::{self, Rule, violation};
use crate::machine::thread_block;

/// What a handle stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// A registry key, by path.
    Key(String),
    /// A referenced object.
    Object(usize),
}

/// Closes a handle.
///
/// Follows the ZwClose page (PASSIVE_LEVEL). Judged: IRQL; a handle that is not open.
pub extern "win64" fn ZwClose(handle: *mut c_void) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let closed = lock().remove(&handle.addr());
    match closed {
        Some(Handle { target: Target::Object(address), .. }) => release(address),
        Some(Handle { target: Target::Key(_), .. }) => {}
        None => violation(Rule::HandleType, format_args!("the handle {handle:p} is not open")),
    }
    status::SUCCESS
}

/// Opens a handle; an object's reference goes over to it.
pub(super) fn open(target: Target) -> *mut c_void {
    let number = NEXT.fetch_add(4, Ordering::Relaxed);
    let opened_at = thread_block::current().map_or(0, |block| block.return_address());
    lock().insert(number, Handle { target, opened_at });
    std::ptr::without_provenance_mut(number)
}

/// The key behind a handle; a handle that is not open, or of something else, breaks [`Rule::HandleType`].
pub(super) fn key(handle: *mut c_void) -> String {
    match lock().get(&handle.addr()).map(|handle| handle.target.clone()) {
        Some(Target::Key(path)) => path,
        Some(other) => {
            violation(Rule::HandleType, format_args!("{handle:p} is {other:?}, not a registry key"))
        }
        None => violation(Rule::HandleType, format_args!("the handle {handle:p} is not open")),
    }
}

/// The object behind a handle.
pub(super) fn object(handle: *mut c_void) -> Option<usize> {
    match lock().get(&handle.addr())?.target {
        Target::Object(address) => Some(address),
        Target::Key(_) => None,
    }
}

/// Closes what code of an image has left open.
pub(crate) fn close_left_of(image: &Image) {
    let mut handles = lock();
    let left: Vec<usize> = handles
        .iter()
        .filter(|(_, handle)| image.contains(handle.opened_at))
        .map(|(number, _)| *number)
        .collect();
    let left: Vec<Handle> = left.iter().filter_map(|number| handles.remove(number)).collect();
    drop(handles);
    for handle in left {
        if let Target::Object(address) = handle.target {
            release(address);
        }
    }
}

/// Where a handle of that object was opened.
pub(crate) fn opener_of(address: usize) -> Option<usize> {
    let handles = lock();
    handles.values().find(|handle| handle.target == Target::Object(address)).map(|handle| handle.opened_at)
}

/// Drops a handle's reference; the one handle of a file object is its last.
fn release(address: usize) {
    if object::type_of(address) == Some(object::Kind::File) {
        file::close_handle(std::ptr::with_exposed_provenance_mut(address));
    } else {
        object::dereference(address);
    }
}

/// What the handles stand for that code of an image has opened and nobody has closed.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let describe = |handle: &Handle| match &handle.target {
        Target::Key(path) => Left::new(handle.opened_at, format_args!("a handle of the key {path}")),
        Target::Object(address) => {
            Left::new(handle.opened_at, format_args!("a handle of the object at {address:#x}"))
        }
    };
    lock().values().filter(|handle| image.contains(handle.opened_at)).map(describe).collect()
}

struct Handle {
    target: Target,
    opened_at: usize,
}

/// Kernel handles have the upper half of the address space, so that no one takes them for a process's; none is used
/// twice, so that a late use is found.
static NEXT: AtomicUsize = AtomicUsize::new(0xFFFF_FFFF_8000_0004);
static HANDLES: Mutex<BTreeMap<usize, Handle>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<usize, Handle>> {
    HANDLES.lock().unwrap_or_else(PoisonError::into_inner)
}
