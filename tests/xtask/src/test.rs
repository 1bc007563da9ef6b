//! `cargo xtask test`: every check there is, and a table of what ran, how many and how long.

mod runner;
mod table;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    cross_build::{CrossBuild, DRIVER, DRIVERS, LIBRARY_DRIVER, PLUGIN_DRIVER, Profile},
    framework::{self, Framework},
    guide, header,
    image::Image,
    lint, packages,
    partition::{self, FRAMEWORK_VARIABLE, IMAGE_VARIABLE, cargo},
    workspace::{root, run_shown, target},
};

pub(crate) use runner::{cargo_test, cargo_test_said};
use table::Outcome;
pub(crate) use table::Passed;

/// The variable that tells tests where the image with debug assertions lies.
const DEBUG_IMAGE_VARIABLE: &str = "PF_BACKCHANNEL_DEBUG_IMAGE";

/// The variable that tells tests where the driver lies that links ours as a library.
const LIBRARY_IMAGE_VARIABLE: &str = "PF_BACKCHANNEL_LIBRARY_IMAGE";

/// The variable that tells tests where the plug-in driver in Rust lies.
const PLUGIN_IMAGE_VARIABLE: &str = "PF_BACKCHANNEL_PLUGIN_IMAGE";

/// What this command ends with for a file that cannot be the framework.
const BAD_ARGUMENTS: u8 = 2;

/// The test that plays the recorded traces.
const RECORDED_TRACES: &str = "recorded_traces_are_reproduced";

/// The variable that tells tests where the command `parent-partition` lies.
const COMMAND_VARIABLE: &str = "PF_PARENT_PARTITION";

/// The release image may not be larger, in bytes. The run-time handler interface takes 16 KiB of it, the example's handlers 8,
/// and speed 12: its optimisation is the least with which a write is faster than a hash map behind a lock. Mitigated
/// registers would take 8 more, but an image without any does not contain their code.
const LARGEST_IMAGE: usize = 108 * 1024;

/// What a step does.
type Check = fn() -> Result<Passed>;

/// Every step, in order: its name, what it checks, and the check.
const STEPS: &[(&str, &str, Check)] = &[
    ("lint", "formatting, clippy, documentation; the driver for its own target", lints),
    ("tasks", "these commands' own tests", tasks),
    ("header", "the C headers are what their Rust definitions say", headers),
    ("engine", "rules, refusals, examples in the documentation", engine),
    ("model", "the engine does what a slow model does, over ten million random operations", model),
    ("loom", "gate, drain, replace, reset, invalidation, places under every schedule", loom),
    ("shuttle", "the same under many random schedules", shuttle),
    ("image-debug", "the driver with debug assertions builds", debug_image),
    ("image-release", "the driver as shipped builds: size, subsystem, imports", release_image),
    ("partition", "the simulated kernel, framework, bus and guests", partition_tests),
    ("scenarios", "stories against the shipped image, mini WDK against the facts", scenarios),
    ("traces", "recordings of the real framework, played on the simulated one", traces),
    ("guide", "the guide for IHVs, followed step by step in C and in Rust", guide_steps),
    ("demo", "four guests' statistics arrive; a lost piece is noticed", demo),
];

/// Runs every step, also after one has failed, and prints the table.
///
/// With a framework image, the steps that load drivers run on it, too. Returns 0 when all passed, 2 when the file cannot take
/// the framework's place, and 1 otherwise.
///
/// # Errors
/// No step has the asked-for name, or the downloads failed.
pub(crate) fn run(only: Option<&str>, file: Option<&Path>) -> Result<u8> {
    let steps = || STEPS.iter().map(|(name, what, check)| (*name, *what, Step::Plain(*check)));
    let on_framework = || framework::STEPS.iter().map(|(name, what, check)| (*name, *what, Step::On(*check)));
    let all: Vec<_> = match file {
        Some(_) => steps().chain(on_framework()).collect(),
        None => steps().collect(),
    };
    let chosen: Vec<_> =
        all.iter().filter(|(name, _, _)| only.is_none_or(|word| name.contains(word))).collect();
    ensure!(
        !chosen.is_empty(),
        "no step is named like {:?}; there are: {}",
        only.unwrap_or_default(),
        all.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
    );
    let downloads = download()?;
    let framework = match file.map(Framework::try_file).transpose() {
        Ok(framework) => framework,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(BAD_ARGUMENTS);
        }
    };
    let mut outcomes = Vec::new();
    for (name, what, step) in chosen {
        eprintln!("== {name}: {what}");
        let begun = Instant::now();
        let checks = match (step, &framework) {
            (Step::Plain(check), _) => check(),
            (Step::On(check), Some(framework)) => check(&framework.file),
            (Step::On(_), None) => bail!("{name} needs a framework image"),
        };
        if let Err(error) = &checks {
            eprintln!("== {name} FAILED: {error:#}");
        }
        outcomes.push(Outcome { name, what, took: begun.elapsed(), checks });
    }
    Ok(table::print(&outcomes, downloads, framework.as_ref()))
}

/// What a row of the table runs.
#[derive(Clone, Copy, Debug)]
enum Step {
    Plain(Check),
    On(framework::Check),
}

/// Fetches packages and crates first, so that the table's times are the machine's and not the network's.
fn download() -> Result<Duration> {
    eprintln!("== downloads");
    let begun = Instant::now();
    let build = CrossBuild::prepare(&[packages::PARENT_PARTITION, packages::DRIVER_LINT])?;
    run_shown(cargo().args(["fetch", "--quiet", "--locked"]))?;
    build.cargo(&["fetch", "--quiet", "--locked"], &[])?;
    Ok(begun.elapsed())
}

fn lints() -> Result<Passed> {
    lint::run()?;
    Ok((3 + 2 * DRIVERS.len()).into())
}

fn tasks() -> Result<Passed> {
    cargo_test(cargo().args(["test", "--no-fail-fast", "--package", "xtask", "--package", "bench"]))
}

fn headers() -> Result<Passed> {
    ensure!(header::run(true)? == 0, "a C header is not up to date");
    Ok(header::COUNT.into())
}

fn engine() -> Result<Passed> {
    cargo_test(cargo().args(["test", "--no-fail-fast", "--package", "backchannel"]))
}

fn model() -> Result<Passed> {
    let model = ["test", "--release", "--package", "backchannel", "--test", "model", "--", "--nocapture"];
    let passed = cargo_test(cargo().args(model))?;
    ensure!(!passed.counts.is_empty(), "the model does not say how many operations it compared");
    Ok(passed)
}

fn loom() -> Result<Passed> {
    schedules("loom")
}

fn shuttle() -> Result<Passed> {
    schedules("shuttle")
}

/// Compiles the engine over the atomics of a schedule checker, in a target folder of its own, and runs the models.
fn schedules(checker: &str) -> Result<Passed> {
    cargo_test(
        cargo()
            .args(["test", "--release", "--package", "backchannel", "--test", "schedules"])
            .env("RUSTFLAGS", format!("--cfg {checker}"))
            .env("CARGO_TARGET_DIR", target().join(checker)),
    )
}

fn debug_image() -> Result<Passed> {
    Image::build(DRIVER, Profile::Debug).map(|_| 1.into())
}

fn release_image() -> Result<Passed> {
    let image = Image::build(DRIVER, Profile::Release)?;
    ensure!(
        image.size() < LARGEST_IMAGE,
        "the release image has {} bytes; it must stay below {LARGEST_IMAGE}",
        image.size()
    );
    Ok(1.into())
}

fn partition_tests() -> Result<Passed> {
    cargo_test(cargo().args(["test", "--no-fail-fast", "--package", "parent-partition"]))
}

fn scenarios() -> Result<Passed> {
    let images = built()?;
    // The traces have a step of their own.
    cargo_test(scenario_tests(&images).args(["--", "--skip", RECORDED_TRACES]))
}

/// Plays the recordings and shows what the test counted.
fn traces() -> Result<Passed> {
    let images = built()?;
    let of_traces = ["--test", "traces", "--", "--exact", RECORDED_TRACES, "--nocapture"];
    let passed = cargo_test(scenario_tests(&images).args(of_traces))?;
    ensure!(!passed.counts.is_empty(), "the test of the traces does not say what it counted");
    Ok(passed)
}

/// Runs the scenarios, with further variables.
///
/// # Errors
/// Something could not be built, or a scenario failed.
pub(crate) fn scenarios_with(variables: &[(&str, &OsStr)]) -> Result<Passed> {
    let images = built()?;
    cargo_test(scenario_tests(&images).envs(variables.iter().copied()))
}

/// What the scenarios use.
#[derive(Debug)]
pub(crate) struct Built {
    release: Image,
    debug: Image,
    library: Image,
    plugin: Image,
    command: PathBuf,
}

/// Builds what the scenarios use.
///
/// # Errors
/// Something could not be built.
pub(crate) fn built() -> Result<Built> {
    Ok(Built {
        release: Image::build(DRIVER, Profile::Release)?,
        debug: Image::build(DRIVER, Profile::Debug)?,
        library: Image::build(LIBRARY_DRIVER, Profile::Release)?,
        plugin: Image::build(PLUGIN_DRIVER, Profile::Release)?,
        command: partition::build()?,
    })
}

/// The command that runs the scenarios.
pub(crate) fn scenario_tests(built: &Built) -> Command {
    let mut command = cargo();
    command
        .args(["test", "--no-fail-fast", "--package", "scenarios"])
        .env(IMAGE_VARIABLE, built.release.path())
        .env(DEBUG_IMAGE_VARIABLE, built.debug.path())
        .env(LIBRARY_IMAGE_VARIABLE, built.library.path())
        .env(PLUGIN_IMAGE_VARIABLE, built.plugin.path())
        .env(COMMAND_VARIABLE, &built.command);
    command
}

fn guide_steps() -> Result<Passed> {
    guide::follow(None).map(Passed::from)
}

fn demo() -> Result<Passed> {
    demo_on(None)
}

/// Runs the demo, on a framework image if one is given, with and without a lost piece.
///
/// # Errors
/// Something could not be built, or the demo has another result.
pub(crate) fn demo_on(framework: Option<&Path>) -> Result<Passed> {
    let command = partition::build()?;
    let image = Image::build(DRIVER, Profile::Release)?;
    let mut checks = 0_usize;
    for (words, lossless) in [(&["demo", "--json"][..], true), (&["demo", "--json", "--drop-piece"], false)] {
        let output = Command::new(&command)
            .args(words)
            .env(IMAGE_VARIABLE, image.path())
            .env(FRAMEWORK_VARIABLE, framework.unwrap_or_else(|| Path::new("")))
            .current_dir(root())
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", command.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "`{}` ended with {}: {text}", words.join(" "), output.status);
        let report: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("`{}` printed {text}", words.join(" ")))?;
        let figure = |key: &str| report[key].as_u64().with_context(|| format!("no `{key}` in {report}"));
        ensure!((report["framework"] == "simulated") == framework.is_none(), "{report}");
        ensure!(figure("rules_broken")? == 0, "{report}");
        ensure!((figure("mismatches")? == 0) == lossless, "mismatches with `{}`: {report}", words.join(" "));
        ensure!(figure("statistics_sets")? > 0 || !lossless, "no statistics arrived: {report}");
        checks += 1;
    }
    Ok(checks.into())
}
