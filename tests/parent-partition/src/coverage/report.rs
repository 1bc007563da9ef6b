//! What a measurement came to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fmt, fs, io};

use serde_json::{Value, json};

use super::lines::{self, Line};
use super::reasons::{Disagreement, Reasons};
use super::{HITS, Sites};
use crate::command::{BAD_ARGUMENTS, CoverageTask, ImageArgument};

/// Carries a task of the command out; the exit code.
pub fn run(task: &CoverageTask) -> u8 {
    let done = match task {
        CoverageTask::Begin { folder, image } => begin(folder, image),
        CoverageTask::Report { folder, reasons, root, json } => tell(folder, reasons, root, *json),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        BAD_ARGUMENTS
    })
}

fn begin(folder: &Path, image: &ImageArgument) -> io::Result<u8> {
    let image = image.path().map_err(io::Error::other)?;
    let sites = Sites::begin(&image, folder)?;
    println!("{} breakpoints for {}", sites.offsets.len(), sites.image.display());
    Ok(0)
}

fn tell(folder: &Path, reasons: &Path, root: &Path, json: bool) -> io::Result<u8> {
    let report = Report::of(folder, root, &Reasons::read(reasons)?)?;
    if json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    Ok(u8::from(!report.is_good()))
}

/// Lines reached and not, and whether the table of reasons is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// For each line of the driver in the image, whether any run reached it.
    pub lines: BTreeMap<Line, bool>,
    /// How many runs took part: loads of the image.
    pub runs: usize,
    /// What the table of reasons does not say, or says wrongly.
    pub disagreement: Disagreement,
}

impl Report {
    /// Reads what the runs of a measurement left in its folder; source files lie below `root`.
    ///
    /// # Errors
    /// There is no measurement in the folder, its image is another one by now, or a file cannot be read.
    pub fn of(folder: &Path, root: &Path, reasons: &Reasons) -> io::Result<Self> {
        let sites = Sites::of(folder)?;
        let at = lines::of_image(&sites.image).map_err(io::Error::other)?;
        if !at.keys().eq(&sites.offsets) {
            return Err(io::Error::other(format!("{} was built again since", sites.image.display())));
        }
        let (hits, runs) = merged(folder, sites.offsets.len())?;
        let mut lines = BTreeMap::new();
        for (place, begun) in at.values().enumerate() {
            for line in begun {
                *lines.entry(line.clone()).or_insert(false) |= hits[place];
            }
        }
        let sources = Sources::read(root, &lines)?;
        let disagreement =
            reasons.compare(lines.iter().map(|(line, reached)| (line, *reached)), |line| sources.text(line));
        Ok(Self { lines, runs, disagreement })
    }

    /// Lines of the driver in the image, and how many of them were not reached.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.lines.len(), self.lines.values().filter(|reached| !**reached).count())
    }

    /// Whether at most one line in twenty is unreached, each for a reason that the table has, and the table has no others.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let (all, unreached) = self.counts();
        all != 0 && unreached * 20 <= all && self.disagreement == Disagreement::default()
    }

    /// Lines and unreached lines of each file.
    #[must_use]
    pub fn files(&self) -> BTreeMap<&str, (usize, usize)> {
        let mut files = BTreeMap::new();
        for (line, reached) in &self.lines {
            let (all, unreached): &mut (usize, usize) = files.entry(&*line.file).or_default();
            *all += 1;
            *unreached += usize::from(!reached);
        }
        files
    }

    /// The report as one object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (lines, unreached) = self.counts();
        let files: Vec<Value> = self
            .files()
            .into_iter()
            .map(|(file, (lines, unreached))| json!({"file": file, "lines": lines, "unreached": unreached}))
            .collect();
        let missed: Vec<Value> = self
            .lines
            .iter()
            .filter(|(_, reached)| !**reached)
            .map(|(line, _)| json!({"file": line.file, "line": line.number}))
            .collect();
        let place =
            |(line, text): &(Line, String)| json!({"file": line.file, "line": line.number, "text": text});
        let row = |(file, text): &(String, String)| json!({"file": file, "text": text});
        json!({
            "lines": lines,
            "unreached": unreached,
            "runs": self.runs,
            "files": files,
            "unreached_lines": missed,
            "unexplained": self.disagreement.unexplained.iter().map(place).collect::<Vec<_>>(),
            "stale": self.disagreement.stale.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (file, (lines, unreached)) in self.files() {
            writeln!(f, "{file:40} {lines:>6} lines {unreached:>5} unreached")?;
        }
        for (line, text) in &self.disagreement.unexplained {
            writeln!(f, "{}:{}: not reached, and no reason given: {text}", line.file, line.number)?;
        }
        for (file, text) in &self.disagreement.stale {
            writeln!(f, "{file}: the table has a reason for a line that is reached or gone: {text}")?;
        }
        let (lines, unreached) = self.counts();
        let percent = 100.0 * unreached as f64 / lines.max(1) as f64;
        writeln!(f, "{unreached} of {lines} lines are not reached ({percent:.1} %), in {} runs", self.runs)
    }
}

/// The hits of all runs together, and how many runs there were.
fn merged(folder: &Path, sites: usize) -> io::Result<(Vec<bool>, usize)> {
    let mut hits = vec![false; sites];
    let mut runs = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != HITS) {
            continue;
        }
        let bytes = fs::read(&path)?;
        if bytes.len() != sites {
            return Err(io::Error::other(format!("{} is of another measurement", path.display())));
        }
        runs += 1;
        hits.iter_mut().zip(bytes).for_each(|(hit, byte)| *hit |= byte != 0);
    }
    Ok((hits, runs))
}

/// The text of the files that lines are of.
struct Sources(BTreeMap<String, Vec<String>>);

impl Sources {
    fn read(root: &Path, lines: &BTreeMap<Line, bool>) -> io::Result<Self> {
        let names: BTreeSet<&String> = lines.keys().map(|line| &line.file).collect();
        let read = |name: &String| {
            let text = fs::read_to_string(root.join(name))
                .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
            Ok((name.clone(), text.lines().map(|line| line.trim().to_owned()).collect()))
        };
        names.into_iter().map(read).collect::<io::Result<_>>().map(Self)
    }

    fn text(&self, line: &Line) -> String {
        let place = (line.number as usize).wrapping_sub(1);
        self.0.get(&line.file).and_then(|lines| lines.get(place)).cloned().unwrap_or_default()
    }
}
