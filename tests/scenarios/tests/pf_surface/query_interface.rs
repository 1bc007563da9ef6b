//! IRP_MN_QUERY_INTERFACE: which version a caller gets, and that no member is missing.

use serde_json::{Value, json};

use crate::{NOT_SUPPORTED, SUCCESS, expect};

fn query(size: u16, version: u16) -> Value {
    json!({"do": "query_interface", "guid": "sriov", "size": size, "version": version})
}

/// Size, version, members and members that are NULL.
fn shape(answer: &Value) -> [Option<u64>; 4] {
    ["size", "version", "members", "null_members"].map(|name| answer[name].as_u64())
}

#[test]
fn each_caller_gets_the_version_that_it_has_room_for() {
    let first = [120, 1, 11, 0].map(Some);
    let second = [144, 2, 14, 0].map(Some);
    let found = expect(&[
        (query(120, 1), SUCCESS),
        (query(144, 2), SUCCESS),
        (query(144, 1), SUCCESS),
        (query(120, 2), SUCCESS),
        (query(143, 2), SUCCESS),
        (query(65_535, 65_535), SUCCESS),
    ]);
    let shapes: Vec<_> = found.iter().map(shape).collect();
    assert_eq!(shapes, [first, second, first, first, first, second]);
    let written: Vec<_> = found.iter().map(|answer| answer["written"].as_u64()).collect();
    assert_eq!(written, [120, 144, 120, 120, 120, 144].map(Some));
}

#[test]
fn a_query_with_less_room_goes_down_the_stack_untouched() {
    let found = expect(&[
        (query(119, 1), NOT_SUPPORTED),
        (query(120, 0), NOT_SUPPORTED),
        (query(0, 0), NOT_SUPPORTED),
        (json!({"do": "query_interface", "guid": "mitigable", "size": 64, "version": 1}), NOT_SUPPORTED),
    ]);
    assert!(found.iter().all(|answer| answer["written"] == 0), "{found:?}");
}
