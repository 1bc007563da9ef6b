//! Kernel objects and their reference counts.
//!
//! Every driver, device, file and thread object is listed here with its count. The last reference deletes it, and a
//! routine that is handed anything else than a live object of the right kind breaks a rule.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::handle;
use super::irql::DISPATCH_LEVEL;
use super::status::{self, Status};
use crate::image::{self, Image};
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::thread_block;

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A DRIVER_OBJECT.
    Driver,
    /// A DEVICE_OBJECT.
    Device,
    /// A FILE_OBJECT.
    File,
    /// A thread.
    Thread,
    /// A callback object.
    Callback,
}

/// Adds a reference and returns the new count.
///
/// Follows the ObReferenceObject page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live object.
pub extern "win64" fn ObfReferenceObject(object: *mut c_void) -> isize {
    judge::irql_at_most(DISPATCH_LEVEL);
    let references = reference(object.addr());
    hold(object.addr(), 1);
    references
}

/// Takes a reference away, deletes the object with the last one, and returns the new count.
///
/// Follows the ObDereferenceObject page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live object, which
/// is what a count that was taken down too often leads to.
pub extern "win64" fn ObfDereferenceObject(object: *mut c_void) -> isize {
    judge::irql_at_most(DISPATCH_LEVEL);
    hold(object.addr(), -1);
    dereference(object.addr())
}

/// Adds a reference to an object of a type; the type is not checked where it is NULL.
///
/// Follows the ObReferenceObjectByPointer page (IRQL <= DISPATCH_LEVEL): STATUS_OBJECT_TYPE_MISMATCH. Judged: IRQL;
/// something that is no live object.
pub extern "win64" fn ObReferenceObjectByPointer(
    object: *mut c_void,
    _access: u32,
    kind: *mut c_void,
    _mode: i8,
) -> Status {
    judge::irql_at_most(DISPATCH_LEVEL);
    if !kind.is_null() && type_of(object.addr()).is_some_and(|found| type_object(found) != kind) {
        return status::OBJECT_TYPE_MISMATCH;
    }
    reference(object.addr());
    status::SUCCESS
}

/// Adds a reference to the object behind a handle and returns its address.
///
/// Follows the ObReferenceObjectByHandle page (PASSIVE_LEVEL): STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH.
/// Judged: IRQL.
///
/// # Safety
/// `object` is writable; `information` is not read.
pub unsafe extern "win64" fn ObReferenceObjectByHandle(
    handle: *mut c_void,
    _access: u32,
    kind: *mut c_void,
    _mode: i8,
    object: *mut *mut c_void,
    _information: *mut c_void,
) -> Status {
    judge::irql_at_most(super::irql::PASSIVE_LEVEL);
    let Some(address) = handle::object(handle) else { return status::INVALID_HANDLE };
    if !kind.is_null() && type_of(address).is_some_and(|found| type_object(found) != kind) {
        return status::OBJECT_TYPE_MISMATCH;
    }
    reference(address);
    // SAFETY: the caller promises a writable pointer.
    for_caller(|| unsafe { *object = std::ptr::with_exposed_provenance_mut(address) });
    status::SUCCESS
}

/// Lists a new object with one reference; `delete` runs when the last one goes.
pub(crate) fn insert(address: usize, kind: Kind, delete: fn(usize)) {
    let before = lock().insert(address, Object { kind, references: 1, delete, held: BTreeMap::new() });
    assert!(before.is_none(), "an object at {address:#x} exists already");
}

/// Takes an object off the list that was never anybody's; a reference that is left breaks [`Rule::Reference`].
pub(super) fn withdraw(address: usize) {
    let left = lock().remove(&address).map_or(0, |object| object.references - 1);
    if left != 0 {
        violation(Rule::Reference, format_args!("{left} references are left of the object at {address:#x}"));
    }
}

/// Adds a reference on behalf of a routine's caller.
pub(crate) fn reference(address: usize) -> isize {
    let mut objects = lock();
    match objects.get_mut(&address) {
        Some(object) => {
            object.references += 1;
            object.references
        }
        None => {
            drop(objects);
            violation(Rule::Reference, format_args!("{address:#x} is no live object"))
        }
    }
}

/// Takes a reference away on behalf of a routine's caller.
pub(crate) fn dereference(address: usize) -> isize {
    let mut objects = lock();
    let Some(object) = objects.get_mut(&address) else {
        drop(objects);
        violation(
            Rule::Reference,
            format_args!("{address:#x} is no live object: one reference too many was dropped"),
        )
    };
    object.references -= 1;
    let (left, delete) = (object.references, object.delete);
    if left == 0 {
        objects.remove(&address);
        drop(objects);
        delete(address);
    }
    left
}

/// Notes that the calling image holds a driver object, or no longer does: who leaves one referenced is told by it.
fn hold(address: usize, change: isize) {
    let Some(block) = thread_block::current() else { return };
    let Some(image) = image::find(block.return_address()) else { return };
    if let Some(object) = lock().get_mut(&address).filter(|object| object.kind == Kind::Driver) {
        *object.held.entry(image.base()).or_default() += change;
    }
}

/// The references of a driver object that code of one image holds, and those that code of other images does.
pub(crate) fn held(address: usize, image: &Image) -> (isize, isize) {
    let objects = lock();
    let Some(object) = objects.get(&address) else { return (0, 0) };
    let own = object.held.get(&image.base()).copied().unwrap_or(0);
    (own, object.held.values().sum::<isize>() - own)
}

/// The driver objects, other than its own, that code of an image holds.
pub(crate) fn drivers_held_by(image: &Image, own: usize) -> Vec<(usize, isize)> {
    let objects = lock();
    let others = objects.iter().filter(|(address, _)| **address != own);
    let held =
        others.map(|(address, object)| (*address, object.held.get(&image.base()).copied().unwrap_or(0)));
    held.filter(|(_, references)| *references != 0).collect()
}

/// The references of a live object.
pub(crate) fn references(address: usize) -> Option<isize> {
    lock().get(&address).map(|object| object.references)
}

/// Every live object of a kind, with its references.
pub(crate) fn all(kind: Kind) -> Vec<(usize, isize)> {
    let objects = lock();
    let wanted = objects.iter().filter(|(_, object)| object.kind == kind);
    wanted.map(|(address, object)| (*address, object.references)).collect()
}

/// Breaks [`Rule::HandleType`] unless `address` is a live object of that kind.
pub(crate) fn expect(address: usize, kind: Kind) {
    match type_of(address) {
        Some(found) if found == kind => {}
        Some(found) => {
            violation(Rule::HandleType, format_args!("{address:#x} is a {found:?}, not a {kind:?}"))
        }
        None => violation(Rule::ObjectState, format_args!("{address:#x} is no live {kind:?} object")),
    }
}

/// The kind of a live object.
pub(crate) fn type_of(address: usize) -> Option<Kind> {
    lock().get(&address).map(|object| object.kind)
}

/// What an image sees as the type object of a kind: opaque, and the same for the life of the process.
pub(super) fn type_object(kind: Kind) -> *mut c_void {
    static TYPES: [u64; 5] = [0; 5];
    let index = kind as usize;
    (&raw const TYPES[index]).cast_mut().cast()
}

struct Object {
    kind: Kind,
    references: isize,
    delete: fn(usize),
    /// Of a driver object: the references that each image holds, by its first address.
    held: BTreeMap<usize, isize>,
}

static OBJECTS: Mutex<BTreeMap<usize, Object>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<usize, Object>> {
    OBJECTS.lock().unwrap_or_else(PoisonError::into_inner)
}
