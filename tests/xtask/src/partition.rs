//! `cargo xtask partition`, `demo` and `bench`: build what is missing, run the command.

use std::{env, ffi::OsString, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    cross_build::{DRIVER, Profile},
    image::Image,
    packages, plugin,
    workspace::{root, run_shown, target},
};

/// The variable that tells `parent-partition` which image to load when no `--image` is given.
pub(crate) const IMAGE_VARIABLE: &str = "PF_BACKCHANNEL_IMAGE";

/// The variable that tells `parent-partition soak` where the plug-in driver lies that keeps a journal.
const RECORDER_VARIABLE: &str = "PF_BACKCHANNEL_RECORDER_IMAGE";
/// That plug-in.
const RECORDER: &str = "tests/plugins/c/recorder.c";

/// The variable that names a framework image in place of the simulated framework.
pub(crate) const FRAMEWORK_VARIABLE: &str = "PF_BACKCHANNEL_FRAMEWORK";

/// Builds the release image and the parent partition, then runs it; returns its exit code.
///
/// # Errors
/// Something could not be built or started.
pub(crate) fn run(arguments: &[OsString]) -> Result<u8> {
    if let Some((_, rest)) = arguments.split_first().filter(|(task, _)| *task == "soak") {
        return soak(rest);
    }
    packages::ensure(&[packages::PARENT_PARTITION, packages::CROSS_BUILD])?;
    let command = build()?;
    let image = Image::build(DRIVER, Profile::Release)?;
    exit_code(Command::new(&command).args(arguments).env(IMAGE_VARIABLE, image.path()))
}

/// Builds image and parent partition as shipped and the plug-in whose handlers keep a journal, and has them soak; returns the
/// exit code.
///
/// # Errors
/// Something could not be built or started.
pub(crate) fn soak(arguments: &[OsString]) -> Result<u8> {
    packages::ensure(&[packages::PARENT_PARTITION, packages::CROSS_BUILD])?;
    run_shown(cargo().args(["build", "--quiet", "--release", "--package", "parent-partition"]))?;
    let image = Image::build(DRIVER, Profile::Release)?;
    let recorder = plugin::build(&root().join(RECORDER))?;
    exit_code(
        Command::new(target().join("release/parent-partition"))
            .arg("soak")
            .args(arguments)
            .env(IMAGE_VARIABLE, image.path())
            .env(RECORDER_VARIABLE, recorder),
    )
}

/// Builds the benchmark as shipped and runs it; returns its exit code.
///
/// # Errors
/// It could not be built or started.
pub(crate) fn bench(arguments: &[OsString]) -> Result<u8> {
    run_shown(cargo().args(["build", "--quiet", "--release", "--package", "bench"]))?;
    exit_code(Command::new(target().join("release/bench")).args(arguments))
}

/// Runs a command that speaks for itself; returns its exit code.
///
/// # Errors
/// It could not be started.
pub(crate) fn exit_code(command: &mut Command) -> Result<u8> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Builds the parent partition and returns the command's path.
///
/// # Errors
/// The build failed; its messages are on standard error.
pub(crate) fn build() -> Result<PathBuf> {
    packages::ensure(&[packages::PARENT_PARTITION])?;
    run_shown(cargo().args(["build", "--quiet", "--package", "parent-partition"]))?;
    Ok(target().join("debug/parent-partition"))
}

/// The cargo that runs this task, in the repository's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // A step says itself which framework it is about.
    command.current_dir(root()).env("CARGO_TARGET_DIR", target()).env_remove(FRAMEWORK_VARIABLE);
    command
}
