//! A framework image in the place of the simulated framework.
//!
//! It is loaded as a driver of its own at the first bind, registers itself from its entry point, is commissioned, and
//! gets every driver as a client. After the last client it is decommissioned and unloaded, and must have left nothing
//! behind. It runs on the same exports of NT as any driver, and is judged like one.

use std::path::Path;
use std::process;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::layout::{BindInfo, ClientInfo, LibraryInfo, read, terminated, write};
use crate::command::BAD_ARGUMENTS;
use crate::invoke;
use crate::judge::{self, Rule};
use crate::nt::hive;
use crate::nt::irql::PASSIVE_LEVEL;
use crate::nt::status::{self, Status};
use crate::nt::string;
use crate::pnp::{self, DriverRef};
use crate::sys::UNICODE_STRING;

/// The version that the framework image registered, once it has been loaded.
pub fn version() -> Option<String> {
    VERSION.get().cloned()
}

/// Has the framework image stay after its last driver, from its next load to the end of the process.
pub fn stay() {
    state().stays = true;
}

/// Binds a driver to the framework image, which is loaded for it when it is not.
pub(super) fn bind(
    file: &Path,
    driver_object: usize,
    registry_path: usize,
    bind_info: usize,
    component_globals: usize,
) -> Status {
    let info: BindInfo = read(bind_info);
    let component = terminated(info.component);
    if component != COMPONENT {
        eprintln!("framework: there is no component {component}");
        return status::OBJECT_TYPE_MISMATCH;
    }
    let library = loaded(file);
    if (info.major, info.minor) > (library.major, library.minor) || info.major != library.major {
        let (major, minor) = (info.major, info.minor);
        let has = format!("{}.{}", library.major, library.minor);
        refuse(file, format_args!("has version {has}, the driver needs {major}.{minor}"));
    }
    let mut globals = 0_usize;
    let client = ClientInfo { size: size_of::<ClientInfo>() as u32, registry_path, driver_object };
    let mut context = (&raw const client).expose_provenance();
    let registered =
        invoke!(library.register_client; bind_info, &raw mut globals, &raw mut context) as Status;
    let mut state = state();
    if status::is_success(registered) {
        state.clients += 1;
        drop(state);
        write(component_globals, globals);
    } else if state.clients == 0 && !state.stays {
        drop(state);
        unload();
    }
    registered
}

/// Takes a driver's binding back; after the last one the framework image goes.
pub(super) fn unbind(bind_info: usize, globals: usize) -> Status {
    let Some(library) = state().information else {
        judge::violation(Rule::BadParameter, "no driver is bound to a framework");
    };
    let unregistered = invoke!(library.unregister_client; bind_info, globals) as Status;
    let mut state = state();
    state.clients -= 1;
    let last = state.clients == 0 && !state.stays;
    drop(state);
    if last {
        unload();
    }
    unregistered
}

/// Registers the framework image that is being loaded, and commissions it.
///
/// PASSIVE_LEVEL. Judged: IRQL; a call from anything but a framework's entry point; a structure of another size.
pub(super) extern "win64" fn WdfRegisterLibrary(
    information: usize,
    _service_path: usize,
    _device_name: usize,
) -> Status {
    judge::irql_exactly(PASSIVE_LEVEL);
    let registered: LibraryInfo = read(information);
    if registered.size as usize != size_of::<LibraryInfo>() {
        let (size, expected) = (registered.size, size_of::<LibraryInfo>());
        judge::violation(
            Rule::BadParameter,
            format_args!("a library's information of {size} bytes, must be {expected}"),
        );
    }
    {
        let mut state = state();
        if !state.is_loading || state.information.is_some() {
            drop(state);
            judge::violation(Rule::ObjectState, "no framework is being loaded, or it has registered already");
        }
        state.information = Some(registered);
    }
    // Each load of the same file registers the same version.
    VERSION.get_or_init(|| format!("{}.{}.{}", registered.major, registered.minor, registered.build));
    let commissioned = invoke!(registered.commission) as Status;
    if !status::is_success(commissioned) {
        state().information = None;
    }
    commissioned
}

/// Reads a DWORD of the loader's diagnostics key.
///
/// PASSIVE_LEVEL: STATUS_OBJECT_NAME_NOT_FOUND where there is none. Judged: IRQL.
///
/// # Safety
/// The name is valid and the value writable.
pub(super) unsafe extern "win64" fn WdfLdrDiagnosticsValueByNameAsULONG(
    name: *const UNICODE_STRING,
    value: usize,
) -> Status {
    judge::irql_exactly(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    let name = unsafe { string::text(name) };
    let found = hive::query(DIAGNOSTICS, &name).filter(|found| found.kind == hive::REG_DWORD);
    match found.and_then(|found| <[u8; 4]>::try_from(found.data).ok()) {
        Some(bytes) => {
            write(value, u32::from_le_bytes(bytes));
            status::SUCCESS
        }
        None => status::OBJECT_NAME_NOT_FOUND,
    }
}

/// What the framework image registered; it is loaded first when it is not there.
fn loaded(file: &Path) -> LibraryInfo {
    if let Some(information) = state().information {
        return information;
    }
    state().is_loading = true;
    let driver = match pnp::load_driver(SERVICE, file) {
        Ok(driver) => driver,
        Err(error) => refuse(file, format_args!("{error}")),
    };
    let mut state = state();
    state.is_loading = false;
    state.driver = Some(driver);
    match state.information {
        Some(information) => information,
        None => refuse(file, format_args!("does not register itself as a framework")),
    }
}

/// Decommissions and unloads the framework image.
fn unload() {
    let (information, driver) = {
        let mut state = state();
        (state.information.take(), state.driver.take())
    };
    let (Some(information), Some(driver)) = (information, driver) else { return };
    let _status = invoke!(information.decommission) as Status;
    pnp::unload(driver);
}

/// Ends the run before the driver has any part in it: the file cannot take the framework's place.
fn refuse(file: &Path, reason: std::fmt::Arguments<'_>) -> ! {
    eprintln!("the framework {} {reason}", file.display());
    process::exit(BAD_ARGUMENTS.into());
}

#[derive(Debug)]
struct State {
    driver: Option<DriverRef>,
    information: Option<LibraryInfo>,
    is_loading: bool,
    clients: usize,
    stays: bool,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

static STATE: Mutex<State> =
    Mutex::new(State { driver: None, information: None, is_loading: false, clients: 0, stays: false });
static VERSION: OnceLock<String> = OnceLock::new();
const COMPONENT: &str = "KmdfLibrary";
/// The service of Windows' own framework.
const SERVICE: &str = "Wdf01000";
const DIAGNOSTICS: &str = r"\Registry\Machine\System\CurrentControlSet\Control\Wdf\Kmdf\Diagnostics";
