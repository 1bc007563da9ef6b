//! The drivers that are bound to the simulated framework: each is known by the globals it got.

use std::sync::{Arc, Mutex, PoisonError};

use super::driver::Driver;
use super::driver_memory;
use super::handle;
use super::kernel;
use super::object::Object;
use super::status::{self, Status};
use super::table;
use super::verify;
use crate::judge::{self, Rule};
use crate::sys;
use crate::wdfldr::layout::{BindInfo, terminated};

/// One driver bound to the framework.
#[derive(Debug)]
pub(super) struct Binding {
    /// The DRIVER_OBJECT that was bound.
    pub(super) driver_object: usize,
    /// The WDF_DRIVER_GLOBALS the driver passes with each call.
    pub(super) globals: usize,
    driver: Mutex<Option<Arc<Driver>>>,
}

impl Binding {
    /// A binding of no driver, for objects that a test makes.
    #[cfg(test)]
    pub(super) fn of_no_driver() -> Arc<Self> {
        Arc::new(Self { driver_object: 0, globals: 0, driver: Mutex::new(None) })
    }

    /// The driver's WDFDRIVER, once it made one.
    pub(super) fn driver(&self) -> Option<Arc<Driver>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the WDFDRIVER, in the globals too; false when there is one already.
    pub(super) fn set_driver(&self, driver: &Arc<Driver>) -> bool {
        let mut slot = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return false;
        }
        let mut globals: sys::WDF_DRIVER_GLOBALS = driver_memory::read(self.globals);
        globals.Driver = driver.object.handle as *mut _;
        driver_memory::write(self.globals, globals);
        *slot = Some(driver.clone());
        true
    }

    /// Forgets the WDFDRIVER: it is being destroyed.
    pub(super) fn clear_driver(&self) {
        *self.driver.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The binding whose globals a call carries; ends the run when the first argument is none.
pub(super) fn binding(globals: usize) -> Arc<Binding> {
    let found = bindings().iter().find(|binding| binding.globals == globals).cloned();
    found.unwrap_or_else(|| {
        judge::violation(Rule::BadParameter, format_args!("{globals:#x} is no driver globals"))
    })
}

/// The binding of a driver object (for the entry points that NT calls).
pub(super) fn binding_of(driver_object: usize) -> Option<Arc<Binding>> {
    bindings().iter().find(|binding| binding.driver_object == driver_object).cloned()
}

/// Binds a driver to the simulated framework and hands it the table of functions.
///
/// Component `KmdfLibrary`, version 1.x up to 33, a function count up to 458; a newer version, or another component, is
/// refused by name in the record of the run.
pub(crate) fn bind(driver_object: usize, bind_info: usize, component_globals: usize) -> Status {
    let info: BindInfo = driver_memory::read(bind_info);
    if info.size as usize != size_of::<BindInfo>() {
        return status::INFO_LENGTH_MISMATCH;
    }
    let component = terminated(info.component);
    let served = (table::MAJOR, table::MINOR, table::length());
    if component != "KmdfLibrary"
        || info.major != served.0
        || info.minor > served.1
        || info.function_count as usize > served.2
    {
        let (major, minor, count) = (info.major, info.minor, info.function_count);
        eprintln!("framework: {component} {major}.{minor} with {count} functions is not served");
        return status::OBJECT_TYPE_MISMATCH;
    }
    let globals = kernel::allocate(size_of::<sys::WDF_DRIVER_GLOBALS>());
    let Some(globals) = globals else { return status::INSUFFICIENT_RESOURCES };
    bindings().push(Arc::new(Binding { driver_object, globals, driver: Mutex::new(None) }));
    driver_memory::write(info.function_table, table::address());
    driver_memory::write(component_globals, globals);
    status::SUCCESS
}

/// Takes a driver's binding back: whatever it made must be gone.
///
/// Judged: objects of the driver that still exist, by type (trace `misuse-leak-driver-object-verifier`).
pub(crate) fn unbind(bind_info: usize, globals: usize) -> Status {
    verify::required(bind_info, "BindInfo");
    let binding = binding(globals);
    if let Some(driver) = binding.driver() {
        // A driver whose DriverEntry failed after WdfDriverCreate is ended here, without EvtDriverUnload.
        driver.end();
    }
    report_leaks(&binding);
    bindings().retain(|other| other.globals != globals);
    kernel::free(globals);
    status::SUCCESS
}

/// Blames the driver's code that made the first object that is left.
fn report_leaks(binding: &Arc<Binding>) {
    let left: Vec<Arc<Object>> =
        handle::all().into_iter().filter(|object| Arc::ptr_eq(&object.binding, binding)).collect();
    let Some(first) = left.first().filter(|_| verify::verifier()) else { return };
    let names: Vec<_> =
        left.iter().map(|object| format!("{} ({} references)", object.kind, object.references())).collect();
    let detail = format!("objects left at unload: {}", names.join(", "));
    verify::finding_at(Rule::Leak, first.made_at, detail);
}

fn bindings() -> std::sync::MutexGuard<'static, Vec<Arc<Binding>>> {
    static BINDINGS: Mutex<Vec<Arc<Binding>>> = Mutex::new(Vec::new());
    BINDINGS.lock().unwrap_or_else(PoisonError::into_inner)
}
