//! Names of objects, files and IRPs in a trace: addresses differ from run to run.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Names an object; a name that it had is forgotten.
pub(super) fn bind(object: usize, name: &str) {
    let name = leaked(name);
    lock().names.insert(object, name);
}

/// Forgets an object, whose address may be another's soon.
pub(super) fn forget(object: usize) {
    lock().names.remove(&object);
}

/// An object's name; one that has none is given the next of its kind (`file0`, `file1`, ...). Zero-terminated in memory.
pub(super) fn of(kind: &str, object: usize) -> &'static CString {
    let mut table = lock();
    if let Some(name) = table.names.get(&object) {
        return name;
    }
    let count = table.counts.entry(kind.to_owned()).or_default();
    let name = leaked(&format!("{kind}{count}"));
    *count += 1;
    table.names.insert(object, name);
    name
}

/// The name that an object has.
pub(super) fn known(object: usize) -> Option<&'static CString> {
    lock().names.get(&object).copied()
}

/// Numbers an IRP that is about to be sent, from 1 on.
pub(super) fn number_irp(irp: usize) -> u32 {
    let mut table = lock();
    let number = table.irps.len() as u32 + 1;
    table.irps.insert(irp, leaked(&format!("irp{number}")));
    number
}

/// An IRP's name; one that was not numbered was made by a driver.
pub(super) fn of_irp(irp: usize) -> &'static CString {
    let own = || leaked("own irp");
    lock().irps.get(&irp).copied().unwrap_or_else(own)
}

/// A text that stays, for a probe to keep a pointer into; a run makes few of them.
fn leaked(text: &str) -> &'static CString {
    Box::leak(Box::new(CString::new(text).unwrap_or_default()))
}

#[derive(Default)]
struct Table {
    names: HashMap<usize, &'static CString>,
    counts: HashMap<String, u32>,
    irps: HashMap<usize, &'static CString>,
}

fn lock() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);
