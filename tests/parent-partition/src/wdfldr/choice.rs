//! Which framework a run uses: the simulated one, or an image that the user has.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::image::{self, Exports};
use crate::{nt, wdfldr};

/// Names the framework image for a run that no argument tells; empty for the simulated framework.
pub const FRAMEWORK_VARIABLE: &str = "PF_BACKCHANNEL_FRAMEWORK";

/// The name of the simulated framework in reports.
pub const SIMULATED: &str = "simulated";

/// Has drivers bound to this framework image from now on, unless another was chosen before.
///
/// # Errors
/// The file cannot take the framework's place: it is not there, no image for this machine, or imports a routine that
/// nobody exports; the text says which.
pub fn choose(file: &Path) -> Result<(), String> {
    check(file)?;
    match CHOSEN.set(Some(file.to_owned())) {
        Err(_) if framework().as_deref() != Some(file) => {
            Err(format!("{}: another framework is in use already", file.display()))
        }
        Err(_) | Ok(()) => Ok(()),
    }
}

/// Says why a file cannot take the framework's place.
///
/// # Errors
/// As [`choose`].
pub fn check(file: &Path) -> Result<(), String> {
    let exports = Exports::new(nt::exports().into_iter().chain(wdfldr::exports()));
    let imports =
        image::imports(file).map_err(|error| format!("the framework {} {error}", file.display()))?;
    let missing: Vec<String> = imports
        .iter()
        .filter(|(module, name)| exports.find(module, name).is_none())
        .map(|(module, name)| format!("{module}!{name}"))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(format!("the framework {} imports what does not exist: {missing}", file.display()));
    }
    if !imports.iter().any(|(_, name)| name == REGISTRATION) {
        let file = file.display();
        return Err(format!("{file} is no framework: it does not import WDFLDR.SYS!{REGISTRATION}"));
    }
    Ok(())
}

/// The framework image that drivers are bound to; `None` for the simulated framework.
pub fn framework() -> Option<PathBuf> {
    CHOSEN
        .get_or_init(|| env::var_os(FRAMEWORK_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from))
        .clone()
}

/// What reports call the framework: the version that its image registered, or else its file; or [`SIMULATED`].
pub fn name() -> String {
    match framework() {
        None => SIMULATED.to_owned(),
        Some(file) => wdfldr::version().unwrap_or_else(|| file.display().to_string()),
    }
}

/// Has a program that is started use the same framework.
pub fn pass_on(command: &mut Command) {
    if let Some(file) = framework() {
        command.env(FRAMEWORK_VARIABLE, file);
    }
}

static CHOSEN: OnceLock<Option<PathBuf>> = OnceLock::new();
const REGISTRATION: &str = "WdfRegisterLibrary";
