//! The command `parent-partition`: runs a driver image against a simulated parent partition.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use parent_partition::command::BAD_ARGUMENTS;
use parent_partition::frames;

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
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Inspect { image, json, .. } => inspect(&image, json),
    }
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
