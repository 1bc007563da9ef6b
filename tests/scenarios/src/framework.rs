//! The framework that drivers are bound to, and the scenarios that cannot be told on each.

use std::io::{self, Write};
use std::path::PathBuf;

/// Names a framework image that the command takes in place of the simulated framework; empty or absent for that.
pub const FRAMEWORK_VARIABLE: &str = "PF_BACKCHANNEL_FRAMEWORK";

/// The framework image that runs are on; `None` for the simulated framework.
pub fn image() -> Option<PathBuf> {
    std::env::var_os(FRAMEWORK_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// Whether a scenario has nothing to tell on a framework image, for that reason; each is said on a line of its own, by which
/// it is counted as skipped and not as passed.
#[must_use]
pub fn skipped_on_an_image(reason: &str) -> bool {
    let skipped = image().is_some();
    if skipped {
        let scenario = std::thread::current().name().unwrap_or_default().to_owned();
        // Written past the test runner, which keeps what tests that pass print.
        let mut output = io::stdout().lock();
        writeln!(output, "skipped: {scenario}: {reason}").expect("standard output can be written");
    }
    skipped
}
