//! One soak, in this process: the partition, its actors, and the comparison at the end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::to_string;

use super::invalidations::{self, Posted};
use super::recorder::Recorder;
use super::report::Report;
use super::stage::Stage;
use super::{UNTIL_PROVEN, ledger, rebalance, replacements, resets, traffic};
use crate::command::{BAD_ARGUMENTS, SoakArguments};
use crate::machine::thread::{self, JoinHandle};
use crate::machine::{processor, wait};
use crate::partition::{Guest, Partition, Vfs};
use crate::plugins::Plugins;
use crate::vpci::link::Client;
use crate::vsp::door::Visit;

/// Soaks in this process, and prints a line of JSON each second and at the end; returns the exit code.
pub fn one(arguments: &SoakArguments) -> u8 {
    let (Ok(image), Ok(file)) = (arguments.image.path(), arguments.recorder()) else { return BAD_ARGUMENTS };
    processor::limit(arguments.processors);
    let stage = Arc::new(Stage::new(arguments.guests, arguments.seed));
    let mut partition = Partition::boot(image, Vfs::all(stage.vfs()), Client::Windows);
    if let Err(status) = partition.load() {
        eprintln!("the driver does not start: {status:#010x}");
        return FAILED;
    }
    let recorder = match load(&file) {
        Ok(recorder) => Arc::new(recorder),
        Err(error) => {
            eprintln!("{error}");
            return FAILED;
        }
    };
    if let Some(mistake) = arguments.mistake {
        recorder.make(mistake, MISTAKES);
    }
    let posted = Arc::new(Posted::default());
    let guests: Vec<_> = (0..stage.guests).map(|vf| write_as_guest(&stage, &mut partition, vf)).collect();
    let actors = begin_actors(&stage, &partition, &posted, &recorder);
    let readers = begin_readers(&stage, &partition, &posted, &recorder);
    watch(&stage, arguments);
    stage.end();
    for guest in guests {
        let (vf, guest) = guest.join();
        partition.put_guest(vf, guest);
    }
    actors.into_iter().for_each(JoinHandle::join);
    stage.end_readers();
    readers.into_iter().for_each(JoinHandle::join);
    rebalance::detach(&stage, &visit(&partition));
    drop(recorder);
    drop(partition);
    let ledger = std::mem::take(&mut *stage.ledger());
    print(&Report {
        counts: stage.counts.to_json(),
        disagreements: Some(ledger::compare(&ledger)),
        invalidations: [posted.left(), posted.unasked()],
        ..Report::default()
    });
    0
}

/// Loads the plug-in, which registers its handlers with the PF.
fn load(file: &Path) -> Result<Recorder, String> {
    let name = file.file_stem().and_then(|name| name.to_str()).ok_or("the plug-in's file has no name")?;
    let mut plugins = Plugins::new(&[file.to_owned()])?;
    plugins.load_all()?;
    Ok(Recorder::new(plugins, name.to_owned()))
}

fn write_as_guest(stage: &Arc<Stage>, partition: &mut Partition, vf: u16) -> JoinHandle<(u16, Guest)> {
    let (stage, guest) = (Arc::clone(stage), partition.take_guest(vf));
    spawn("guest", move || {
        traffic::guest(&stage, vf, &guest);
        (vf, guest)
    })
}

/// Starts those that make something happen, besides the guests.
fn begin_actors(
    stage: &Arc<Stage>,
    partition: &Partition,
    posted: &Arc<Posted>,
    recorder: &Arc<Recorder>,
) -> Vec<JoinHandle<()>> {
    let mut actors = Vec::new();
    for actor in 0..PROVIDERS {
        let (stage, pf) = (Arc::clone(stage), visit(partition));
        actors.push(spawn("vsp writer", move || traffic::provider(&stage, 0x1000 + actor, &pf)));
    }
    for actor in 0..RESETTERS {
        let (stage, pf) = (Arc::clone(stage), visit(partition));
        actors.push(spawn("vsp resets", move || resets::reset(&stage, 0x2000 + actor, &pf)));
    }
    let (rebalanced, pf) = (Arc::clone(stage), visit(partition));
    let device = partition.device().expect("it was started");
    actors.push(spawn("rebalances", move || rebalance::rebalance(&rebalanced, &pf, &device)));
    let (replaced, recorder) = (Arc::clone(stage), Arc::clone(recorder));
    actors.push(spawn("replacements", move || replacements::replace(&replaced, &recorder)));
    let (stage, posted) = (Arc::clone(stage), Arc::clone(posted));
    actors.push(spawn("operator", move || invalidations::post(&stage, &posted)));
    actors
}

/// Starts those that take out what the others have put in, and so end after them.
fn begin_readers(
    stage: &Arc<Stage>,
    partition: &Partition,
    posted: &Arc<Posted>,
    recorder: &Arc<Recorder>,
) -> Vec<JoinHandle<()>> {
    let mut readers = Vec::new();
    for actor in 0..FETCHERS {
        let (stage, posted, pf) = (Arc::clone(stage), Arc::clone(posted), visit(partition));
        readers.push(spawn("vsp invalidations", move || {
            invalidations::fetch(&stage, 0x3000 + actor, &pf, &posted);
        }));
    }
    let (stage, recorder) = (Arc::clone(stage), Arc::clone(recorder));
    readers.push(spawn("journal", move || recorder.read_journal(&stage)));
    readers
}

/// Waits until the time is over or, without a time, enough has happened.
fn watch(stage: &Stage, arguments: &SoakArguments) {
    let limit = arguments.seconds.map_or(UNTIL_PROVEN, Duration::from_secs);
    let begun = wait::since_boot();
    let mut shown = Duration::ZERO;
    loop {
        wait::sleep(LOOK);
        let report = Report { counts: stage.counts.to_json(), ..Report::default() };
        let passed = wait::since_boot() - begun;
        let is_proven = arguments.seconds.is_none() && report.scarce(arguments.least()).is_empty();
        if is_proven || passed >= limit {
            return;
        }
        if passed - shown >= BETWEEN_REPORTS {
            shown = passed;
            print(&report);
        }
    }
}

fn visit(partition: &Partition) -> Visit {
    partition.vsp().pf().expect("the PF was started")
}

fn spawn<T: Send + 'static>(name: &str, body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn(name, body).expect("a host thread")
}

fn print(report: &Report) {
    println!("{}", to_string(report).expect("a report is JSON"));
}

/// Threads of the VSP that write beside the guests, that reset, and that keep a request parked. A reset takes a tenth of a
/// second, which the hardware is given.
const PROVIDERS: u64 = 4;
const RESETTERS: u64 = 16;
const FETCHERS: u64 = 2;
/// How many writes a mistake is made with.
const MISTAKES: u8 = 50;
const LOOK: Duration = Duration::from_millis(100);
const BETWEEN_REPORTS: Duration = Duration::from_secs(2);
const FAILED: u8 = 1;
