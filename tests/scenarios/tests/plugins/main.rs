//! Plug-in drivers: foreign images that register handlers with the shipped one at run time.

mod callbacks;
mod mac_vlan;
mod outstanding;
mod parallel;
mod refusals;
mod rule_breakers;
mod time;
mod vanished;

use std::env;
use std::path::PathBuf;

use scenarios::c_driver::{self, Model};
use scenarios::script::{answers_with, hex};
use serde_json::{Value, json};

const SUCCESS: &str = "0x00000000";
const INVALID_PARAMETER: &str = "0xc000000d";
const DEVICE_NOT_READY: &str = "0xc00000a3";
const IO_TIMEOUT: &str = "0xc00000b5";
const INTERNAL_ERROR: &str = "0xc00000e5";

/// The plug-in in C that does what it is told to.
fn probe() -> PathBuf {
    c_driver::compile(Model::Wdm, "tests/plugins/c/probe.c", None)
}

/// The plug-in in C that keeps a journal.
fn recorder() -> PathBuf {
    c_driver::compile(Model::Wdm, "tests/plugins/c/recorder.c", None)
}

/// The plug-in in C that serves addresses.
fn in_c() -> PathBuf {
    c_driver::compile(Model::Wdm, "tests/plugins/c/mac_vlan_c.c", None)
}

/// The plug-in in Rust that does the same.
fn in_rust() -> PathBuf {
    env::var_os("PF_BACKCHANNEL_PLUGIN_IMAGE").expect("run `cargo xtask test`").into()
}

/// Something done with a plug-in.
fn plugin(name: &str, action: &str) -> Value {
    json!({"do": "plugin", "plugin": name, "action": action})
}

/// The numbers of the probe's requests, as its source has them.
#[derive(Clone, Copy)]
enum Ask {
    Release,
    Statistics,
    Calls,
    RegisterTaken,
    FillTable,
    CloseHandle,
    Dereference,
    RegisterWrong,
    QueryWrong,
    NextCallback,
    LastStatus,
    Complete,
    Unregister,
    Forget,
}

/// A request to the probe.
fn ask(request: Ask, input: &[u8]) -> Value {
    let mut bytes = input.to_vec();
    bytes.resize(8, 0);
    let code = 0x0022_2000 + 4 * request as u32;
    json!({"do": "plugin", "plugin": "probe", "action": "control", "code": code, "input": hex(&bytes), "output": 64})
}

/// Plays a script beside the probe; panics unless the statuses are those.
#[track_caller]
fn expect(steps: &[(Value, &str)]) -> Vec<Value> {
    expect_with(&[], steps)
}

/// As [`expect`], with further arguments of `run`.
#[track_caller]
fn expect_with(arguments: &[&str], steps: &[(Value, &str)]) -> Vec<Value> {
    let image = probe();
    let image = image.to_str().expect("UTF-8");
    expect_beside(&[&["--plugin", image], arguments].concat(), steps)
}

/// Plays a script with these arguments of `run`; panics unless the statuses are those.
#[track_caller]
fn expect_beside(arguments: &[&str], steps: &[(Value, &str)]) -> Vec<Value> {
    let lines: Vec<Value> = steps.iter().map(|(line, _)| line.clone()).collect();
    let found = answers_with(arguments, &lines);
    for (answer, (line, status)) in found.iter().zip(steps) {
        assert_eq!(answer["status"], *status, "{line}: {answer}\nall: {found:#?}");
    }
    found
}

/// The little-endian number at a place of an answer's bytes.
fn number(answer: &Value, at: usize, bytes: usize) -> u64 {
    let digits = answer["data"].as_str().expect("an answer with bytes");
    let byte = |place: usize| u64::from_str_radix(&digits[2 * place..2 * place + 2], 16).expect("digits");
    (at..at + bytes).rev().fold(0, |sum, place| sum << 8 | byte(place))
}

/// A name of the handler interface's own statuses, as answers have it.
fn own_status(status: i32) -> String {
    format!("{status:#010x}")
}
