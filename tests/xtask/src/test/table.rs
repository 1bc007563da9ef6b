//! The table that `cargo xtask test` ends with.

use std::time::Duration;

use anyhow::Result;

use crate::framework::Framework;

/// Prints the table and returns the exit code: 1 when a step failed.
pub(crate) fn print(outcomes: &[Outcome], downloads: Duration, framework: Option<&Framework>) -> u8 {
    println!();
    if let Some(Framework { file, version }) = framework {
        println!("framework: simulated, and {version} ({})", file.display());
    }
    println!("{:20} {:>7} {:>9}  what", "step", "checks", "seconds");
    let mut passed = 0;
    let mut failed = 0;
    for outcome in outcomes {
        let (checks, counts) = match &outcome.checks {
            Ok(of_step) => {
                passed += of_step.checks;
                (of_step.checks.to_string(), &of_step.counts[..])
            }
            Err(_) => {
                failed += 1;
                ("FAILED".to_owned(), &[][..])
            }
        };
        println!("{:20} {checks:>7} {:>9.1}  {}", outcome.name, outcome.took.as_secs_f64(), outcome.what);
        for count in counts {
            println!("{:20} {:>7} {:>9}    {count}", "", "", "");
        }
    }
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    println!(
        "{:20} {passed:>7} {:>9.1}  downloads took {:.1} s more",
        "all",
        total.as_secs_f64(),
        downloads.as_secs_f64()
    );
    println!();
    println!("{passed} passed, {failed} failed");
    u8::from(failed != 0)
}

/// A step that has run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) took: Duration,
    pub(crate) checks: Result<Passed>,
}

/// What a step's checks came to.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// How many checks passed.
    pub(crate) checks: usize,
    /// What they counted, a line each, for the table.
    pub(crate) counts: Vec<String>,
}

impl From<usize> for Passed {
    fn from(checks: usize) -> Self {
        Self { checks, counts: Vec::new() }
    }
}
