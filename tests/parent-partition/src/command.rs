//! The arguments of the command, shared by the program and by whoever carries a task out.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};

use crate::machine::processor;
use crate::partition::{Setup, Vfs};
use crate::soak::Mistake;
use crate::wdfldr::choice::{self, FRAMEWORK_VARIABLE};
use crate::wdfldr::mistake::Mistake as DriverMistake;

/// Which driver image a task runs.
#[derive(Args, Clone, Debug)]
pub struct ImageArgument {
    /// The driver image to run; its PDB lies beside it.
    #[arg(long = "image", value_name = "FILE.sys", env = IMAGE_VARIABLE)]
    image: Option<PathBuf>,
}

impl ImageArgument {
    /// The image file.
    ///
    /// # Errors
    ///
    /// None is named or it does not exist; the text says what to do.
    pub fn path(&self) -> Result<PathBuf, String> {
        match &self.image {
            None => Err(format!("no driver image: run `{BUILD}` and pass its path as --image FILE.sys")),
            Some(path) if path.is_file() => Ok(path.clone()),
            Some(path) => Err(format!("{} does not exist: run `{BUILD}`", path.display())),
        }
    }
}

/// Which framework drivers are bound to.
#[derive(Args, Clone, Debug)]
pub struct FrameworkArgument {
    /// A framework image (KMDF 1.33) to run in place of the simulated framework.
    // Words, not a path: the variable may be empty.
    #[arg(long = "framework", value_name = "FILE.sys", env = FRAMEWORK_VARIABLE)]
    framework: Option<OsString>,
}

impl FrameworkArgument {
    /// Has drivers bound to the framework that is named, if one is.
    ///
    /// # Errors
    ///
    /// The file cannot take the framework's place; the text says why.
    pub fn choose(&self) -> Result<(), String> {
        match &self.framework {
            Some(file) if !file.is_empty() => choice::choose(Path::new(file)),
            _ => Ok(()),
        }
    }
}

/// What `run` is asked for.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// The script, one JSON object a line; `-` reads standard input.
    #[arg(value_name = "SCRIPT.jsonl")]
    pub script: PathBuf,
    /// The driver image.
    #[command(flatten)]
    pub image: ImageArgument,
    /// The framework.
    #[command(flatten)]
    pub framework: FrameworkArgument,
    /// A plug-in driver to load beside it, and to unload before it; several in the order given.
    #[arg(long = "plugin", value_name = "FILE.sys")]
    pub plugins: Vec<PathBuf>,
    /// How many VFs the device has (NumVFs of its hardware key).
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub vfs: u16,
    /// How many VFs its SR-IOV capability has (TotalVFs), 0 for none; as many as --vfs unless given.
    #[arg(long, value_name = "N")]
    pub total_vfs: Option<u16>,
    /// The hardware key has no NumVFs.
    #[arg(long)]
    pub no_num_vfs: bool,
    /// A further DWORD of the device's hardware key; may be given several times.
    #[arg(long = "value", value_name = "NAME=NUMBER", value_parser = named_number)]
    pub values: Vec<(String, u32)>,
    /// The device's interrupt is a line, not a message.
    #[arg(long)]
    pub line_interrupt: bool,
    /// The function driver of the device; the driver under test lies above it.
    #[arg(long, value_name = "FILE.sys")]
    pub below: Option<PathBuf>,
    /// Has the driver make a mistake, which must be noticed.
    #[arg(long, value_name = "MISTAKE")]
    pub driver_mistake: Option<DriverMistake>,
    /// How many processors the machine has: so many threads are at DISPATCH_LEVEL or above at once.
    #[arg(long, value_name = "N", default_value_t = processor::USUAL, value_parser = processors())]
    pub processors: u32,
    /// Leaves the interrupt request level as it is where the driver raises it; a driver that does not raise it behaves so.
    #[arg(long)]
    pub forget_to_raise: bool,
}

impl RunArguments {
    /// The device's VFs.
    pub fn vfs(&self) -> Vfs {
        Vfs {
            total: self.total_vfs.unwrap_or(self.vfs),
            number: (!self.no_num_vfs).then_some(self.vfs.into()),
        }
    }

    /// What else is unlike an ordinary machine.
    pub fn setup(&self) -> Setup {
        Setup { values: self.values.clone(), line_interrupt: self.line_interrupt, below: self.below.clone() }
    }
}

fn processors() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=processor::MOST.into())
}

/// Reads `NAME=NUMBER`.
///
/// # Errors
/// The text has another form; what is said names it.
pub fn named_number(text: &str) -> Result<(String, u32), String> {
    let (name, number) = text.split_once('=').ok_or("expected NAME=NUMBER")?;
    let number = number.parse().map_err(|error| format!("{number:?} is no DWORD: {error}"))?;
    Ok((name.to_owned(), number))
}

/// What `faults` is asked for.
#[derive(Args, Clone, Debug)]
pub struct FaultsArguments {
    /// The driver image.
    #[command(flatten)]
    pub image: ImageArgument,
    /// The framework.
    #[command(flatten)]
    pub framework: FrameworkArgument,
    /// One JSON object instead of lines for people.
    #[arg(long)]
    pub json: bool,
    /// Fails this call alone, in this process; 0 fails none.
    #[arg(long, hide = true)]
    pub nth: Option<u32>,
    /// Lets each of PnP's calls begin so many milliseconds late, as on a machine that is busy with something else.
    #[arg(long, hide = true, value_name = "N", default_value_t = 0)]
    pub late: u64,
}

/// What `soak` is asked for.
#[derive(Args, Clone, Debug)]
pub struct SoakArguments {
    /// The driver image.
    #[command(flatten)]
    pub image: ImageArgument,
    /// The plug-in driver whose handlers keep a journal and replace each other; `cargo xtask soak` builds and names it.
    #[arg(long, value_name = "FILE.sys", env = RECORDER_VARIABLE)]
    pub recorder: Option<PathBuf>,
    /// How long; without it the soak ends as soon as it proves something.
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
    /// How many VFs have a guest.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub guests: u16,
    /// How many processors the machine has.
    #[arg(long, value_name = "N", default_value_t = processor::USUAL, value_parser = processors())]
    pub processors: u32,
    /// More resets in flight, cancelled requests and replacements than so many must happen; 100 unless given, and 0 for a soak
    /// of less than a minute.
    #[arg(long, value_name = "N")]
    pub least: Option<u64>,
    /// What the actors' choices are made from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// One JSON object instead of lines for people.
    #[arg(long)]
    pub json: bool,
    /// Has the plug-in make a mistake, which must be noticed.
    #[arg(long, value_name = "MISTAKE")]
    pub mistake: Option<Mistake>,
    /// Soaks in this process.
    #[arg(long, hide = true)]
    pub judged: bool,
}

impl SoakArguments {
    /// How many of each kind of event that matters are too few.
    pub fn least(&self) -> u64 {
        let is_short = self.seconds.is_some_and(|seconds| seconds < MINUTE);
        self.least.unwrap_or(if is_short { 0 } else { TOO_FEW })
    }

    /// The plug-in's file.
    ///
    /// # Errors
    ///
    /// None is named or it does not exist; the text says what to do.
    pub fn recorder(&self) -> Result<PathBuf, String> {
        match &self.recorder {
            None => Err(format!(
                "no plug-in that keeps a journal: run `{SOAK}`, or pass it as --recorder FILE.sys"
            )),
            Some(path) if path.is_file() => Ok(path.clone()),
            Some(path) => Err(format!("{} does not exist: run `{SOAK}`", path.display())),
        }
    }
}

/// What `demo` is asked for.
#[derive(Args, Clone, Debug)]
pub struct DemoArguments {
    /// The driver image.
    #[command(flatten)]
    pub image: ImageArgument,
    /// The framework.
    #[command(flatten)]
    pub framework: FrameworkArgument,
    /// One JSON object instead of lines for people.
    #[arg(long)]
    pub json: bool,
    /// What the guests' statistics are made from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Lose one piece of one statistics set on its way.
    #[arg(long)]
    pub drop_piece: bool,
    /// How many lives of the driver in a row, each with its traffic; what one leaves behind ends the run.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
}

/// What `coverage` is asked for.
#[derive(Subcommand, Clone, Debug)]
pub enum CoverageTask {
    /// Begins a measurement; runs take part that have PF_COVERAGE=FOLDER in their environment.
    Begin {
        /// Where the runs leave what they reached.
        folder: PathBuf,
        /// The image that is measured.
        #[command(flatten)]
        image: ImageArgument,
    },
    /// Says what the runs have reached.
    ///
    /// Exit code 1 when more than 5 % of the lines are unreached, one of them has no reason in the table, or the table has
    /// a reason for a line that is reached or gone.
    Report {
        /// The folder of the measurement.
        folder: PathBuf,
        /// The table: file, text of the line, reason, divided by tabs.
        #[arg(long, value_name = "FILE.tsv", default_value = "driver/unreached.tsv")]
        reasons: PathBuf,
        /// The project's root, where the source files are.
        #[arg(long, value_name = "FOLDER", default_value = ".")]
        root: PathBuf,
        /// One JSON object instead of lines for people.
        #[arg(long)]
        json: bool,
    },
}

/// What `traces` is asked for.
#[derive(Args, Clone, Debug)]
pub struct TracesArguments {
    /// The folder with index and recorded files.
    #[arg(long, value_name = "FOLDER", default_value = "tests/traces")]
    pub folder: PathBuf,
    /// The folder with the probes' images, which `cargo xtask traces` builds.
    #[arg(long, value_name = "FOLDER", default_value = "target/debug/c-drivers/tests/traces/probes")]
    pub probes: PathBuf,
    /// Only scenarios whose name begins so.
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// The framework to play them on.
    #[command(flatten)]
    pub framework: FrameworkArgument,
    /// Keep what is played in this folder, which --folder then takes, and compare it all the same.
    #[arg(long, value_name = "FOLDER")]
    pub record: Option<PathBuf>,
    /// End with exit code 1 when a scenario differs that the table of differences does not have, or one of the tier core
    /// is refused.
    #[arg(long)]
    pub check: bool,
    /// One JSON object a scenario instead of a table for people.
    #[arg(long)]
    pub json: bool,
}

/// Names the image when the arguments do not.
pub const IMAGE_VARIABLE: &str = "PF_BACKCHANNEL_IMAGE";
/// Names the soak's plug-in when the arguments do not.
const RECORDER_VARIABLE: &str = "PF_BACKCHANNEL_RECORDER_IMAGE";
/// Exit code for bad arguments.
pub const BAD_ARGUMENTS: u8 = 2;
const BUILD: &str = "cargo xtask image";
const SOAK: &str = "cargo xtask soak";
/// A soak of so many seconds is to prove something.
const MINUTE: u64 = 60;
/// So many events of a kind prove nothing.
const TOO_FEW: u64 = 100;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::ImageArgument;

    #[test]
    fn a_missing_image_says_how_to_build_one() {
        for image in [None, Some(PathBuf::from("/nonexistent.sys"))] {
            let error = ImageArgument { image }.path().expect_err("no image");
            assert!(error.contains("cargo xtask image"), "{error}");
        }
    }
}
