//! `cargo xtask lint`: formatting, lints and documentation of every package.

use anyhow::Result;

use crate::{
    cross_build::{CrossBuild, DRIVERS},
    packages,
    partition::cargo,
    workspace::run_shown,
};

/// Runs all three tools over all packages and denies every finding.
///
/// # Errors
/// A tool found something; its words are on standard error.
pub(crate) fn run() -> Result<u8> {
    packages::ensure(&[packages::PARENT_PARTITION])?;
    let step = |name: &str| eprintln!("lint: {name}");
    step("formatting");
    run_shown(cargo().args(["fmt", "--all", "--check"]))?;
    step("clippy");
    run_shown(cargo().args(["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]))?;
    step("documentation");
    run_shown(
        cargo().args(["doc", "--quiet", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", DENY),
    )?;
    let build = CrossBuild::prepare(&[packages::DRIVER_LINT])?;
    for package in DRIVERS {
        step(&format!("clippy of {package}, for its own target"));
        build.clippy(package)?;
        step(&format!("documentation of {package}"));
        build.cargo(&["doc", "--quiet", "--no-deps", "--package", package], &[("RUSTDOCFLAGS", DENY)])?;
    }
    Ok(0)
}

/// What turns warnings of rustdoc into failures; links to private items are no mistake where those are documented too.
const DENY: &str = "-D warnings -A rustdoc::private_intra_doc_links";
