//! The recorded files: their index, their lines, and the table of scenarios that are known to differ.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// How much of a scenario has to be reproduced.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tier {
    /// Every line: what a PF driver and its plug-ins rely on.
    Core,
    /// Every line, unless the framework names what it does not have.
    Wide,
}

/// A row of the index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// Its name, and that of its file.
    pub name: String,
    /// Its tier.
    pub tier: Tier,
    /// The probe that plays it.
    pub probe: String,
}

/// A row of the table of known differences.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// The first line of the recorded file that is not reproduced, from 1 on.
    pub line: usize,
    /// Why.
    pub reason: String,
}

impl Tier {
    /// Its name in the index.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Wide => "wide",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads `index.tsv`.
///
/// # Errors
/// It cannot be read, or a row is malformed; the text says which.
pub fn index(folder: &Path) -> Result<Vec<Scenario>, String> {
    rows(&folder.join(INDEX), |columns| match columns {
        [name, tier, probe, ..] => {
            let tier = match *tier {
                "core" => Tier::Core,
                "wide" => Tier::Wide,
                _ => return None,
            };
            Some(Scenario { name: (*name).to_owned(), tier, probe: (*probe).to_owned() })
        }
        _ => None,
    })
}

/// Reads `differences.tsv`; a folder of recordings that has none has no known differences.
///
/// # Errors
/// As [`index`].
pub fn differences(folder: &Path) -> Result<Vec<Difference>, String> {
    let table = folder.join("differences.tsv");
    if !table.exists() {
        return Ok(Vec::new());
    }
    rows(&table, |columns| match columns {
        [scenario, line, reason] if !reason.trim().is_empty() => Some(Difference {
            scenario: (*scenario).to_owned(),
            line: line.parse().ok()?,
            reason: (*reason).to_owned(),
        }),
        _ => None,
    })
}

/// Reads the recorded lines of a scenario.
///
/// # Errors
/// The file cannot be read, or a line is no JSON.
pub fn lines(folder: &Path, scenario: &str) -> Result<Vec<Value>, String> {
    let path = file(folder, scenario);
    parse(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))
}

/// Makes a folder of recordings with the index of another one.
///
/// # Errors
/// The folder cannot be made, or is the other one; the index cannot be copied.
pub fn begin(folder: &Path, other: &Path) -> Result<(), String> {
    let named = |error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(folder.join(RECORDED)).map_err(named)?;
    if folder.canonicalize().map_err(named)? == other.canonicalize().map_err(named)? {
        return Err(format!("{} holds what is compared with: record into another folder", folder.display()));
    }
    std::fs::copy(other.join(INDEX), folder.join(INDEX)).map(|_| ()).map_err(named)
}

/// Keeps what a scenario wrote.
///
/// # Errors
/// The file cannot be written.
pub fn keep(folder: &Path, scenario: &str, played: &str) -> Result<(), String> {
    let file = file(folder, scenario);
    std::fs::write(&file, played).map_err(|error| format!("{}: {error}", file.display()))
}

/// Parses a trace.
///
/// # Errors
/// A line is no JSON.
pub fn parse(text: &str) -> Result<Vec<Value>, String> {
    let parse = |(index, line)| {
        serde_json::from_str(line).map_err(|error| format!("line {}: {error}: {line}", index + 1))
    };
    text.lines().enumerate().map(parse).collect()
}

fn rows<T>(path: &Path, row: impl Fn(&[&str]) -> Option<T>) -> Result<Vec<T>, String> {
    let text = read(path)?;
    let malformed = |index| format!("{}: row {} is malformed", path.display(), index + 1);
    let parse = |(index, line): (usize, &str)| {
        row(&line.split('\t').collect::<Vec<_>>()).ok_or_else(|| malformed(index))
    };
    text.lines().enumerate().skip(1).map(parse).collect()
}

fn file(folder: &Path, scenario: &str) -> PathBuf {
    folder.join(RECORDED).join(scenario).with_extension("jsonl")
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The list of scenarios, in a folder of recordings.
const INDEX: &str = "index.tsv";
/// Where their files are, one each.
const RECORDED: &str = "recorded";
