//! The commands that a person and the tests run on Linux: `cargo xtask <task>`.
//!
//! Exit codes: 0 done, 1 a task failed or a check found something, 2 wrong arguments, 3 a simulated rule was broken.

mod content_root;
mod coverage;
mod cross_build;
mod framework;
mod guide;
mod header;
mod image;
mod lint;
mod packages;
mod partition;
mod plugin;
mod rustc_wrapper;
mod test;
mod traces;
mod workspace;

use std::{env, ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{
    cross_build::{DRIVER, Profile},
    image::Image,
};

/// Build, run and check the PF-side backchannel on Linux.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Show guests' VF writes reach an IHV handler inside the real driver image.
    Demo {
        /// Arguments of `parent-partition demo`: --json, --seed N, --drop-piece, --repeat N, --framework FILE.sys.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run every check there is and end with a table.
    ///
    /// Exit code 2 when the file of --framework cannot take the framework's place: the reason is said, and no step runs.
    Test {
        /// Run only the steps whose name contains this word.
        #[arg(long)]
        only: Option<String>,
        /// Run the steps that load drivers a second time, on this framework image (KMDF 1.33), as rows of their own.
        #[arg(long, value_name = "FILE.sys")]
        framework: Option<PathBuf>,
    },
    /// Build `pf_backchannel.sys` and its PDB and say what came out.
    Image {
        /// Build as shipped (the default is with debug assertions).
        #[arg(long)]
        release: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Write the C headers in `driver/include` from their Rust definitions.
    Header {
        /// Write nothing; fail when a header is not up to date.
        #[arg(long)]
        check: bool,
    },
    /// Build a plug-in driver of an IHV and print where its image lies.
    Plugin {
        /// One C file (a WDM driver), or the folder of a package in Rust.
        path: PathBuf,
    },
    /// Check formatting, lints and documentation, the driver for its own target included.
    Lint,
    /// Measure the engine beside the machine's limit and two rivals, in one run.
    Bench {
        /// Arguments of `bench`: --json, --samples N, --check.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run the scenarios and say which lines of the driver they reach, in the image as shipped.
    ///
    /// Exit code 1 when more than 5 % of the lines are unreached, or one for no reason that `driver/unreached.tsv` has.
    Coverage {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let guests, resets, rebalances, cancels and replacements of the handler meet in the driver, and check every write.
    Soak {
        /// Arguments of `parent-partition soak`: --seconds N, --guests N, --seed N, --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Play the recorded scenarios of the real framework on the simulated one, or on an image, and compare or record them.
    Traces {
        /// Arguments of `parent-partition traces`: --framework FILE.sys, --record FOLDER, --check, --only NAME, --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Build what is missing and run the command `parent-partition`.
    Partition {
        /// Arguments of `parent-partition`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    if let Some(compiler) = env::args().nth(1).filter(|word| rustc_wrapper::is_compiler(word)) {
        return code(rustc_wrapper::run(&compiler));
    }
    let done = match Arguments::parse().task {
        Task::Demo { mut arguments } => {
            arguments.insert(0, "demo".into());
            partition::run(&arguments)
        }
        Task::Test { only, framework } => test::run(only.as_deref(), framework.as_deref()),
        Task::Image { release, json } => print_image(release, json),
        Task::Header { check } => header::run(check),
        Task::Plugin { path } => plugin::build(&path).map(|image| {
            println!("{}", image.display());
            0
        }),
        Task::Lint => lint::run(),
        Task::Bench { arguments } => partition::bench(&arguments),
        Task::Coverage { json } => coverage::run(json),
        Task::Soak { arguments } => partition::soak(&arguments),
        Task::Traces { arguments } => traces::run(&arguments),
        Task::Partition { arguments } => partition::run(&arguments),
    };
    code(done)
}

fn print_image(release: bool, json: bool) -> Result<u8> {
    let image = Image::build(DRIVER, if release { Profile::Release } else { Profile::Debug })?;
    if json {
        println!("{}", image.json());
    } else {
        print!("{}", image.text());
    }
    Ok(0)
}

fn code(done: Result<u8>) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
