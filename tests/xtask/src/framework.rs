//! `cargo xtask test --framework FILE.sys`: the steps that load drivers, once more on a framework image.
//!
//! A scenario that has nothing to tell on an image says `skipped: NAME: REASON`; it is counted as that, and not as passed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    cross_build::{DRIVER, Profile},
    guide,
    image::Image,
    partition::{self, FRAMEWORK_VARIABLE, IMAGE_VARIABLE},
    test::{self, Passed},
    traces,
    workspace::root,
};

/// What a step does on a framework image.
pub(crate) type Check = fn(&Path) -> Result<Passed>;

/// The steps, in order: name, what it checks, and the check.
pub(crate) const STEPS: &[(&str, &str, Check)] = &[
    ("framework-scenarios", "the stories once more, on the framework image", scenarios),
    ("framework-traces", "the recordings, played on the framework image", played_traces),
    ("framework-guide", "the guide for IHVs, on the framework image", guide_steps),
    ("framework-demo", "the demo, on the framework image", demo),
];

/// Files of scenarios that are the same whatever the framework, and why; all others run on the image.
const UNBOUND: &[(&str, &str)] = &[
    ("conformance", "the probe is a WDM driver"),
    ("coverage", "which lines are reached is measured once"),
    ("house", "reads sources"),
    ("image", "reads the driver's image"),
    ("init", "what the driver hands over is watched by the simulated framework"),
    ("mini_wdk", "reads headers"),
    ("mlx5_handler", "runs on the host"),
    ("soak", "a run of its own, as long as is asked for"),
    ("traces", "a step of its own"),
];

/// A framework image that the parent partition takes.
#[derive(Debug)]
pub(crate) struct Framework {
    /// Absolute, so that it means the same wherever a test runs.
    pub(crate) file: PathBuf,
    /// What the image registered.
    pub(crate) version: String,
}

impl Framework {
    /// Tries a file: the demo is run on it.
    ///
    /// # Errors
    /// The file cannot take the framework's place, for the reason that the text gives; or something could not be built.
    pub(crate) fn try_file(file: &Path) -> Result<Self> {
        let file = std::path::absolute(file).with_context(|| format!("{} is no path", file.display()))?;
        let output = demo_on(&file)?.output().context("cannot run the demo")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() != Some(BAD_ARGUMENTS), "{}", errors.trim_end());
        let text = String::from_utf8_lossy(&output.stdout);
        let report: Option<Value> = serde_json::from_str(&text).ok();
        let version = report.and_then(|report| Some(report["framework"].as_str()?.to_owned()));
        // One that breaks a rule fails its steps, where it is shown how.
        let version = version.unwrap_or_else(|| "of no version that it says".to_owned());
        Ok(Self { file, version })
    }
}

fn demo_on(file: &Path) -> Result<Command> {
    let mut command = Command::new(partition::build()?);
    let image = Image::build(DRIVER, Profile::Release)?;
    command.args(["demo", "--json"]).env(IMAGE_VARIABLE, image.path()).env(FRAMEWORK_VARIABLE, file);
    Ok(command)
}

fn scenarios(file: &Path) -> Result<Passed> {
    let names = files()?;
    let bound = names.iter().filter(|name| UNBOUND.iter().all(|(unbound, _)| unbound != name));
    let tests = bound.flat_map(|name| ["--test", name]);
    let built = test::built()?;
    let (passed, text) =
        test::cargo_test_said(test::scenario_tests(&built).args(tests).env(FRAMEWORK_VARIABLE, file))?;
    let reasons = skipped(&text);
    let skipped: usize = reasons.values().sum();
    let checks = passed.checks.checked_sub(skipped).context("more was skipped than ran")?;
    let others: Vec<_> = UNBOUND.iter().map(|(name, _)| *name).collect();
    let mut counts = vec![
        format!("{checks} ran, {skipped} skipped"),
        format!("the same on any framework: {}", others.join(", ")),
    ];
    counts.extend(reasons.iter().map(|(reason, count)| format!("{count} skipped: {reason}")));
    Ok(Passed { checks, counts })
}

/// Plays the recordings: on an image each is as it was recorded.
fn played_traces(file: &Path) -> Result<Passed> {
    let output = traces::command()?
        .args(["--json", "--check"])
        .env(FRAMEWORK_VARIABLE, file)
        .output()
        .context("cannot play the traces")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    let of = |outcome: &str| answers.iter().filter(|answer| answer["outcome"] == outcome).count();
    let (equal, judged) = (of("equal"), of("judged"));
    let counted = format!(
        "{} scenarios, {equal} equal, {judged} ended by a rule at the recorded finding",
        answers.len()
    );
    ensure!(output.status.success(), "{counted}: {}", errors.trim_end());
    ensure!(equal > 0, "no trace was played");
    Ok(Passed { checks: equal + judged, counts: vec![counted] })
}

/// The names of all files of scenarios.
fn files() -> Result<BTreeSet<String>> {
    let folder = root().join("tests/scenarios/tests");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().trim_end_matches(".rs").to_owned()));
    names.collect()
}

fn guide_steps(file: &Path) -> Result<Passed> {
    guide::follow(Some(file)).map(Passed::from)
}

fn demo(file: &Path) -> Result<Passed> {
    test::demo_on(Some(file))
}

/// How many scenarios were skipped, by their reason.
fn skipped(text: &str) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    // The runner may have begun a line of its own.
    let said = text.lines().filter_map(|line| Some(line.split_once("skipped: ")?.1.split_once(": ")?.1));
    for reason in said {
        *reasons.entry(reason.to_owned()).or_default() += 1;
    }
    reasons
}

/// What the parent partition ends with when a file cannot be the framework.
const BAD_ARGUMENTS: i32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_scenarios_are_counted_by_their_reason() {
        let text =
            "skipped: a::b: no call\ntest a::c ... ok\ntest a ... skipped: d: no call\nskipped: e: other: so";
        let expected = [("no call".to_owned(), 2), ("other: so".to_owned(), 1)];
        assert_eq!(skipped(text), BTreeMap::from(expected));
    }

    #[test]
    fn files_that_do_not_run_on_an_image_are_there() {
        let files = files().expect("a folder");
        let gone: Vec<_> = UNBOUND.iter().filter(|(name, _)| !files.contains(*name)).collect();
        assert!(gone.is_empty(), "{gone:?}");
        assert!(files.contains("pf_surface"), "a folder is a file of scenarios, too");
    }
}
