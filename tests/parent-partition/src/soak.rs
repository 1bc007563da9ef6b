//! The soak: guests write while their VFs are reset, the PF is rebalanced, parked requests are cancelled, and the handler is
//! replaced, all at once; afterwards the ledger must agree.
//!
//! ```text
//!   guests, VSP threads ── numbered writes ──► PF ──► one of two handlers ── journal ──► ledger
//!   resets ─────────────────────────────────► PF
//!   rebalances (PnP, attached VSP) ─────────► PF
//!   operator's invalidations, parked requests, cancels ──► PF
//!   plug-in: each handler in the other's place ──► PF
//! ```
//!
//! It runs in a judged process of its own; this one waits, shows progress, and says what came of it.

mod counts;
mod invalidations;
pub mod ledger;
mod one;
mod rebalance;
mod recorder;
mod replacements;
mod report;
mod resets;
mod stage;
mod traffic;

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Duration;

pub use one::one;
pub use recorder::Mistake;

use self::report::Report;
use crate::command::{BAD_ARGUMENTS, SoakArguments};
use crate::supervisor::{Verdict, judge_within};

/// Carries out the task; returns the exit code.
pub fn run(arguments: &SoakArguments) -> u8 {
    if let Err(error) = arguments.image.path().and_then(|_| arguments.recorder()) {
        eprintln!("{error}");
        return BAD_ARGUMENTS;
    }
    match judged(arguments) {
        Ok((verdict, report)) => {
            let report = report.judged_by(&verdict, arguments.seed);
            if let Some(broken) = verdict.report() {
                eprintln!("{}", broken.to_json());
            }
            if arguments.json {
                println!("{}", report.to_json());
            } else {
                print!("{report}");
            }
            report.exit_code(arguments.least())
        }
        Err(error) => {
            eprintln!("cannot start the judged process: {error}");
            1
        }
    }
}

/// Runs the soak in a process of its own: how that ended, and the last that it reported.
fn judged(arguments: &SoakArguments) -> std::io::Result<(Verdict, Report)> {
    let (reader, writer) = std::io::pipe()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).arg("--judged").stdout(writer);
    let listener = std::thread::spawn(move || {
        let mut last = Report::default();
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if let Ok(report) = serde_json::from_str(&line) {
                last = report;
                eprintln!("{}", last.progress());
            }
        }
        last
    });
    let limit = arguments.seconds.map_or(UNTIL_PROVEN, Duration::from_secs) + AFTERWARDS;
    // The command, which holds the pipe's other end, goes before the listener is waited for.
    let verdict = judge_within(command, Some(limit))?;
    let report = listener.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    Ok((verdict, report))
}

/// How long a soak without a stated time may take.
const UNTIL_PROVEN: Duration = Duration::from_secs(90);
/// How long it may take to end: the actors' last calls, and the ledger.
const AFTERWARDS: Duration = Duration::from_secs(120);
