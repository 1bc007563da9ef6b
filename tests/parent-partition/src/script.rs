//! The scripted run: one JSON object a line in, one JSON object a line out.
//!
//! A script plays guests and the VSP against the loaded image. Whoever writes scripts is trusted to judge
//! the image, not to write JSON: a line that is no operation is answered as such, and the run goes on.
//!
//! * [`operation`]: what a line asks for.
//! * [`answer`]: what is said back.
//! * [`interpreter`]: line by line, flushed, so that a program can converse.
//! * [`stage`]: what the operations are on the partition.
//! * [`pended`]: operations that end later than they are answered.

pub mod answer;
mod handles;
pub mod interpreter;
mod members;
pub mod operation;
pub(crate) mod operator;
pub mod pended;
mod plugins;
pub(crate) mod requests;
pub mod stage;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use crate::command::{BAD_ARGUMENTS, RunArguments};
use crate::machine::processor;
use crate::nt::irql;
use crate::partition::Partition;
use crate::plugins::Plugins;
use crate::script::stage::Play;
use crate::vpci::link::Client;
use crate::wdfldr::{choice, mistake};

/// Plays a script in this process: loads the driver, answers line by line, and unloads it at the end; returns
/// the exit code.
pub fn run(arguments: &RunArguments) -> u8 {
    let (image, script) = match (arguments.image.path(), open(&arguments.script)) {
        (Ok(image), Ok(script)) => (image, script),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("{error}");
            return BAD_ARGUMENTS;
        }
    };
    let mut plugins = match Plugins::new(&arguments.plugins) {
        Ok(plugins) => plugins,
        Err(error) => {
            eprintln!("{error}");
            return BAD_ARGUMENTS;
        }
    };
    if let Some(mistake) = arguments.driver_mistake {
        mistake::have_made(mistake);
    }
    processor::limit(arguments.processors);
    if arguments.forget_to_raise {
        irql::forget_to_raise();
    }
    let mut partition = Partition::boot(image, arguments.vfs(), Client::Windows);
    partition.set_up(arguments.setup());
    if let Err(status) = partition.load() {
        eprintln!("the driver does not start: {status:#010x}");
        return FAILED;
    }
    // Standard output holds answers only, one a line of the script.
    eprintln!("{}", serde_json::json!({ "framework": choice::name() }));
    if let Err(error) = plugins.load_all() {
        eprintln!("{error}");
        return FAILED;
    }
    match interpreter::play(script, io::stdout().lock(), &mut Play::new(partition, plugins)) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{}: {error}", arguments.script.display());
            FAILED
        }
    }
}

fn open(script: &Path) -> Result<Box<dyn io::BufRead>, String> {
    if script == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(script).map_err(|error| format!("{}: {error}", script.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

const FAILED: u8 = 1;
