//! `cargo xtask coverage`: which lines of the driver the scenarios reach, in the image as shipped.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{
    cross_build::{DRIVER, Profile},
    image::Image,
    partition::{self, IMAGE_VARIABLE},
    test,
    workspace::{root, target},
};

/// The variable by which runs of the partition hear of a measurement.
const FOLDER_VARIABLE: &str = "PF_COVERAGE";

/// Measures and reports; returns 0 when every unreached line has its reason and there are few, 1 otherwise.
///
/// # Errors
/// Something could not be built, or a scenario failed.
pub(crate) fn run(json: bool) -> Result<u8> {
    let folder = target().join("coverage");
    let command = partition::build()?;
    let image = Image::build(DRIVER, Profile::Release)?;
    let begun = Command::new(&command)
        .args(["coverage", "begin"])
        .arg(&folder)
        .env(IMAGE_VARIABLE, image.path())
        .output()
        .with_context(|| format!("cannot run {}", command.display()))?;
    ensure!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
    eprintln!("== {}", String::from_utf8_lossy(&begun.stdout).trim_end());
    let scenarios = test::scenarios_with(&[(FOLDER_VARIABLE, folder.as_os_str())])?.checks;
    eprintln!("== {scenarios} scenarios passed");
    let mut report = Command::new(&command);
    report.args(["coverage", "report"]).arg(&folder).current_dir(root());
    if json {
        report.arg("--json");
    }
    partition::exit_code(&mut report)
}
