//! Scripts of the command's `run`, and their answers.

use std::fmt::Write;

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
