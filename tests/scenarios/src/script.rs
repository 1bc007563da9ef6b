//! Scripts of the command's `run`, and their answers.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::command::{self, CLEAN};

/// Plays a script on the image as shipped, with four VFs, and returns its answers.
///
/// # Panics
///
/// When the run does not end clean, or a line is not answered.
#[track_caller]
pub fn answers(lines: &[Value]) -> Vec<Value> {
    answers_with(&[], lines)
}

/// Plays a script as [`answers`] does, with further arguments of `run`.
///
/// # Panics
///
/// As [`answers`].
#[track_caller]
pub fn answers_with(arguments: &[&str], lines: &[Value]) -> Vec<Value> {
    let mut script = String::new();
    for line in lines {
        writeln!(script, "{line}").expect("a string takes everything");
    }
    let run = command::run_with_input([&["run", "-"], arguments].concat(), &script);
    run.expect_code(CLEAN);
    let answers = run.lines();
    assert_eq!(answers.len(), lines.len(), "one answer a line\n{run}");
    answers
}

/// An operation without fields.
#[must_use]
pub fn go(operation: &str) -> Value {
    json!({ "do": operation })
}

/// An operation without fields that may pend, under a name.
#[must_use]
pub fn begin(operation: &str, id: &str) -> Value {
    json!({ "do": operation, "id": id })
}

/// Waits for the operation of that name.
#[must_use]
pub fn awaited(id: &str) -> Value {
    json!({ "do": "await", "of": id })
}

/// A run that is asked line by line.
#[derive(Debug)]
pub struct Conversation {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Conversation {
    /// Begins a run on the image as shipped, with further arguments of `run`.
    ///
    /// # Panics
    ///
    /// When the command does not start.
    pub fn begin(arguments: &[&str]) -> Self {
        let mut child = command::limited([&["run", "-"], arguments].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("coreutils' `timeout` starts");
        let answers = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        Self { child, answers }
    }

    /// Says a line and returns its answer.
    ///
    /// # Panics
    ///
    /// When the run has ended.
    #[track_caller]
    pub fn ask(&mut self, line: &Value) -> Value {
        writeln!(self.child.stdin.as_mut().expect("a pipe"), "{line}").expect("the run reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the run answers");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error} in {answer:?}"))
    }

    /// Ends the run.
    ///
    /// # Panics
    ///
    /// When it does not end clean.
    #[track_caller]
    pub fn end(mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("the run can be waited for");
        assert_eq!(status.code(), Some(CLEAN), "exit code");
    }
}

/// Has the VSP write `data` for a VF, with its own length.
pub fn vsp_write(vf: u16, block: u32, data: &[u8]) -> Value {
    vsp_write_of(vf, block, data.len() as u64, data)
}

/// Has the VSP write `data` for a VF, with another length.
pub fn vsp_write_of(vf: u16, block: u32, length: u64, data: &[u8]) -> Value {
    json!({"do": "vsp_write", "vf": vf, "block": block, "length": length, "data": hex(data)})
}

/// Has the VSP read for a VF.
pub fn vsp_read(vf: u16, block: u32, length: u64) -> Value {
    json!({"do": "vsp_read", "vf": vf, "block": block, "length": length})
}

/// Has a guest read.
pub fn read(vf: u16, block: u32, length: u64) -> Value {
    json!({"do": "read", "vf": vf, "block": block, "length": length})
}

/// Has a guest write.
pub fn write(vf: u16, block: u32, data: &[u8]) -> Value {
    json!({"do": "write", "vf": vf, "block": block, "data": hex(data)})
}

/// Bytes as scripts and answers have them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}
