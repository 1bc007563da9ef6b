//! Every kernel or framework call that can fail is made to fail, one a run, through the life of a PF.
//!
//! A dry run counts the calls; then, for each n, a process of its own fails the n-th. Whatever the PF makes of it, no rule
//! may be broken, nothing may be left behind, and the driver must load and serve again.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::command::{BAD_ARGUMENTS, FaultsArguments};
use crate::judge::Rule;
use crate::machine::injection;
use crate::partition::{Partition, Vfs};
use crate::plugins::Plugins;
use crate::script::stage::Play;
use crate::script::{interpreter, pended};
use crate::supervisor::{Verdict, judge_within};
use crate::vpci::link::Client;
use crate::wdfldr::choice;

/// What all runs came to.
#[derive(Debug, Default)]
struct Report {
    /// Calls that a dry run counts.
    calls: u32,
    /// Runs in which a call was failed.
    injected: u32,
    rules_broken: u32,
    leaks: u32,
    /// Runs in which the driver did not load and serve again.
    not_again: u32,
}

/// Carries out the task; returns the exit code.
pub fn run(arguments: &FaultsArguments) -> u8 {
    let image = match arguments.image.path() {
        Ok(image) => image,
        Err(error) => {
            eprintln!("{error}");
            return BAD_ARGUMENTS;
        }
    };
    match all(&image, arguments.json) {
        Ok(report) => {
            let Report { calls, injected, rules_broken, leaks, not_again } = report;
            if arguments.json {
                println!(
                    "{}",
                    json!({"calls": calls, "injected": injected, "rules_broken": rules_broken, "leaks": leaks, "not_again": not_again})
                );
            } else {
                println!("{injected} of {calls} calls failed, one a run");
                println!(
                    "{rules_broken} rules broken, {leaks} of them leaks; {not_again} runs did not load again"
                );
            }
            u8::from(rules_broken != 0 || not_again != 0 || injected != calls)
        }
        Err(error) => {
            eprintln!("cannot start a judged process: {error}");
            1
        }
    }
}

/// What a judged process does: plays the life with the `nth` failable call failing, and says what that was.
pub fn one(arguments: &FaultsArguments, nth: u32) -> u8 {
    let Ok(image) = arguments.image.path() else { return BAD_ARGUMENTS };
    injection::arm(nth);
    pended::begin_late(arguments.late);
    let mut partition = Partition::boot(image, Vfs::all(VFS), Client::Windows);
    // A driver that does not load or start for want of something is as right as one that does.
    let _status = partition.load();
    let mut play = Play::new(partition, Plugins::default());
    let played = interpreter::play(LIFE.as_bytes(), io::sink(), &mut play);
    injection::disarm();
    let calls = injection::calls();
    let mut answers = Vec::new();
    let again = played.and_then(|()| interpreter::play(AGAIN.as_bytes(), &mut answers, &mut play));
    drop(play);
    println!("{calls} {}", injection::failed().unwrap_or("-"));
    let answers = String::from_utf8_lossy(&answers);
    // The first line's answer depends on what was left loaded.
    let serves =
        again.is_ok() && answers.lines().skip(1).all(|answer| answer.contains(r#""status":"0x00000000""#));
    if serves { 0 } else { NOT_AGAIN }
}

fn all(image: &PathBuf, quiet: bool) -> io::Result<Report> {
    let (verdict, calls, _) = spawn(image, 0)?;
    let mut report = Report { calls, ..Report::default() };
    note(&mut report, 0, "nothing", &verdict);
    let runs: Vec<u32> = (1..=calls).collect();
    for some in runs.chunks(AT_ONCE) {
        for (nth, (verdict, _, failed)) in some.iter().zip(spawn_each(image, some)?) {
            report.injected += u32::from(failed != "-");
            note(&mut report, *nth, &failed, &verdict);
            if !quiet {
                println!("{nth:>5}  {failed}");
            }
        }
    }
    Ok(report)
}

/// Runs several lives at once: each waits most of its time.
fn spawn_each(image: &PathBuf, runs: &[u32]) -> io::Result<Vec<(Verdict, u32, String)>> {
    std::thread::scope(|scope| {
        let begun: Vec<_> = runs.iter().map(|nth| scope.spawn(move || spawn(image, *nth))).collect();
        begun.into_iter().map(|life| life.join().expect("a life is waited for")).collect()
    })
}

fn note(report: &mut Report, nth: u32, failed: &str, verdict: &Verdict) {
    match verdict {
        Verdict::Ended(0) => {}
        Verdict::Ended(code) => {
            report.not_again += 1;
            eprintln!("call {nth} ({failed}): ended with {code}");
        }
        Verdict::Broken(broken) => {
            report.rules_broken += 1;
            report.injected += u32::from(nth != 0 && failed == "-");
            report.leaks += u32::from(broken.rule() == Some(Rule::Leak.name()));
            eprintln!("call {nth}: {}", broken.to_json());
        }
    }
}

/// Runs one life in a process of its own: how it ended, the calls it counted, and the routine that was failed.
fn spawn(image: &PathBuf, nth: u32) -> io::Result<(Verdict, u32, String)> {
    let (mut reader, writer) = io::pipe()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("faults").arg("--nth").arg(nth.to_string()).arg("--image").arg(image).stdout(writer);
    choice::pass_on(&mut command);
    let verdict = judge_within(command, Some(LIMIT))?;
    let mut said = String::new();
    reader.read_to_string(&mut said)?;
    let mut words = said.split_whitespace();
    let calls = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    Ok((verdict, calls, words.next().unwrap_or("-").to_owned()))
}

/// A PF's life, with every kind of call in it.
///
/// Each line waits for what the lines before it have begun: which call is the n-th is then the same however busy the machine is.
const LIFE: &str = r#"
{"do":"attach"}
{"do":"notification","id":"n"}
{"do":"ioctl","code":"0x226054","output":16,"id":"i"}
{"do":"ioctl","code":"0x226064","output":8}
{"do":"write","vf":0,"block":0,"data":"01"}
{"do":"read","vf":1,"block":0,"length":128}
{"do":"query_interface","guid":"sriov","size":144,"version":2}
{"do":"vf_config_read","vf":0,"offset":0,"length":64}
{"do":"vf_config_write","vf":0,"offset":4,"data":"04"}
{"do":"probed_bars"}
{"do":"vendor_device","vf":1}
{"do":"location","vf":1}
{"do":"bar","vf":1,"bar":0}
{"do":"luid"}
{"do":"luid","vf":1}
{"do":"power","vf":0,"state":"D3"}
{"do":"power","vf":0,"state":"D0"}
{"do":"reset","vf":0}
{"do":"operator","request":"query_pf"}
{"do":"operator","request":"query_vf","vf":1}
{"do":"invalidate","vf":"all","mask":3}
{"do":"query_stop","id":"query"}
{"do":"await","of":"n"}
{"do":"event_complete"}
{"do":"detach"}
{"do":"await","of":"query"}
{"do":"stop","id":"stop"}
{"do":"await","of":"stop"}
{"do":"start","id":"start"}
{"do":"await","of":"start"}
{"do":"sleep","id":"sleep"}
{"do":"await","of":"sleep"}
{"do":"resume","id":"resume"}
{"do":"await","of":"resume"}
{"do":"read","vf":1,"block":0,"length":128}
{"do":"unload"}
"#;
/// Afterwards, with nothing failing.
const AGAIN: &str = r#"
{"do":"unload"}
{"do":"load"}
{"do":"attach"}
{"do":"read","vf":1,"block":0,"length":128}
{"do":"vf_config_read","vf":0,"offset":0,"length":4}
{"do":"unload"}
"#;
const VFS: u16 = 2;
const AT_ONCE: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);
const NOT_AGAIN: u8 = 5;
