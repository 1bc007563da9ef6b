//! The parent process of a judged run: starts it, listens, and says who broke the rule.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode};

use std::time::Duration;

use serde_json::{Value, json};

use crate::judge::Rule;
use crate::machine::thread;
use crate::record::{self, EXIT_DEFECT, EXIT_RULE_BROKEN, Kind, Record};
use crate::symbols::Symbols;
use crate::wdfldr::choice;

/// How a judged process ended.
#[derive(Debug)]
pub enum Verdict {
    /// By itself, with this exit code.
    Ended(i32),
    /// A rule was broken, or the simulator is wrong.
    Broken(Box<Report>),
}

/// Who broke which rule, for people and programs.
#[derive(Debug)]
pub struct Report {
    record: Record,
    frames: Vec<String>,
    /// File and function.
    caller: Option<(String, String)>,
}

/// Runs `body` in a judged process of its own and returns what the command exits with.
///
/// For a program's `main`: the program starts itself again with the same arguments, standard input, output and
/// error shared, and gets here a second time; there, the main thread becomes a kernel thread and runs `body`,
/// whose value is the exit code. The first process waits, and reports a broken rule as a line of JSON on
/// standard output.
pub fn supervised(body: impl FnOnce() -> u8) -> ExitCode {
    if is_judged() {
        thread::adopt();
        return ExitCode::from(body());
    }
    let verdict = std::env::current_exe().and_then(|program| {
        let mut command = Command::new(program);
        command.args(std::env::args_os().skip(1));
        judge(command)
    });
    match verdict {
        Ok(verdict) => {
            if let Some(report) = verdict.report() {
                println!("{}", report.to_json());
            }
            ExitCode::from(u8::try_from(verdict.exit_code()).unwrap_or(u8::MAX))
        }
        Err(error) => {
            eprintln!("cannot start the judged process: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `command` as a judged process and waits for its end.
///
/// # Errors
///
/// The host cannot start the process.
pub fn judge(command: Command) -> io::Result<Verdict> {
    judge_within(command, None)
}

pub(crate) fn judge_within(mut command: Command, limit: Option<Duration>) -> io::Result<Verdict> {
    let (mut reader, writer) = io::pipe()?;
    let fd = writer.as_raw_fd();
    command.env(CHANNEL, fd.to_string());
    let prepare = move || {
        // SAFETY: `fcntl` is async-signal-safe, and the descriptor is the writer's, open until after `spawn`.
        let kept = unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
        // SAFETY: `prctl` is async-signal-safe. A judged process does not outlive who listens to it.
        let bound = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        if kept == -1 || bound == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure runs between fork and exec and calls only `fcntl` and `prctl`.
    unsafe { command.pre_exec(prepare) };
    let mut child = command.spawn()?;
    drop(writer);
    if !is_readable(&reader, limit)? {
        child.kill()?;
        child.wait()?;
        let mut record = Record::new(Kind::Defect);
        record.describe(format_args!("no end within {limit:?}"));
        return Ok(Verdict::Broken(Box::new(Report::new(record))));
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let status = child.wait()?;
    Ok(match (Record::from_bytes(&bytes), status.code()) {
        (Some(record), _) => Verdict::Broken(Box::new(Report::new(record))),
        (None, Some(code)) => Verdict::Ended(code),
        (None, None) => {
            let mut record = Record::new(Kind::Defect);
            let signal = status.signal().unwrap_or(0);
            record.describe(format_args!("ended by signal {signal} without a word"));
            Verdict::Broken(Box::new(Report::new(record)))
        }
    })
}

/// Waits until the process has spoken or ended; false when `limit` passed before.
fn is_readable(reader: &io::PipeReader, limit: Option<Duration>) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = limit.map_or(-1, |limit| i32::try_from(limit.as_millis()).unwrap_or(i32::MAX));
    loop {
        // SAFETY: the structure is valid and one is what is said.
        let ready = unsafe { libc::poll(&mut poll, 1, milliseconds) };
        let error = io::Error::last_os_error();
        match ready {
            -1 if error.kind() == io::ErrorKind::Interrupted => {}
            -1 => return Err(error),
            ready => return Ok(ready > 0),
        }
    }
}

/// Whether this is a judged process; the first call connects it to its supervisor.
pub fn is_judged() -> bool {
    let Some(fd) = std::env::var(CHANNEL).ok().and_then(|fd| fd.parse().ok()) else { return false };
    record::listen_on(fd);
    true
}

impl Verdict {
    /// What the whole command exits with: the judged process' own code, 3 for a broken rule, 4 for a defect.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Ended(code) => *code,
            Self::Broken(report) if report.record.kind() == Kind::Defect => EXIT_DEFECT,
            Self::Broken(_) => EXIT_RULE_BROKEN,
        }
    }

    /// Checks that the process ended by itself with exit code 0.
    ///
    /// # Panics
    ///
    /// When it did not; the message is the report.
    #[track_caller]
    pub fn expect_clean(&self) {
        match self {
            Self::Ended(code) => assert_eq!(*code, 0, "exit code"),
            Self::Broken(report) => panic!("{}", report.to_json()),
        }
    }

    /// Checks that `rule` was broken, and yields the report.
    ///
    /// # Panics
    ///
    /// When another rule or none was broken.
    #[track_caller]
    pub fn expect_broken(&self, rule: Rule) -> &Report {
        let report = self.report().unwrap_or_else(|| panic!("{} was not broken", rule.name()));
        assert_eq!(report.rule(), Some(rule.name()), "{}", report.to_json());
        report
    }

    /// The report, if it did not end by itself.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Ended(_) => None,
            Self::Broken(report) => Some(report),
        }
    }
}

impl Report {
    fn new(record: Record) -> Self {
        let symbols = symbols_of(record.image());
        let frames = record.frames().map(|frame| function_at(&symbols, frame)).collect();
        let caller = record
            .caller()
            .map(|(image, offset)| (file_name(image).to_owned(), function_at(&symbols_of(image), offset)));
        Self { record, frames, caller }
    }

    /// Name of the broken rule; `None` for a defect of the simulator.
    pub fn rule(&self) -> Option<&'static str> {
        self.record.rule().map(Rule::name)
    }

    /// The routine that was being called, empty when none was.
    pub fn call(&self) -> &str {
        self.record.call()
    }

    /// The function to blame, as its PDB names it, or an offset when it does not.
    ///
    /// That is the innermost one that is not of Rust's own libraries.
    pub fn at(&self) -> Option<&str> {
        let own = |frame: &&String| !LIBRARIES.iter().any(|library| frame.starts_with(library));
        self.frames.iter().find(own).or(self.frames.first()).map(String::as_str)
    }

    /// The function that did it and its callers, innermost first.
    pub fn frames(&self) -> &[String] {
        &self.frames
    }

    /// The other image whose code called into the blamed one, such as a driver's that called a framework image, and its
    /// function.
    pub fn caller(&self) -> Option<(&str, &str)> {
        self.caller.as_ref().map(|(image, function)| (image.as_str(), function.as_str()))
    }

    /// What happened, for a person.
    pub fn detail(&self) -> &str {
        self.record.detail()
    }

    /// The report as one line of JSON.
    pub fn to_json(&self) -> Value {
        let image = Some(self.record.image()).filter(|image| !image.is_empty());
        let place = match self.record.kind() {
            Kind::Defect => "simulator",
            _ if choice::framework().is_some_and(|file| file == Path::new(self.record.image())) => {
                "framework"
            }
            Kind::Violation | Kind::Fault if self.record.is_plugin() => "plugin",
            Kind::Violation | Kind::Fault => "image",
        };
        json!({
            "rule": self.rule(),
            "call": self.call(),
            "at": self.at(),
            "in": place,
            "image": image.map(file_name),
            "detail": self.detail(),
            "frames": self.frames,
            "caller": self.caller().map(|(image, at)| json!({ "image": image, "at": at })),
        })
    }
}

fn symbols_of(image: &str) -> Symbols {
    Symbols::beside(Path::new(image)).unwrap_or_default()
}

fn function_at(symbols: &Symbols, offset: u64) -> String {
    let name = u32::try_from(offset).ok().and_then(|offset| symbols.function(offset));
    name.map_or_else(|| format!("+{offset:#x}"), str::to_owned)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

const CHANNEL: &str = "PARENT_PARTITION_RECORD";
const LIBRARIES: [&str; 3] = ["core::", "alloc::", "compiler_builtins::"];
