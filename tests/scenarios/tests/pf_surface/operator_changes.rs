//! What the operator changes: a block of its own, permissions; and that every change is recorded with its caller.

use scenarios::script::{answers_with, read, vsp_read, vsp_write};
use serde_json::{Value, json};

use crate::{BUFFER_TOO_SMALL, INVALID_PARAMETER, NOT_SUPPORTED, SUCCESS, expect};

/// Nothing more to read.
const NO_MORE_ENTRIES: &str = "0x8000001a";
/// The block of the library driver that the operator owns: 1 to 32 bytes.
const LABEL: u32 = 12;

fn operator(request: &str) -> Value {
    json!({"do": "operator", "request": request})
}

fn decide(vf: u32, decision: u32) -> Value {
    json!({"do": "operator", "request": "decide_vf", "vf": vf, "argument": decision})
}

fn permit(block: u32, permission: u32) -> Value {
    json!({"do": "operator", "request": "permit", "block": block, "argument": permission})
}

fn set(vf: u32, block: u32, data: &str) -> Value {
    json!({"do": "operator", "request": "set_block", "vf": vf, "block": block, "data": data})
}

fn change(back: u32) -> Value {
    json!({"do": "operator", "request": "query_change", "argument": back})
}

/// Number, process, code, status, argument and detail, VF.
fn recorded(answer: &Value) -> [u32; 7] {
    let digits = answer["data"].as_str().expect("bytes");
    assert_eq!(digits.len(), 80, "the whole structure");
    let number = |at: usize, bytes: usize| {
        (0..bytes).rev().fold(0, |number, byte| {
            let at = (at + byte) * 2;
            number << 8 | u32::from_str_radix(&digits[at..at + 2], 16).expect("digits")
        })
    };
    [number(8, 4), number(12, 4), number(16, 4), number(20, 4), number(24, 4), number(28, 4), number(32, 2)]
}

/// Plays on the driver that has a block of the operator's; panics unless the statuses are those.
#[track_caller]
fn expect_of_library(steps: &[(Value, &str)]) -> Vec<Value> {
    let image = std::env::var("PF_BACKCHANNEL_LIBRARY_IMAGE").expect("run `cargo xtask test`");
    let lines: Vec<Value> = steps.iter().map(|(line, _)| line.clone()).collect();
    let found = answers_with(&["--image", &image], &lines);
    for (answer, (line, status)) in found.iter().zip(steps) {
        assert_eq!(answer["status"], *status, "{line}: {answer}\nall: {found:?}");
    }
    found
}

#[test]
fn block_that_the_operator_sets_is_read_by_that_vf_and_outlives_its_reset() {
    let found = expect_of_library(&[
        (read(1, LABEL, 4), SUCCESS),
        (set(1, LABEL, "70667661"), SUCCESS),
        (read(1, LABEL, 4), SUCCESS),
        (read(2, LABEL, 4), SUCCESS),
        (json!({"do": "reset", "vf": 1}), SUCCESS),
        (read(1, LABEL, 4), SUCCESS),
        (set(1, LABEL, "0102"), SUCCESS),
        (read(1, LABEL, 4), SUCCESS),
    ]);
    let data = [0, 2, 3, 5, 7].map(|line: usize| found[line]["data"].as_str().expect("bytes").to_owned());
    assert_eq!(data, ["00000000", "70667661", "00000000", "70667661", "01020000"]);
}

#[test]
fn block_that_the_operator_does_not_own_or_of_a_wrong_length_is_not_set() {
    let long = "ee".repeat(33);
    let of_129 = format!("0100{:04x}0c000000{}", 129_u16.swap_bytes(), "ee".repeat(128));
    expect_of_library(&[
        (set(1, 7, "01020304"), NOT_SUPPORTED),
        (set(1, 99, "01"), INVALID_PARAMETER),
        (set(4, LABEL, "01"), INVALID_PARAMETER),
        (set(1, LABEL, ""), "0xc0000206"),
        (set(1, LABEL, &long), "0xc0000206"),
        (json!({"do": "operator", "request": "set_block", "input": of_129, "output": 0}), INVALID_PARAMETER),
        (read(1, LABEL, 4), SUCCESS),
    ]);
}

#[test]
fn permission_stops_what_it_takes_away_and_gives_nothing_that_the_schema_does_not() {
    expect(&[
        (vsp_write(0, 0, &[0; 128]), SUCCESS),
        (permit(0, 1), SUCCESS),
        (vsp_write(0, 0, &[0; 128]), NOT_SUPPORTED),
        (vsp_write(1, 0, &[0; 128]), NOT_SUPPORTED),
        (vsp_read(0, 0, 128), SUCCESS),
        (permit(0, 0), SUCCESS),
        (vsp_read(0, 0, 128), NOT_SUPPORTED),
        (permit(0, 3), SUCCESS),
        (vsp_write(0, 0, &[0; 128]), SUCCESS),
        (vsp_read(0, 0, 128), SUCCESS),
        (permit(1, 3), SUCCESS),
        (vsp_read(0, 1, 128), NOT_SUPPORTED),
        (permit(0, 4), INVALID_PARAMETER),
        (permit(99, 3), INVALID_PARAMETER),
    ]);
}

#[test]
fn each_change_is_recorded_with_its_caller_the_refused_ones_too() {
    let mask = json!({"do": "operator", "request": "invalidate", "vf": 0xFFFF, "mask": "0x8000000000000001"});
    let found = expect(&[
        (change(0), NO_MORE_ENTRIES),
        (decide(1, 2), SUCCESS),
        (decide(9, 2), INVALID_PARAMETER),
        (mask, SUCCESS),
        (permit(0, 1), SUCCESS),
        (operator("query_pf"), SUCCESS),
        (change(3), SUCCESS),
        (change(2), SUCCESS),
        (change(1), SUCCESS),
        (change(0), SUCCESS),
        (change(4), NO_MORE_ENTRIES),
        (change(u32::MAX), NO_MORE_ENTRIES),
    ]);
    let program = 0x3E8;
    let changes = [6, 7, 8, 9].map(|line: usize| recorded(&found[line]));
    let expected = [
        [1, program, 0x0022_E418, 0, 2, 0, 1],
        [2, program, 0x0022_E418, 0xC000_000D, 2, 0, 9],
        [3, program, 0x0022_E420, 0, 1, 0x8000_0000, 0xFFFF],
        [4, program, 0x0022_E428, 0, 0, 1, 0xFFFF],
    ];
    assert_eq!(changes, expected);
}

#[test]
fn last_32_changes_are_kept() {
    let mut steps: Vec<(Value, &str)> = (0..40).map(|_| (decide(1, 0), SUCCESS)).collect();
    steps.extend([(change(0), SUCCESS), (change(31), SUCCESS), (change(32), NO_MORE_ENTRIES)]);
    let found = expect(&steps);
    assert_eq!([recorded(&found[40])[0], recorded(&found[41])[0]], [40, 9]);
}

#[test]
fn buffers_of_changes_that_are_too_small_change_and_record_nothing() {
    let with = |request: &str, input: &str, output: u32| json!({"do": "operator", "request": request, "input": input, "output": output});
    expect(&[
        (with("permit", "00000000000000", 0), BUFFER_TOO_SMALL),
        (with("permit", "", 0), BUFFER_TOO_SMALL),
        (with("decide_vf", "01000000020000", 0), BUFFER_TOO_SMALL),
        (with("query_change", "", 40), BUFFER_TOO_SMALL),
        (change(0), NO_MORE_ENTRIES),
        (decide(1, 0), SUCCESS),
        (with("query_change", "0000000000000000", 39), BUFFER_TOO_SMALL),
        (change(1), NO_MORE_ENTRIES),
        (vsp_read(0, 0, 128), SUCCESS),
        (vsp_read(1, 0, 128), SUCCESS),
    ]);
}

#[test]
fn what_the_operator_looks_at_tells_what_happened() {
    let about = |request: &str, argument: u32| json!({"do": "operator", "request": request, "vf": 1, "argument": argument});
    let found = expect(&[
        (about("query_evidence", 0), NO_MORE_ENTRIES),
        (vsp_write(1, 0, &[0; 128]), SUCCESS),
        (vsp_write(1, 0, &[0; 5]), "0xc0000206"),
        (about("query_block", 0), SUCCESS),
        (about("query_block", 99), INVALID_PARAMETER),
        (about("query_event", 0), SUCCESS),
        (about("query_event", 1000), NO_MORE_ENTRIES),
        (json!({"do": "operator", "request": "release_vf", "vf": 1}), SUCCESS),
    ]);
    // Served calls, and the block of the last event with its stated length.
    assert_eq!(&found[3]["data"].as_str().expect("bytes")[..16], "0100000000000000");
    let event = found[5]["data"].as_str().expect("bytes");
    assert_eq!([&event[32..40], &event[44..48]], ["00000000", "0500"]);
}
