//! The operator's interface: what it answers, and what it does with hostile buffers.

use scenarios::script::{answers, vsp_read, vsp_write};
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

const NO_MORE_ENTRIES: &str = "0x8000001a";

/// Every request, and the bytes of its input and output.
const REQUESTS: [(&str, usize, usize); 11] = [
    ("query_pf", 0, 176),
    ("query_vf", 8, 176),
    ("query_block", 8, 48),
    ("query_event", 8, 32),
    ("query_evidence", 8, 152),
    ("query_change", 8, 40),
    ("release_vf", 8, 0),
    ("decide_vf", 8, 0),
    ("set_block", 136, 0),
    ("invalidate", 16, 0),
    ("permit", 8, 0),
];

/// Sends a request with an input of so many zeros, and room for so much output.
fn with(request: &str, input: usize, output: usize) -> Value {
    json!({"do": "operator", "request": request, "input": "00".repeat(input), "output": output})
}

#[test]
fn buffers_that_are_a_byte_too_small_are_refused() {
    // So that there are an event and a change to look at.
    let mut steps = vec![(vsp_write(0, 0, &[0; 128]), SUCCESS), (with("decide_vf", 8, 0), SUCCESS)];
    for (request, input, output) in REQUESTS {
        if input != 0 {
            steps.push((with(request, input - 1, output), BUFFER_TOO_SMALL));
            steps.push((with(request, 0, output), BUFFER_TOO_SMALL));
        }
        // Of a guest that did nothing wrong there is no evidence, whatever room there is for it.
        if request == "query_evidence" {
            steps.push((with(request, input, 0), NO_MORE_ENTRIES));
        } else if output != 0 {
            steps.push((with(request, input, output - 1), BUFFER_TOO_SMALL));
            steps.push((with(request, input, 0), BUFFER_TOO_SMALL));
            let just_enough = with(request, input, output);
            steps.push((just_enough, SUCCESS));
        }
    }
    let found = expect(&steps);
    let lengths: Vec<_> =
        found.iter().filter_map(|answer| Some(answer["data"].as_str()?.len() / 2)).collect();
    assert_eq!(lengths, [176, 176, 48, 32, 40]);
}

#[test]
fn larger_buffers_change_nothing() {
    let larger =
        REQUESTS.map(|(request, input, output)| (with(request, input + 4096, output + 4096), input, output));
    for (line, _, output) in larger {
        let found = answers(&[vsp_write(0, 0, &[0; 128]), line.clone()]);
        let length = found[1]["data"].as_str().map_or(0, |data| data.len() / 2);
        assert!(length == output || found[1]["status"] != SUCCESS, "{line}: {found:?}");
        assert_ne!(found[1]["status"], BUFFER_TOO_SMALL, "{line}");
    }
}
