//! The seam of WDFLDR.SYS: which framework a driver image is bound to, and how.
//!
//! The entry stub that is linked into every KMDF driver calls WdfVersionBind before DriverEntry and WdfVersionUnbind
//! after unload. Behind them is the simulated framework ([`kmdf`]), or, when one was [chosen](choice), a
//! framework image: a file that registers itself with WdfRegisterLibrary, as Windows' own does. A driver sees no
//! difference but in what it is answered.
//!
//! | part | holds |
//! | --- | --- |
//! | [`choice`] | which framework a run uses, and why a file is refused |
//! | `library` | a framework image: loaded at the first bind, unloaded after the last unbind |
//! | `layout` | the structures that cross the seam |
//! | [`mistake`] | a driver that is made to do something wrong, to see that it is noticed |

#![expect(non_snake_case, reason = "the routines have the loader's names")]

pub mod choice;
pub(crate) mod layout;
mod library;
pub mod mistake;

use crate::image::Export;
use crate::judge::{self, Rule};
use crate::kmdf;
use crate::nt::irql::PASSIVE_LEVEL;
use crate::nt::status::{self, Status};

pub use library::{stay, version};

/// What WDFLDR.SYS exports here.
pub fn exports() -> Vec<Export> {
    let routine =
        |name, address, stack_arguments| Export::routine("WDFLDR.SYS", name, address, stack_arguments);
    vec![
        routine("WdfVersionBind", WdfVersionBind as *const (), 0),
        routine("WdfVersionUnbind", WdfVersionUnbind as *const (), 0),
        routine("WdfVersionBindClass", WdfVersionBindClass as *const (), 0),
        routine("WdfVersionUnbindClass", WdfVersionUnbindClass as *const (), 0),
        routine("WdfRegisterLibrary", library::WdfRegisterLibrary as *const (), 0),
        routine("WdfRegisterClassLibrary", WdfRegisterClassLibrary as *const (), 0),
        routine(
            "WdfLdrDiagnosticsValueByNameAsULONG",
            library::WdfLdrDiagnosticsValueByNameAsULONG as *const (),
            0,
        ),
        routine("WdfLdrQueryInterface", WdfLdrQueryInterface as *const (), 0),
    ]
}

/// Binds a driver to the framework and hands it the table of functions.
///
/// Follows "Framework Library Versions" and the entry stub's contract: component `KmdfLibrary`, a version and a count of
/// functions that the framework has. PASSIVE_LEVEL. Judged: IRQL; a NULL argument.
extern "win64" fn WdfVersionBind(
    driver_object: usize,
    registry_path: usize,
    bind_info: usize,
    component_globals: usize,
) -> Status {
    judge::irql_exactly(PASSIVE_LEVEL);
    for (address, name) in [
        (driver_object, "DriverObject"),
        (registry_path, "RegistryPath"),
        (bind_info, "BindInfo"),
        (component_globals, "ComponentGlobals"),
    ] {
        if address == 0 {
            judge::violation(Rule::BadParameter, format_args!("{name} is NULL"));
        }
    }
    let status = match choice::framework() {
        None => kmdf::bind(driver_object, bind_info, component_globals),
        Some(file) => library::bind(&file, driver_object, registry_path, bind_info, component_globals),
    };
    if status::is_success(status) {
        mistake::change_table(bind_info);
    }
    status
}

/// Takes a driver's binding back: whatever it made must be gone.
///
/// PASSIVE_LEVEL. Judged: IRQL; globals that no bind returned.
extern "win64" fn WdfVersionUnbind(_registry_path: usize, bind_info: usize, globals: usize) -> Status {
    judge::irql_exactly(PASSIVE_LEVEL);
    match choice::framework() {
        None => kmdf::unbind(bind_info, globals),
        Some(_) => library::unbind(bind_info, globals),
    }
}

/// Binds a driver to a class extension: there are none, which is said by the extension's name.
extern "win64" fn WdfVersionBindClass(_bind_info: usize, _globals: usize, class_bind_info: usize) -> Status {
    judge::irql_exactly(PASSIVE_LEVEL);
    let name = layout::class_name(class_bind_info);
    judge::violation(Rule::NotServed, format_args!("the class extension {name} is not served"));
}

/// Takes a binding to a class extension back: there was none.
extern "win64" fn WdfVersionUnbindClass(_bind_info: usize, _globals: usize, class_bind_info: usize) {
    let name = layout::class_name(class_bind_info);
    judge::violation(Rule::BadParameter, format_args!("the class extension {name} was never bound"));
}

/// Registers a class extension: they are not served.
extern "win64" fn WdfRegisterClassLibrary(_information: usize, _service: usize, _device: usize) -> Status {
    judge::violation(Rule::NotServed, "class extensions are not served");
}

/// Hands out the loader's interface: there is none to drivers.
extern "win64" fn WdfLdrQueryInterface(_interface: usize) -> Status {
    status::NOT_SUPPORTED
}
