//! `cargo xtask traces`: builds the probes of the recorded traces and has the parent partition play them.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use scenarios::c_driver::{self, Model};

use crate::{
    cross_build::CrossBuild,
    packages,
    partition::{self, exit_code},
    workspace::root,
};

/// Where index, recordings and probes lie, below the root.
const FOLDER: &str = "tests/traces";

/// Plays the scenarios with these arguments of `parent-partition traces`; returns its exit code.
///
/// # Errors
/// Something could not be built or started.
pub(crate) fn run(arguments: &[OsString]) -> Result<u8> {
    exit_code(command()?.args(arguments))
}

/// The command that plays the scenarios, with what it needs built.
///
/// # Errors
/// Something could not be built.
pub(crate) fn command() -> Result<Command> {
    CrossBuild::prepare(&[packages::PARENT_PARTITION])?;
    let mut command = Command::new(partition::build()?);
    command.arg("traces").arg("--probes").arg(build_probes()?).current_dir(root());
    Ok(command)
}

/// Builds the probes that the index names and returns the folder with their images.
fn build_probes() -> Result<PathBuf> {
    let index = root().join(FOLDER).join("index.tsv");
    let rows = fs::read_to_string(&index).with_context(|| format!("cannot read {}", index.display()))?;
    let names: BTreeSet<&str> = rows.lines().skip(1).filter_map(|row| row.split('\t').nth(2)).collect();
    let definition = Path::new(FOLDER).join("probes/trace.def");
    let build =
        |name: &&str| c_driver::compile(Model::Kmdf, &format!("{FOLDER}/probes/{name}.c"), Some(&definition));
    let images: Vec<PathBuf> = names.iter().map(build).collect();
    let image = images.first().context("the index names no probe")?;
    Ok(image.parent().context("an image lies in a folder")?.to_owned())
}
