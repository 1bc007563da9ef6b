//! Other parties with a handle of the PF: what closes with it, and what outlives it.

use scenarios::command::{self, RULE_BROKEN};
use scenarios::script::{vsp_read, write};
use serde_json::{Value, json};

use crate::{CANCELLED, DEVICE_NOT_READY, PENDING, SHARING_VIOLATION, SUCCESS, awaited, begin, expect, go};

const ATTACH: u32 = 0x0022_604C;
const NOTIFICATION: u32 = 0x0022_6044;
const INVALIDATE_BLOCK: u32 = 0x0022_6054;
const DEVICE_BUSY: &str = "0x80000011";

fn open(id: &str) -> Value {
    json!({"do": "handle", "action": "open", "id": id})
}

fn with(action: &str, on: &str) -> Value {
    json!({"do": "handle", "action": action, "on": on})
}

fn send(on: &str, code: u32, output: u32, id: &str) -> Value {
    json!({"do": "handle", "action": "control", "on": on, "code": code, "output": output, "id": id})
}

/// What the operator reads of the PF: references, and where the conversation is.
fn references_and_conversation(answer: &Value) -> [u32; 2] {
    let digits = answer["data"].as_str().expect("bytes");
    [16, 24].map(|at| u32::from_str_radix(&digits[at..at + 2], 16).expect("digits"))
}

#[test]
fn vsp_that_closes_its_handle_is_detached() {
    expect(&[
        (open("vsp"), SUCCESS),
        (send("vsp", ATTACH, 0, "a"), SUCCESS),
        (go("attach"), SHARING_VIOLATION),
        (with("close", "vsp"), SUCCESS),
        (go("attach"), SUCCESS),
    ]);
}

#[test]
fn requests_of_a_closed_handle_are_completed_and_no_others() {
    expect(&[
        (open("vsp"), SUCCESS),
        (send("vsp", ATTACH, 0, "a"), SUCCESS),
        (send("vsp", NOTIFICATION, 4, "n"), PENDING),
        (send("vsp", INVALIDATE_BLOCK, 16, "i"), PENDING),
        (begin("notification", "other"), PENDING),
        (with("close", "vsp"), SUCCESS),
        (awaited("n"), CANCELLED),
        (awaited("i"), CANCELLED),
        (go("attach"), SUCCESS),
        (begin("query_stop", "q"), PENDING),
        (awaited("other"), SUCCESS),
        (go("event_complete"), SUCCESS),
        (awaited("q"), SUCCESS),
    ]);
}

#[test]
fn handle_that_closes_in_the_middle_of_a_rebalance_lets_it_go_on() {
    expect(&[
        (open("vsp"), SUCCESS),
        (send("vsp", ATTACH, 0, "a"), SUCCESS),
        (send("vsp", NOTIFICATION, 4, "n"), PENDING),
        (begin("query_stop", "q"), PENDING),
        (awaited("n"), SUCCESS),
        (with("close", "vsp"), SUCCESS),
        (awaited("q"), SUCCESS),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        (go("attach"), SUCCESS),
    ]);
}

#[test]
fn attach_request_that_waited_belongs_to_its_handle() {
    expect(&[
        (go("query_stop"), SUCCESS),
        (open("first"), SUCCESS),
        (open("second"), SUCCESS),
        (send("first", ATTACH, 0, "a"), PENDING),
        (with("close", "first"), SUCCESS),
        (awaited("a"), CANCELLED),
        (send("second", ATTACH, 0, "b"), PENDING),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        (awaited("b"), SUCCESS),
        (go("attach"), SHARING_VIOLATION),
        (with("close", "second"), SUCCESS),
        (go("attach"), SUCCESS),
    ]);
}

#[test]
fn handle_of_a_bystander_detaches_nobody() {
    expect(&[
        (open("bystander"), SUCCESS),
        (go("attach"), SUCCESS),
        (with("close", "bystander"), SUCCESS),
        (go("attach"), SHARING_VIOLATION),
    ]);
}

#[test]
fn invalidations_of_a_vsp_that_is_gone_are_dropped() {
    expect(&[
        (open("vsp"), SUCCESS),
        (send("vsp", ATTACH, 0, "a"), SUCCESS),
        (json!({"do": "invalidate", "vf": 1, "mask": 1}), SUCCESS),
        (with("close", "vsp"), SUCCESS),
        (json!({"do": "ioctl", "code": INVALIDATE_BLOCK, "output": 16}), PENDING),
    ]);
}

#[test]
fn device_stays_as_long_as_another_party_has_it_open() {
    expect(&[
        (open("other"), SUCCESS),
        (go("query_remove"), DEVICE_BUSY),
        (go("surprise_remove"), SUCCESS),
        (go("remove"), DEVICE_BUSY),
        (with("interface", "other"), SUCCESS),
        (with("luid", "other"), DEVICE_NOT_READY),
        (with("release", "other"), SUCCESS),
        (with("close", "other"), SUCCESS),
        (go("remove"), SUCCESS),
        (go("unload"), SUCCESS),
    ]);
}

#[test]
fn reference_that_is_kept_is_shown_to_the_operator_and_ends_with_its_release() {
    let query = json!({"do": "operator", "request": "query_pf"});
    let found = expect(&[
        (query.clone(), SUCCESS),
        (open("other"), SUCCESS),
        (with("interface", "other"), SUCCESS),
        (with("close", "other"), SUCCESS),
        (query.clone(), SUCCESS),
        (with("luid", "other"), SUCCESS),
        (with("release", "other"), SUCCESS),
        (query, SUCCESS),
    ]);
    let references = [0, 4, 7].map(|line: usize| references_and_conversation(&found[line])[0]);
    assert_eq!(references, [1, 2, 1]);
}

#[test]
fn reference_that_is_kept_keeps_the_device_although_every_handle_is_closed() {
    let query_remove = json!({"do": "query_remove", "released": true});
    expect(&[
        (open("other"), SUCCESS),
        (with("interface", "other"), SUCCESS),
        (with("close", "other"), SUCCESS),
        (query_remove.clone(), DEVICE_BUSY),
        (write(0, 0, &[0; 128]), SUCCESS),
        (with("release", "other"), SUCCESS),
        (query_remove, SUCCESS),
        (go("remove"), SUCCESS),
    ]);
}

#[test]
fn reference_outlives_the_device_and_answers() {
    expect(&[
        (open("other"), SUCCESS),
        (with("interface", "other"), SUCCESS),
        (with("close", "other"), SUCCESS),
        (go("remove"), SUCCESS),
        (vsp_read(0, 0, 128), DEVICE_NOT_READY),
        (with("luid", "other"), DEVICE_NOT_READY),
        (with("release", "other"), SUCCESS),
        (go("unload"), SUCCESS),
    ]);
}

#[test]
fn reference_that_outlives_the_driver_is_found() {
    let lines = [open("other"), with("interface", "other"), with("close", "other"), go("unload")];
    let script = lines.map(|line| line.to_string() + "\n").concat();
    let run = command::run_with_input(["run", "-"], &script);
    run.expect_code(RULE_BROKEN);
    assert_eq!(run.broken_rule()["rule"], "leak", "{run}");
}
