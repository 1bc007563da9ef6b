//! The engine beside the limit of the machine and beside two rivals, in one interleaved run.
//!
//! `bench [--json] [--rounds N]`. Every figure is a ratio of the best of many rounds; each round measures all
//! contenders one after the other, so that a change of the machine's clock meets all of them.

mod clock;
mod contender;
mod limit;
mod measure;
mod ours;
mod report;
mod rivals;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut json = false;
    let mut rounds = 31;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--rounds" => match arguments.next().and_then(|rounds| rounds.parse().ok()) {
                Some(given) => rounds = given,
                None => return usage(),
            },
            _ => return usage(),
        }
    }
    let report = report::Report::measure(rounds);
    if json {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: bench [--json] [--rounds N]");
    ExitCode::from(2)
}
