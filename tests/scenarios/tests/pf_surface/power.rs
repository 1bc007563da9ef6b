//! Sleep and resume with attached guests.

use scenarios::script::vsp_read;
use serde_json::{Value, json};

use crate::{DEVICE_NOT_READY, PENDING, SUCCESS, awaited, begin, expect, go};

#[test]
fn sleep_keeps_a_vfs_life_and_what_it_is_to_be_told() {
    let query = json!({"do": "operator", "request": "query_vf", "vf": 1});
    let park = json!({"do": "ioctl", "code": 0x0022_6054, "output": 16});
    let found = expect(&[
        (json!({"do": "reset", "vf": 1}), SUCCESS),
        (query.clone(), SUCCESS),
        (json!({"do": "invalidate", "vf": 1, "mask": 6}), SUCCESS),
        (go("sleep"), SUCCESS),
        (vsp_read(1, 0, 128), DEVICE_NOT_READY),
        (go("resume"), SUCCESS),
        (vsp_read(1, 0, 128), SUCCESS),
        (query, SUCCESS),
        (park, SUCCESS),
    ]);
    let generation = |answer: &Value| answer["data"].as_str().expect("bytes")[8..16].to_owned();
    assert_eq!(generation(&found[7]), generation(&found[1]));
    assert_eq!(found[8]["data"], "01000000000000000600000000000000");
}

#[test]
fn requests_stay_parked_while_the_system_sleeps() {
    let found = expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (go("sleep"), SUCCESS),
        (go("resume"), SUCCESS),
        (begin("query_stop", "q"), PENDING),
        (awaited("n"), SUCCESS),
        (go("event_complete"), SUCCESS),
        (awaited("q"), SUCCESS),
    ]);
    assert_eq!(found[5]["event"], 0);
}

#[test]
fn vfs_are_off_while_the_system_sleeps() {
    // The bus itself breaks the run where they are not.
    let config = json!({"do": "vf_config_read", "vf": 0, "offset": 0, "length": 4});
    expect(&[
        (go("sleep"), SUCCESS),
        (config.clone(), DEVICE_NOT_READY),
        (go("resume"), SUCCESS),
        (config, SUCCESS),
        (go("sleep"), SUCCESS),
        (go("resume"), SUCCESS),
    ]);
}
