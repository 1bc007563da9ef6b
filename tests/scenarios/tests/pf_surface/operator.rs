//! The operator's interface: what it answers, and what it does with hostile buffers.

use scenarios::script::{vsp_read, vsp_write};
use serde_json::{Value, json};

use crate::{ACCESS_DENIED, BUFFER_TOO_SMALL, INVALID_PARAMETER, SUCCESS, expect};

fn operator(request: &str) -> Value {
    json!({"do": "operator", "request": request})
}

/// A number of the answer's bytes.
fn field(answer: &Value, at: usize, bytes: usize) -> u64 {
    let digits = answer["data"].as_str().expect("bytes");
    let byte = |index: usize| u64::from_str_radix(&digits[index * 2..index * 2 + 2], 16).expect("digits");
    (at..at + bytes).rev().fold(0, |number, index| number << 8 | byte(index))
}

#[test]
fn query_pf_describes_the_pf() {
    let found = expect(&[(operator("query_pf"), SUCCESS)]);
    assert_eq!(field(&found[0], 0, 4), 176);
    assert_eq!([field(&found[0], 4, 2), field(&found[0], 6, 2)], [4, 4]);
}

#[test]
fn query_vf_counts_resets() {
    let query = json!({"do": "operator", "request": "query_vf", "vf": 1});
    let found =
        expect(&[(query.clone(), SUCCESS), (json!({"do": "reset", "vf": 1}), SUCCESS), (query, SUCCESS)]);
    assert_eq!(field(&found[2], 4, 4), field(&found[0], 4, 4) + 1);
}

#[test]
fn isolated_vf_is_refused_until_the_operator_lets_it_go() {
    let decide =
        |decision: u32| json!({"do": "operator", "request": "decide_vf", "vf": 1, "argument": decision});
    let write = vsp_write(1, 0, &[0; 128]);
    expect(&[
        (write.clone(), SUCCESS),
        (decide(2), SUCCESS),
        (write.clone(), ACCESS_DENIED),
        (vsp_read(0, 0, 128), SUCCESS),
        (decide(0), SUCCESS),
        (write, SUCCESS),
    ]);
}

#[test]
fn requests_about_no_vf_are_refused() {
    let about = |request: &str, vf: u32| json!({"do": "operator", "request": request, "vf": vf});
    expect(&[
        (about("query_vf", 4), INVALID_PARAMETER),
        (about("query_vf", 0xFFFF), INVALID_PARAMETER),
        (about("query_block", 4), INVALID_PARAMETER),
        (about("query_event", 4), INVALID_PARAMETER),
        (about("query_evidence", 4), INVALID_PARAMETER),
        (about("release_vf", 4), INVALID_PARAMETER),
        (about("decide_vf", 4), INVALID_PARAMETER),
        (json!({"do": "operator", "request": "invalidate", "vf": 4, "mask": 1}), INVALID_PARAMETER),
    ]);
}

#[test]
fn buffers_that_are_too_small_are_refused() {
    let with = |request: &str, input: &str, output: u32| json!({"do": "operator", "request": request, "input": input, "output": output});
    expect(&[
        (with("query_pf", "", 167), BUFFER_TOO_SMALL),
        (with("query_pf", "", 0), BUFFER_TOO_SMALL),
        (with("query_vf", "00000000000000", 176), BUFFER_TOO_SMALL),
        (with("query_vf", "", 176), BUFFER_TOO_SMALL),
        (with("query_vf", "0000000000000000", 167), BUFFER_TOO_SMALL),
        (with("release_vf", "", 0), BUFFER_TOO_SMALL),
        (with("set_block", "00", 0), BUFFER_TOO_SMALL),
        (with("invalidate", "000000000000000001000000000000", 0), BUFFER_TOO_SMALL),
    ]);
}
