//! Invalidations: from the operator to the guest, by requests that the VSP keeps parked.

use scenarios::script::answers_with;
use serde_json::{Value, json};

use crate::{INVALID_PARAMETER, PENDING, SUCCESS, TIMEOUT, awaited, expect};

fn invalidate(vf: Value, mask: u64) -> Value {
    json!({"do": "invalidate", "vf": vf, "mask": mask})
}

fn wait(vf: u16) -> Value {
    json!({"do": "wait_invalidate", "vf": vf, "milliseconds": 300})
}

fn park(id: &str) -> Value {
    json!({"do": "ioctl", "code": 0x0022_6054, "output": 16, "id": id})
}

/// Parks a request whose input is `SRIOV_INVALIDATE_BLOCK` for one VF.
fn park_naming(vf: u16, id: &str) -> Value {
    let input = format!("{:04x}0000000000000000000000000000", vf.swap_bytes());
    json!({"do": "ioctl", "code": 0x0022_6054, "input": input, "output": 16, "id": id})
}

/// The status of each answer.
fn statuses(found: &[Value]) -> Vec<&str> {
    found.iter().filter_map(|answer| answer["status"].as_str()).collect()
}

#[test]
fn guest_is_told_the_mask_of_its_vf_alone() {
    let found = expect(&[
        (wait(0), TIMEOUT),
        (wait(1), TIMEOUT),
        (invalidate(1.into(), 0x8000_0000_0000_0001), SUCCESS),
        (wait(0), TIMEOUT),
        (wait(1), SUCCESS),
        (wait(1), TIMEOUT),
    ]);
    assert_eq!(found[4]["mask"], "0x8000000000000001");
}

#[test]
fn masks_that_nobody_took_are_merged() {
    let found = expect(&[
        (invalidate(2.into(), 0b001), SUCCESS),
        (invalidate(2.into(), 0b100), SUCCESS),
        (park("i"), SUCCESS),
        (park("j"), PENDING),
    ]);
    assert_eq!(found[2]["data"], "02000000000000000500000000000000");
}

#[test]
fn invalidation_of_all_vfs_reaches_each() {
    let found = expect(&[
        (wait(0), TIMEOUT),
        (wait(3), TIMEOUT),
        (invalidate("all".into(), 0b10), SUCCESS),
        (wait(0), SUCCESS),
        (wait(3), SUCCESS),
    ]);
    assert_eq!([&found[3]["mask"], &found[4]["mask"]], ["0x0000000000000002"; 2]);
}

#[test]
fn parked_requests_are_served_in_order() {
    let found = expect(&[
        (park("first"), PENDING),
        (park("second"), PENDING),
        (invalidate(3.into(), 1), SUCCESS),
        (awaited("first"), SUCCESS),
        (invalidate(0.into(), 2), SUCCESS),
        (awaited("second"), SUCCESS),
    ]);
    assert_eq!(found[3]["data"], "03000000000000000100000000000000");
    assert_eq!(found[5]["data"], "00000000000000000200000000000000");
}

#[test]
fn input_of_a_waiting_request_is_ignored() {
    let found = expect(&[
        (park_naming(0, "i"), PENDING),
        (invalidate(2.into(), 1), SUCCESS),
        (awaited("i"), SUCCESS),
    ]);
    assert_eq!(found[2]["data"], "02000000000000000100000000000000");
}

#[test]
fn input_is_a_filter_where_the_operator_says_so() {
    let found = answers_with(
        &["--value", "InvalidateInputIsFilter=1"],
        &[
            park_naming(0, "zero"),
            park_naming(2, "two"),
            park_naming(0xFFFF, "any"),
            invalidate(2.into(), 1),
            awaited("two"),
            invalidate(2.into(), 2),
            awaited("any"),
            invalidate(2.into(), 4),
            park_naming(0, "zero again"),
            invalidate(0.into(), 8),
            awaited("zero"),
            park_naming(2, "two again"),
            park("without a name"),
        ],
    );
    let expected = [
        PENDING, PENDING, PENDING, SUCCESS, SUCCESS, SUCCESS, SUCCESS, SUCCESS, PENDING, SUCCESS, SUCCESS,
        SUCCESS, PENDING,
    ];
    assert_eq!(statuses(&found), expected, "{found:?}");
    let told = [4, 6, 10, 11].map(|line: usize| found[line]["data"].as_str().expect("bytes").to_owned());
    let expected = [(2, 1), (2, 2), (0, 8), (2, 4)]
        .map(|(vf, mask)| format!("{vf:02x}00000000000000{mask:02x}00000000000000"));
    assert_eq!(told, expected);
}

#[test]
fn filter_for_a_vf_that_there_is_not_is_refused() {
    let found =
        answers_with(&["--value", "InvalidateInputIsFilter=1"], &[park_naming(4, "i"), park_naming(3, "j")]);
    assert_eq!(statuses(&found), [INVALID_PARAMETER, PENDING]);
}
