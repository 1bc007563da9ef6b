//! The seam of WDFLDR.SYS: how a driver image binds to the framework and gets its function table.
//!
//! The entry stub that is linked into every KMDF driver calls WdfVersionBind before DriverEntry and WdfVersionUnbind
//! after unload. A driver is known by the globals it got.

use std::sync::{Arc, Mutex, PoisonError};

use super::driver::Driver;
use super::driver_memory;
use super::handle;
use super::kernel;
use super::object::Object;
use super::status::{self, Status};
use super::table;
use super::verify;
use crate::image::Export;
use crate::judge::{self, Rule};
use crate::sys;

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

/// What WDFLDR.SYS exports here.
pub fn exports() -> Vec<Export> {
    let routine =
        |name, address, stack_arguments| Export::routine("WDFLDR.SYS", name, address, stack_arguments);
    vec![
        routine("WdfVersionBind", WdfVersionBind as *const (), 0),
        routine("WdfVersionUnbind", WdfVersionUnbind as *const (), 0),
        routine("WdfVersionBindClass", WdfVersionBindClass as *const (), 0),
        routine("WdfVersionUnbindClass", WdfVersionUnbindClass as *const (), 0),
    ]
}

/// Binds a driver to the framework and hands it the table of functions.
///
/// Follows "Framework Library Versions" and the entry stub's contract: component `KmdfLibrary`, version 1.x up to 33,
/// a function count up to 458. A newer version, or another component, is refused by name in the record of the run.
/// PASSIVE_LEVEL.
pub(super) extern "win64" fn WdfVersionBind(
    driver_object: usize,
    registry_path: usize,
    bind_info: usize,
    component_globals: usize,
) -> Status {
    judge::irql_exactly(0);
    verify::required(driver_object, "DriverObject");
    verify::required(registry_path, "RegistryPath");
    verify::required(bind_info, "BindInfo");
    verify::required(component_globals, "ComponentGlobals");
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
pub(super) extern "win64" fn WdfVersionUnbind(
    _registry_path: usize,
    bind_info: usize,
    globals: usize,
) -> Status {
    judge::irql_exactly(0);
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

/// Class extensions are not served.
pub(super) extern "win64" fn WdfVersionBindClass(
    _bind_info: usize,
    _globals: usize,
    _class_bind_info: usize,
) -> Status {
    judge::violation(Rule::NotServed, "class extensions are not served");
}

/// Class extensions are not served.
pub(super) extern "win64" fn WdfVersionUnbindClass(
    _bind_info: usize,
    _globals: usize,
    _class_bind_info: usize,
) {
    judge::violation(Rule::NotServed, "class extensions are not served");
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

fn terminated(mut address: usize) -> String {
    let mut units = Vec::new();
    while address != 0 {
        let unit: u16 = driver_memory::read(address);
        if unit == 0 || units.len() == 64 {
            break;
        }
        units.push(unit);
        address += 2;
    }
    String::from_utf16_lossy(&units)
}

fn bindings() -> std::sync::MutexGuard<'static, Vec<Arc<Binding>>> {
    static BINDINGS: Mutex<Vec<Arc<Binding>>> = Mutex::new(Vec::new());
    BINDINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the entry stub hands to WdfVersionBind (WDF_BIND_INFO).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct BindInfo {
    size: u32,
    component: usize,
    major: u32,
    minor: u32,
    build: u32,
    function_count: u32,
    function_table: usize,
    module: usize,
}

const _: () = assert!(size_of::<BindInfo>() == 48);
