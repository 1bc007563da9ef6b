//! Handles: opaque addresses, typed, never used twice.
//!
//! A handle looks like a kernel address that nothing is mapped at, so a driver that dereferences one faults. A handle whose
//! object is gone stays known as such, with its type.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use super::object::Object;
use super::verify::{self, Violation};
use crate::judge::Rule;

/// The value of a WDF handle as a driver sees it.
pub(super) type Handle = usize;

/// What stands behind a handle; its type is the handle's type.
pub(super) trait Kind: Any + Send + Sync {
    /// The handle's C type.
    const NAME: &'static str;

    /// The part that every object has.
    fn object(&self) -> &Arc<Object>;
}

/// Makes the next handle.
pub(super) fn reserve() -> Handle {
    let mut table = write();
    table.next += STRIDE;
    table.next
}

/// Puts an object behind its handle.
pub(super) fn publish<T: Kind>(body: Arc<T>) {
    let object = body.object().clone();
    write().live.insert(object.handle, Entry { object, body });
}

/// Takes the object from behind its handle: from now on the handle is a deleted one.
pub(super) fn retire(handle: Handle) {
    // Dropped after the lock: what the object owns may be the last of other objects.
    let _entry = {
        let mut table = write();
        let entry = table.live.remove(&handle);
        if let Some(entry) = &entry {
            table.deleted.insert(handle, entry.object.kind);
        }
        entry
    };
}

/// The object behind a handle of a given type; ends the run where there is none, as the framework's handle check does.
pub(super) fn of<T: Kind>(handle: Handle) -> Arc<T> {
    match try_of::<T>(handle) {
        Ok(body) => body,
        Err(fault) => refuse(handle, T::NAME, fault),
    }
}

/// As [`of`], where NULL stands for no object.
pub(super) fn optional<T: Kind>(handle: Handle) -> Option<Arc<T>> {
    (handle != 0).then(|| of(handle))
}

/// The object behind a handle of a given type, or what is wrong with the handle.
pub(super) fn try_of<T: Kind>(handle: Handle) -> Result<Arc<T>, Fault> {
    let table = read();
    let entry = table.entry(handle)?;
    Arc::clone(&entry.body).downcast().map_err(|_| Fault::OtherType(entry.object.kind))
}

/// The object behind a handle of any type (WDFOBJECT).
pub(super) fn any(handle: Handle) -> Arc<Object> {
    let found = read().entry(handle).map(|entry| entry.object.clone());
    found.unwrap_or_else(|fault| refuse(handle, "WDFOBJECT", fault))
}

/// Every live object, in order of creation.
pub(super) fn all() -> Vec<Arc<Object>> {
    let mut objects: Vec<_> = read().live.values().map(|entry| entry.object.clone()).collect();
    objects.sort_by_key(|object| object.handle);
    objects
}

/// What is wrong with a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// NULL.
    Null,
    /// Never a handle.
    Garbage,
    /// The object is gone; it was of this type.
    Deleted(&'static str),
    /// A live handle of this type.
    OtherType(&'static str),
}

fn refuse(handle: Handle, wanted: &str, fault: Fault) -> ! {
    let detail = match fault {
        Fault::Null => format!("NULL handle, a {wanted} is required"),
        Fault::Garbage => format!("{handle:#x} is no handle, a {wanted} is required"),
        Fault::Deleted(kind) => format!("handle of a deleted {kind}, a {wanted} is required"),
        Fault::OtherType(kind) => format!("handle of a {kind}, a {wanted} is required"),
    };
    verify::violation(Rule::HandleType, Violation::InvalidHandle, detail);
}

struct Entry {
    object: Arc<Object>,
    body: Arc<dyn Any + Send + Sync>,
}

struct Table {
    next: Handle,
    live: HashMap<Handle, Entry>,
    deleted: HashMap<Handle, &'static str>,
}

impl Table {
    fn entry(&self, handle: Handle) -> Result<&Entry, Fault> {
        if handle == 0 {
            return Err(Fault::Null);
        }
        let gone = || self.deleted.get(&handle).map_or(Fault::Garbage, |kind| Fault::Deleted(kind));
        self.live.get(&handle).ok_or_else(gone)
    }
}

fn read() -> std::sync::RwLockReadGuard<'static, Table> {
    TABLE.read().expect("no holder of the handle table panics")
}

fn write() -> std::sync::RwLockWriteGuard<'static, Table> {
    TABLE.write().expect("no holder of the handle table panics")
}

static TABLE: LazyLock<RwLock<Table>> =
    LazyLock::new(|| RwLock::new(Table { next: BASE, live: HashMap::new(), deleted: HashMap::new() }));

/// In the kernel's half of the address space, where a process can map nothing.
const BASE: Handle = 0xFFFF_C0DE_0000_0000;
const STRIDE: Handle = 0x40;
