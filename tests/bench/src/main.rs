//! The engine beside the limit of the machine and beside two rivals, in one interleaved run.
//!
//! `bench [--json] [--samples N] [--check]`. Every figure is a ratio; criterion takes the samples, and each of them measures what it
//! relates in turn. The report ends with the medians.

mod bound;
mod contender;
mod limit;
mod measure;
mod pair;
mod ratio;
mod report;
mod rivals;

use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};

const USAGE: &str = "usage: bench [--json] [--samples N] [--check]

Measures the engine, the least that any such service must do (the limit), and two rivals, and prints ratios.
  --json       print one JSON object, and criterion's own report on standard error
  --samples N  take so many samples for each ratio (30; at least 10)
  --check      end with 1 and name the ratios that are not what they must be; for a machine that does nothing else
";

/// What the process is asked for that measures for another one.
const FOR_A_PROGRAM: &str = "--measure-for-a-program";

fn main() -> ExitCode {
    let (mut json, mut check, mut for_a_program, mut samples) = (false, false, false, 30);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" => {
                print!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            "--json" => json = true,
            "--check" => check = true,
            FOR_A_PROGRAM => for_a_program = true,
            "--samples" => match arguments.next().and_then(|samples| samples.parse().ok()) {
                Some(given) if given >= 10 => samples = given,
                _ => return wrong("--samples takes a number from 10 up"),
            },
            unknown => return wrong(&format!("there is no {unknown}")),
        }
    }
    if json {
        return measure_apart(samples, check);
    }
    let report = report::Report::measure(samples);
    if for_a_program {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
    if !check {
        return ExitCode::SUCCESS;
    }
    let broken = report.broken();
    for figure in &broken {
        eprintln!("error: {figure}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures in another process: criterion reports on standard output, where a program wants one object.
fn measure_apart(samples: usize, check: bool) -> ExitCode {
    let measured = std::env::current_exe().and_then(|bench| {
        let samples = samples.to_string();
        Command::new(bench)
            .args([FOR_A_PROGRAM, "--samples", &samples])
            .args(check.then_some("--check"))
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
    });
    let (output, code) = match measured {
        Ok(output) if matches!(output.status.code(), Some(0 | 1)) && !output.stdout.is_empty() => {
            let code = if output.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            (String::from_utf8_lossy(&output.stdout).into_owned(), code)
        }
        Ok(output) => return failed(&format!("measuring ended with {}", output.status)),
        Err(error) => return failed(&error.to_string()),
    };
    let (before, last) = output.trim_end().rsplit_once('\n').unwrap_or(("", &output));
    // A report that nobody can read any more is not missed.
    let _shown = writeln!(io::stderr(), "{before}");
    println!("{last}");
    code
}

fn wrong(what: &str) -> ExitCode {
    eprintln!("error: {what}\n{USAGE}");
    ExitCode::from(2)
}

fn failed(what: &str) -> ExitCode {
    eprintln!("error: {what}");
    ExitCode::FAILURE
}
