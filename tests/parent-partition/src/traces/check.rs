//! All scenarios against their recorded files, each played in a process of its own.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::compare::{Ending, Outcome, compare};
use super::recorded::{self, Scenario, Tier};
use crate::supervisor::{self, Verdict};
use crate::wdfldr::choice;

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The folder with index and recorded files.
    pub folder: PathBuf,
    /// The folder with the built probes.
    pub probes: PathBuf,
    /// Only scenarios whose name begins so.
    pub only: Option<String>,
    /// The folder that keeps what is played, in the form of `folder`; made if it is not there.
    pub record: Option<PathBuf>,
}

/// One scenario that was played and compared.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its row of the index.
    pub scenario: Scenario,
    /// How many recorded lines it has.
    pub lines: usize,
    /// What the comparison found.
    pub outcome: Outcome,
}

/// Plays and compares, in the order of the index.
///
/// # Errors
/// The index or a recorded file cannot be read; a probe is missing; what is played cannot be kept.
pub fn check(selection: &Selection) -> Result<Vec<Checked>, String> {
    let only = selection.only.as_deref().unwrap_or("");
    let mut scenarios = recorded::index(&selection.folder)?;
    scenarios.retain(|scenario| scenario.name.starts_with(only));
    if let Some(folder) = &selection.record {
        recorded::begin(folder, &selection.folder)?;
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<Checked, String>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..PROCESSES {
            scope.spawn(|| {
                while let Some((index, scenario)) = take(&next, &scenarios) {
                    let checked = check_one(selection, scenario);
                    results.lock().expect("a checking thread panicked").push((index, checked));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("a checking thread panicked");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, checked)| checked).collect()
}

/// The scenarios that are not as they must be: one of the tier core that is refused, and one that differs in another line
/// than the table of differences has.
///
/// # Errors
/// The table cannot be read.
pub fn unexpected<'a>(folder: &Path, checked: &'a [Checked]) -> Result<Vec<&'a str>, String> {
    let known = recorded::differences(folder)?;
    let is_known = |name: &str, line| known.iter().any(|known| known.scenario == name && known.line == line);
    let is_unexpected = |one: &&Checked| match &one.outcome {
        Outcome::Equal | Outcome::Judged(..) => false,
        Outcome::Refused(_) => one.scenario.tier == Tier::Core,
        Outcome::Different(line, ..) => !is_known(&one.scenario.name, *line),
    };
    Ok(checked.iter().filter(is_unexpected).map(|one| one.scenario.name.as_str()).collect())
}

fn take<'a>(next: &AtomicUsize, scenarios: &'a [Scenario]) -> Option<(usize, &'a Scenario)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    scenarios.get(index).map(|scenario| (index, scenario))
}

fn check_one(selection: &Selection, scenario: &Scenario) -> Result<Checked, String> {
    let recorded = recorded::lines(&selection.folder, &scenario.name)?;
    let image = selection.probes.join(&scenario.probe).with_extension("sys");
    if !image.is_file() {
        return Err(format!("{} is missing: `cargo xtask traces` builds the probes", image.display()));
    }
    let (played, ending) =
        played(&image, &scenario.name).map_err(|error| format!("{}: {error}", scenario.name))?;
    if let Some(folder) = &selection.record {
        let finding = ending.finding().map_or_else(String::new, |line| format!("{line}\n"));
        recorded::keep(folder, &scenario.name, &format!("{played}{finding}"))?;
    }
    let lines = recorded::parse(&played).map_err(|error| format!("{}: {error}", scenario.name))?;
    let outcome = compare(&recorded, &lines, &ending);
    Ok(Checked { scenario: scenario.clone(), lines: recorded.len(), outcome })
}

/// What a scenario wrote, and how it ended.
fn played(image: &Path, scenario: &str) -> io::Result<(String, Ending)> {
    let (mut reader, writer) = io::pipe()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("trace").arg(image).arg(scenario).stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
    choice::pass_on(&mut command);
    let listener = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    let verdict = supervisor::judge_within(command, Some(LIMIT))?;
    let text = listener.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let ending = match &verdict {
        Verdict::Ended(0) => Ending::Whole,
        Verdict::Ended(code) => Ending::Defect(format!("exit code {code}")),
        Verdict::Broken(report) => match report.rule() {
            Some(rule) => Ending::Rule(rule.to_owned(), named(report)),
            None => Ending::Defect(report.detail().to_owned()),
        },
    };
    Ok((text, ending))
}

fn named(report: &supervisor::Report) -> String {
    match report.call() {
        "" => report.detail().to_owned(),
        call => format!("{call}: {}", report.detail()),
    }
}

impl Checked {
    /// The scenario as one object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { scenario, lines, outcome } = self;
        let mut object = json!({
            "scenario": scenario.name,
            "tier": scenario.tier.name(),
            "lines": lines,
            "equal_lines": self.equal_lines(),
            "outcome": outcome.name(),
        });
        match outcome {
            Outcome::Equal => {}
            Outcome::Judged(line, rule) => {
                object["line"] = (*line).into();
                object["rule"] = rule.as_str().into();
            }
            Outcome::Refused(what) => object["refused"] = what.as_str().into(),
            Outcome::Different(line, recorded, played) => {
                object["line"] = (*line).into();
                object["recorded"] = recorded.as_str().into();
                object["played"] = played.as_str().into();
            }
        }
        object
    }

    /// How many recorded lines are reproduced: all of them, those up to the finding where a rule ended the run, those
    /// before the first that differs, or none of a refused scenario.
    #[must_use]
    pub fn equal_lines(&self) -> usize {
        match &self.outcome {
            Outcome::Equal => self.lines,
            Outcome::Judged(line, _) => *line,
            Outcome::Refused(_) => 0,
            Outcome::Different(line, ..) => (line - 1).min(self.lines),
        }
    }

    /// How many recorded lines come after the finding where a rule ended the run, and are not played.
    #[must_use]
    pub fn lines_after_finding(&self) -> usize {
        match &self.outcome {
            Outcome::Judged(line, _) => self.lines - line,
            _ => 0,
        }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, lines, outcome } = self;
        write!(f, "{:44} {:5}{lines:5} lines  {}", scenario.name, scenario.tier, outcome.name())?;
        match outcome {
            Outcome::Equal => Ok(()),
            Outcome::Judged(line, rule) => write!(f, " in line {line} ({rule})"),
            Outcome::Refused(what) => write!(f, ": {what}"),
            Outcome::Different(line, recorded, played) => {
                write!(f, " in line {line}\n    recorded {recorded}\n    played   {played}")
            }
        }
    }
}

impl Outcome {
    /// In one word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Judged(..) => "judged",
            Self::Refused(_) => "refused",
            Self::Different(..) => "different",
        }
    }
}

/// How many scenarios are played at a time.
const PROCESSES: usize = 2;
/// Longer than any scenario.
const LIMIT: Duration = Duration::from_secs(30);
