//! `cargo xtask lint`: formatting, lints and documentation of every package.

use std::process::Command;

use anyhow::Result;

use crate::{cross_build::CrossBuild, packages, partition::cargo, workspace::run_shown};

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
    run_shown(
        cargo()
            .args(["clippy", "--quiet", "--workspace", "--exclude", "pf_backchannel", "--all-targets"])
            .args(DENY),
    )?;
    step("documentation");
    run_shown(&mut documentation())?;
    let build = CrossBuild::prepare(&[packages::DRIVER_LINT])?;
    step("clippy of the driver, for its own target");
    build.clippy("pf_backchannel")?;
    step("documentation of the driver");
    build.cargo(
        &["doc", "--quiet", "--no-deps", "--package", "pf_backchannel"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    Ok(0)
}

/// What turns warnings of clippy into failures.
pub(crate) const DENY: [&str; 3] = ["--", "-D", "warnings"];

fn documentation() -> Command {
    let mut command = cargo();
    command.args([
        "doc",
        "--quiet",
        "--workspace",
        "--exclude",
        "pf_backchannel",
        "--no-deps",
        "--document-private-items",
    ]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}
