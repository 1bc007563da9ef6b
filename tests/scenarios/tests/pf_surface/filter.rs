//! The same image as a filter above the IHV's own function driver: it serves the PF, and passes on what is not its own.

use std::path::PathBuf;

use scenarios::c_driver::{self, Model};
use scenarios::command;
use scenarios::script::{answers_with, vsp_read, vsp_write, write};
use serde_json::{Value, json};

use crate::{
    ACCESS_DENIED, BUFFER_TOO_SMALL, DEVICE_NOT_READY, INVALID_DEVICE_REQUEST, NOT_SUPPORTED, PENDING,
    SUCCESS, awaited, begin, go,
};

const COUNTS: u32 = 0x0022_2004;
const REFUSED: u32 = 0x0022_2008;
const RANGE_COUNT: u32 = 0x0022_6058;
const UNKNOWN: u32 = 0x0022_200C;
const INTERFACE: &str = "6d1c4c1e-5a0b-4d35-9b1f-3a6e0c9e4b71";

fn function_driver() -> PathBuf {
    c_driver::compile(Model::Kmdf, "tests/plugins/function-driver/function.c", None)
}

/// Plays a script on the filter form; panics unless the statuses are those.
#[track_caller]
fn expect(steps: &[(Value, &str)]) -> Vec<Value> {
    let below = function_driver();
    let arguments = ["--value", "Filter=1", "--below", below.to_str().expect("UTF-8")];
    let lines: Vec<Value> = steps.iter().map(|(line, _)| line.clone()).collect();
    let found = answers_with(&arguments, &lines);
    for (answer, (line, status)) in found.iter().zip(steps) {
        assert_eq!(answer["status"], *status, "{line}: {answer}\nall: {found:?}");
    }
    found
}

fn open() -> Value {
    json!({"do": "handle", "action": "open", "id": "h"})
}

fn ioctl(code: u32, output: u32, major: &str) -> Value {
    json!({"do": "ioctl", "code": code, "output": output, "major": major})
}

/// The function driver's counts: prepare, release, D0 entry, D0 exit, query-stop, query-remove, references, reads.
fn counts() -> (Value, &'static str) {
    (ioctl(COUNTS, 8, "device_control"), SUCCESS)
}

#[test]
fn filter_serves_blocks_members_and_requests() {
    let found = expect(&[
        (vsp_write(0, 0, &[0; 128]), SUCCESS),
        (write(1, 0, &[0; 128]), SUCCESS),
        (vsp_read(0, 0, 128), SUCCESS),
        (json!({"do": "location", "vf": 3}), SUCCESS),
        (json!({"do": "operator", "request": "query_pf"}), SUCCESS),
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (begin("query_stop", "q"), PENDING),
        (awaited("n"), SUCCESS),
        (go("event_complete"), SUCCESS),
        (awaited("q"), SUCCESS),
    ]);
    assert_eq!(found[3]["function"], 0x86);
}

#[test]
fn requests_that_are_not_the_filters_reach_the_function_driver() {
    let found = expect(&[
        counts(),
        (ioctl(COUNTS, 8, "internal"), SUCCESS),
        (ioctl(COUNTS, 7, "device_control"), BUFFER_TOO_SMALL),
        (ioctl(REFUSED, 0, "device_control"), DEVICE_NOT_READY),
        (ioctl(UNKNOWN, 0, "internal"), INVALID_DEVICE_REQUEST),
        (open(), SUCCESS),
        (json!({"do": "handle", "action": "read", "on": "h", "length": 4}), SUCCESS),
        counts(),
    ]);
    assert_eq!([&found[0]["data"], &found[1]["data"]], ["0100010000000000"; 2]);
    assert_eq!(found[6]["data"], "5a5a5a5a");
    assert_eq!(found[7]["data"], "0100010000000001");
}

#[test]
fn mitigated_ranges_are_asked_of_the_function_driver() {
    let by_user = json!({
        "do": "ioctl", "code": RANGE_COUNT, "major": "device_control", "mode": "user", "input": "0000", "output": 24
    });
    let found = expect(&[
        (json!({"do": "ioctl", "code": RANGE_COUNT, "input": "0000", "output": 24}), SUCCESS),
        (
            json!({"do": "ioctl", "code": 0x0022_605C, "input": "00000000", "output": 16}),
            INVALID_DEVICE_REQUEST,
        ),
        (by_user, ACCESS_DENIED),
    ]);
    assert_eq!(found[0]["data"], "010000000200000003000000040000000500000006000000");
}

#[test]
fn interfaces_that_are_not_the_filters_are_answered_below() {
    let query =
        |guid: &str, size: u16| json!({"do": "query_interface", "guid": guid, "size": size, "version": 1});
    let found = expect(&[
        (query(INTERFACE, 40), SUCCESS),
        (query(INTERFACE, 39), NOT_SUPPORTED),
        (query("00000000-0000-0000-0000-000000000001", 40), NOT_SUPPORTED),
        (query("sriov", 120), SUCCESS),
        counts(),
    ]);
    assert_eq!([&found[0]["members"], &found[3]["members"]], [1, 11]);
    // The reference of the answer was given back.
    assert_eq!(found[4]["data"], "0100010000000000");
}

#[test]
fn pnp_and_power_reach_the_function_driver() {
    let found = expect(&[
        (go("query_stop"), SUCCESS),
        (go("cancel_stop"), SUCCESS),
        (go("query_stop"), SUCCESS),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        counts(),
        (go("sleep"), SUCCESS),
        (go("resume"), SUCCESS),
        counts(),
        (vsp_read(0, 0, 128), SUCCESS),
    ]);
    assert_eq!(found[5]["data"], "0201020102000000");
    assert_eq!(found[8]["data"], "0201030202000000");
}

#[test]
fn surprise_removal_and_unload_take_both_away() {
    expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (go("surprise_remove"), SUCCESS),
        (awaited("n"), "0xc0000120"),
        (go("remove"), SUCCESS),
        (go("unload"), SUCCESS),
        (go("load"), SUCCESS),
        counts(),
    ]);
}

#[test]
fn handle_that_closes_detaches_in_the_filter_form_too() {
    let attach = json!({"do": "handle", "action": "control", "on": "h", "code": 0x0022_604C});
    expect(&[
        (open(), SUCCESS),
        (attach, SUCCESS),
        (json!({"do": "handle", "action": "close", "on": "h"}), SUCCESS),
        (go("attach"), SUCCESS),
    ]);
}

#[test]
fn function_driver_alone_has_no_backchannel() {
    let below = function_driver();
    let run = command::run([std::path::Path::new("exercise"), &below]);
    run.expect_code(command::CLEAN);
}
