//! The command `parent-partition`: runs a driver image against a simulated parent partition.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use parent_partition::command::{
    BAD_ARGUMENTS, CoverageTask, DemoArguments, FaultsArguments, FrameworkArgument, RunArguments,
    SoakArguments, TracesArguments, named_number,
};
use parent_partition::machine::injection;
use parent_partition::wdfldr::mistake::{self, Mistake};
use parent_partition::{coverage, demo, exercise, faults, frames, script, soak, supervisor, traces};

/// A parent partition in a box: runs a PF backchannel driver image and judges it.
///
/// Exit codes: 0 all ran clean, 2 bad arguments, 3 the image broke a rule, 4 the simulator is wrong.
#[derive(Debug, Parser)]
#[command(name = "parent-partition", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays a script of guests and VSP against the driver: one JSON object a line in, one a line out.
    Run(RunArguments),
    /// Lets four guests send statistics as Linux mlx5 VFs do, and checks what the PF made of them.
    Demo(DemoArguments),
    /// Fails each call of the driver that can fail, one a run, through load, start, requests, stop, sleep and unload.
    ///
    /// Exit code 0 when every call was failed, no rule was broken, and the driver loaded again each time.
    Faults(FaultsArguments),
    /// Lets guests, resets, rebalances, cancels and replacements of the handler meet in the driver, beside a plug-in that keeps a
    /// journal.
    ///
    /// Each write carries a number. One that was answered with success was seen by one handler exactly once, any other at
    /// most once, each VF's in order, and by the handler that served then. Exit code 0 when that held, 1 when it did not, 3
    /// when a rule was broken, 5 when too little happened to prove anything.
    Soak(SoakArguments),
    /// Shows what an image file holds, without loading it.
    Inspect {
        /// The image; its PDB lies beside it.
        image: PathBuf,
        /// The stack frame of each function, largest first.
        #[arg(long, required = true)]
        frames: bool,
        /// One JSON object instead of lines for people.
        #[arg(long)]
        json: bool,
    },
    /// Takes any driver (WDM or KMDF) through the life of one device, and judges it.
    ///
    /// Loads the driver, adds a device on the simulated PCI bus, starts and opens it, sends one IRP_MJ_DEVICE_CONTROL
    /// and one IRP_MJ_INTERNAL_DEVICE_CONTROL (code 0x222000, 16 bytes each way; cancelled after a second), closes,
    /// stops, restarts and removes it, and unloads the driver. Prints each step with its status; a step that fails is
    /// no broken rule.
    ///
    /// When a rule is broken the last line says which: {"rule":..,"call":..,"at":..,"in":..,"image":..,"detail":..},
    /// with the routine that was being called and the driver's function at fault, as its PDB names it.
    #[command(verbatim_doc_comment)]
    Exercise {
        /// The driver image; its PDB lies beside it.
        #[arg(value_name = "FILE.sys")]
        image: PathBuf,
        /// The framework.
        #[command(flatten)]
        framework: FrameworkArgument,
        /// One JSON object a step instead of lines for people.
        #[arg(long)]
        json: bool,
        /// Also prints each framework structure that the driver hands over, with its bytes.
        #[arg(long)]
        structures: bool,
        /// A further DWORD of the device's hardware key; may be given several times.
        #[arg(long = "value", value_name = "NAME=NUMBER", value_parser = named_number)]
        values: Vec<(String, u32)>,
        /// How many lives in a row; what one leaves behind ends the run.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        repeat: u32,
        /// Has the driver make a mistake, which must be noticed.
        #[arg(long, value_name = "MISTAKE")]
        driver_mistake: Option<Mistake>,
        /// Has the driver's N-th call that can fail do so, as want of memory would; 0 fails none.
        #[arg(long, value_name = "N", default_value_t = 0)]
        fail: u32,
    },
    /// Measures which lines of the driver's sources runs reach in an image, by one-shot breakpoints at its PDB's line records.
    #[command(subcommand)]
    Coverage(CoverageTask),
    /// Plays the recorded scenarios of the real framework on this one and compares them line by line.
    ///
    /// A scenario is equal; or judged: the recording has a finding of the framework where a rule ended the run; or
    /// refused: the framework named what it does not have; or different. Without --check, exit code 0 whatever the
    /// comparison finds.
    Traces(TracesArguments),
    /// Plays one scenario of a probe and prints its trace.
    #[command(hide = true)]
    Trace {
        /// The probe's image.
        #[arg(value_name = "FILE.sys")]
        image: PathBuf,
        /// The scenario.
        scenario: String,
        /// The framework.
        #[command(flatten)]
        framework: FrameworkArgument,
    },
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    if let Some(Err(error)) = command.framework().map(FrameworkArgument::choose) {
        eprintln!("{error}");
        return ExitCode::from(BAD_ARGUMENTS);
    }
    match command {
        Command::Run(arguments) => supervisor::supervised(|| script::run(&arguments)),
        Command::Demo(arguments) => supervisor::supervised(|| demo::run(&arguments)),
        Command::Faults(arguments) => match arguments.nth {
            Some(nth) => supervisor::supervised(|| faults::one(&arguments, nth)),
            None => ExitCode::from(faults::run(&arguments)),
        },
        Command::Coverage(task) => ExitCode::from(coverage::report::run(&task)),
        Command::Soak(arguments) if arguments.judged => supervisor::supervised(|| soak::one(&arguments)),
        Command::Soak(arguments) => ExitCode::from(soak::run(&arguments)),
        Command::Inspect { image, json, .. } => inspect(&image, json),
        Command::Exercise { image, json, structures, values, repeat, driver_mistake, fail, .. } => {
            supervisor::supervised(|| {
                if fail != 0 {
                    injection::arm(fail);
                }
                if let Some(mistake) = driver_mistake {
                    mistake::have_made(mistake);
                }
                if structures {
                    exercise::print_structures();
                }
                exercise::run(&image, repeat, &values, |step| match json {
                    true => println!("{}", step.to_json()),
                    false => println!("{step}"),
                })
            })
        }
        Command::Traces(arguments) => check_traces(&arguments),
        Command::Trace { image, scenario, .. } => supervisor::supervised(|| traces::play(&image, &scenario)),
    }
}

impl Command {
    /// The framework's argument, of the commands that load drivers.
    fn framework(&self) -> Option<&FrameworkArgument> {
        match self {
            Self::Run(RunArguments { framework, .. })
            | Self::Demo(DemoArguments { framework, .. })
            | Self::Faults(FaultsArguments { framework, .. })
            | Self::Exercise { framework, .. }
            | Self::Traces(TracesArguments { framework, .. })
            | Self::Trace { framework, .. } => Some(framework),
            Self::Inspect { .. } | Self::Coverage(_) | Self::Soak(_) => None,
        }
    }
}

fn check_traces(arguments: &TracesArguments) -> ExitCode {
    let selection = traces::check::Selection {
        folder: arguments.folder.clone(),
        probes: arguments.probes.clone(),
        only: arguments.only.clone(),
        record: arguments.record.clone(),
    };
    let checked = match traces::check(&selection) {
        Ok(checked) => checked,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(BAD_ARGUMENTS);
        }
    };
    let mut output = std::io::stdout().lock();
    let mut written = checked.iter().try_for_each(|one| match arguments.json {
        true => writeln!(output, "{}", one.to_json()),
        false => writeln!(output, "{one}"),
    });
    if !arguments.json {
        written = written.and_then(|()| write!(output, "{}", traces::summary::Summary::of(&checked)));
    }
    if arguments.check {
        match traces::check::unexpected(&arguments.folder, &checked) {
            Ok(unexpected) if unexpected.is_empty() => {}
            Ok(unexpected) => {
                eprintln!("not as recorded: {}", unexpected.join(", "));
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(BAD_ARGUMENTS);
            }
        }
    }
    // A reader who has seen enough closes the pipe.
    if written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn inspect(image: &Path, json: bool) -> ExitCode {
    let frames = match frames::of_image(image) {
        Ok(frames) => frames,
        Err(error) => {
            eprintln!("{} {error}", image.display());
            return ExitCode::from(BAD_ARGUMENTS);
        }
    };
    let mut output = std::io::stdout().lock();
    let written = match json {
        true => writeln!(output, "{}", frames::to_json(image, &frames)),
        false => {
            frames.iter().try_for_each(|frame| writeln!(output, "{:>7}  {}", frame.bytes, frame.function))
        }
    };
    // A reader who has seen enough closes the pipe.
    if written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
