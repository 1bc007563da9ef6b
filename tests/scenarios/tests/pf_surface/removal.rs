//! The device goes, asked or not, with requests parked and an attached VSP.

use scenarios::script::{answers, vsp_read, write};
use serde_json::{Value, json};

use crate::{
    CANCELLED, DEVICE_NOT_READY, INVALID_DEVICE_STATE, PENDING, SUCCESS, awaited, begin, expect, go,
};

/// A device in use.
const DEVICE_BUSY: &str = "0x80000011";

fn invalidate_block() -> Value {
    json!({"do": "ioctl", "code": 0x0022_6054, "output": 16, "id": "i"})
}

#[test]
fn surprise_removal_completes_what_is_parked_and_refuses_what_comes() {
    expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (invalidate_block(), PENDING),
        (go("surprise_remove"), SUCCESS),
        (awaited("n"), CANCELLED),
        (awaited("i"), CANCELLED),
        (begin("notification", "m"), DEVICE_NOT_READY),
        (vsp_read(0, 0, 128), DEVICE_NOT_READY),
        (json!({"do": "vf_config_read", "vf": 0, "offset": 0, "length": 4}), DEVICE_NOT_READY),
        (go("remove"), SUCCESS),
    ]);
}

#[test]
fn surprise_removal_completes_attach_requests_of_a_stopped_pf() {
    expect(&[
        (go("query_stop"), SUCCESS),
        (begin("attach", "a"), PENDING),
        (go("stop"), SUCCESS),
        (go("surprise_remove"), SUCCESS),
        (awaited("a"), CANCELLED),
        (go("remove"), SUCCESS),
    ]);
}

#[test]
fn device_with_an_open_handle_is_not_removed() {
    expect(&[
        (go("attach"), SUCCESS),
        (go("query_remove"), DEVICE_BUSY),
        (vsp_read(0, 0, 128), SUCCESS),
        (go("remove"), SUCCESS),
        (vsp_read(0, 0, 128), DEVICE_NOT_READY),
    ]);
}

#[test]
fn driver_is_unloaded_and_loaded_again_with_requests_parked() {
    expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (invalidate_block(), PENDING),
        (go("unload"), SUCCESS),
        (go("load"), SUCCESS),
        (go("attach"), SUCCESS),
    ]);
}

#[test]
fn run_that_ends_with_everything_parked_leaves_nothing() {
    let found = answers(&[
        go("attach"),
        begin("notification", "n"),
        invalidate_block(),
        begin("query_stop", "q"),
        write(0, 0, &[0; 128]),
    ]);
    assert_eq!(found.len(), 5);
}

#[test]
fn removal_is_no_event_of_the_conversation() {
    expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (go("query_remove"), DEVICE_BUSY),
        (go("cancel_remove"), SUCCESS),
        (go("event_complete"), INVALID_DEVICE_STATE),
        (json!({"do": "cancel", "of": "n"}), CANCELLED),
    ]);
}
