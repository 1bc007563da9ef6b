//! The VF's side in C, as a program that calls over its standard input and output.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backchannel::Blocks;

use crate::guest::Guest;

/// A compiler, its language and its standard.
pub(crate) type Standard = (&'static str, &'static str, &'static str);

pub(crate) const STANDARDS: [Standard; 2] =
    [("clang-19", "c", "-std=c11"), ("clang++-19", "c++", "-std=c++17")];

/// Compiles the client, without a warning, and gives the program.
pub(crate) fn compile((compiler, language, standard): Standard) -> tempfile::TempPath {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = tempfile::NamedTempFile::new().expect("a place for the program").into_temp_path();
    let ended = Command::new(compiler)
        .args(["-x", language, standard, "-O1"])
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Werror"])
        .arg("-I")
        .arg(root.join("driver/include"))
        .arg(source())
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    program
}

/// Lets the program send and receive a message over the guest's way.
pub(crate) fn converse(program: &Path, length: usize, guest: &mut Guest) {
    let mut child = Command::new(program)
        .arg(length.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client starts");
    let mut calls = child.stdout.take().expect("a pipe");
    let mut answers = child.stdin.take().expect("a pipe");
    let mut head = [0; 6];
    let mut number = 0;
    while calls.read_exact(&mut head).is_ok() {
        let [direction, a, b, c, d, length] = head;
        let block = u32::from_le_bytes([a, b, c, d]);
        let mut bytes = vec![0; usize::from(length)];
        let outcome = if direction == b'W' {
            calls.read_exact(&mut bytes).expect("what is written follows");
            guest.write(block, &bytes)
        } else {
            guest.read(block, &mut bytes)
        };
        let mut answer = outcome.err().unwrap_or(0).to_le_bytes().to_vec();
        if direction == b'R' {
            answer.extend(bytes);
        }
        answers.write_all(&answer).expect("the client reads");
        number += 1;
        if number == 2 {
            guest.spoil();
        }
    }
    let ended = child.wait().expect("the client ends");
    assert_eq!(ended.code(), Some(0), "what the client found");
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages/client.c")
}
