//! The parent process of a judged run: starts it, listens, and says who broke the rule.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::record::{self, EXIT_DEFECT, EXIT_RULE_BROKEN, Kind, Record};
use crate::symbols::Symbols;

/// How a judged process ended.
#[derive(Debug)]
pub enum Verdict {
    /// By itself, with this exit code.
    Ended(i32),
    /// A rule was broken, or the simulator is wrong.
    Broken(Report),
}

/// Who broke which rule, for people and programs.
#[derive(Debug)]
pub struct Report {
    record: Record,
    at: Option<String>,
}

/// Runs this program again as the judged process, with the same arguments, and waits for its end.
///
/// Standard input, output and error are shared. In the judged process itself, [`is_judged`] is true and this
/// must not be called.
///
/// # Errors
///
/// The host cannot start the process.
pub fn run_again() -> io::Result<Verdict> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1));
    judge(command)
}

/// Runs `command` as a judged process and waits for its end.
///
/// # Errors
///
/// The host cannot start the process.
pub fn judge(mut command: Command) -> io::Result<Verdict> {
    let (mut reader, writer) = io::pipe()?;
    let fd = writer.as_raw_fd();
    command.env(CHANNEL, fd.to_string());
    let keep_open = move || {
        // SAFETY: `fcntl` is async-signal-safe, and the descriptor is the writer's, open until after `spawn`.
        match unsafe { libc::fcntl(fd, libc::F_SETFD, 0) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: the closure runs between fork and exec and only calls `fcntl`.
    unsafe { command.pre_exec(keep_open) };
    let mut child = command.spawn()?;
    drop(writer);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let status = child.wait()?;
    Ok(match (Record::from_bytes(&bytes), status.code()) {
        (Some(record), _) => Verdict::Broken(Report::new(record)),
        (None, Some(code)) => Verdict::Ended(code),
        (None, None) => {
            let mut record = Record::new(Kind::Defect);
            let signal = status.signal().unwrap_or(0);
            record.describe(format_args!("ended by signal {signal} without a word"));
            Verdict::Broken(Report::new(record))
        }
    })
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
        let at = name_place(&record);
        Self { record, at }
    }

    /// Name of the broken rule; `None` for a defect of the simulator.
    pub fn rule(&self) -> Option<&'static str> {
        self.record.rule().map(crate::judge::Rule::name)
    }

    /// The routine that was being called, empty when none was.
    pub fn call(&self) -> &str {
        self.record.call()
    }

    /// The function to blame, as its PDB names it, or an offset when there is none.
    pub fn at(&self) -> Option<&str> {
        self.at.as_deref()
    }

    /// What happened, for a person.
    pub fn detail(&self) -> &str {
        self.record.detail()
    }

    /// The report as one line of JSON.
    pub fn to_json(&self) -> Value {
        let image = Some(self.record.image()).filter(|image| !image.is_empty());
        let place = match (self.record.kind(), image) {
            (Kind::Defect, _) => "simulator",
            (_, Some(image)) if is_plugin(image) => "plugin",
            (..) => "image",
        };
        json!({
            "rule": self.rule(),
            "call": self.call(),
            "at": self.at,
            "in": place,
            "image": image.map(file_name),
            "detail": self.detail(),
        })
    }
}

/// Everything but the driver itself was brought along by somebody else.
fn is_plugin(image: &str) -> bool {
    file_name(image) != DRIVER
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn name_place(record: &Record) -> Option<String> {
    let symbols = Symbols::beside(Path::new(record.image())).unwrap_or_default();
    let frame = record.frames().next()?;
    let named = u32::try_from(frame).ok().and_then(|offset| symbols.function(offset));
    Some(named.map_or_else(|| format!("+{frame:#x}"), str::to_owned))
}

const CHANNEL: &str = "PARENT_PARTITION_RECORD";
const DRIVER: &str = "pf_backchannel.sys";
