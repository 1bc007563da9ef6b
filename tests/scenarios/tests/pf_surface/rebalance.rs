//! A rebalance under an attached VSP: told, answered, over.

use scenarios::script::answers_with;
use serde_json::{Value, json};

use crate::{
    BUFFER_TOO_SMALL, CANCELLED, INVALID_DEVICE_STATE, PENDING, SUCCESS, UNSUCCESSFUL, awaited, begin,
    expect, go,
};

/// What a notification brought.
fn event(answer: &Value) -> Option<u64> {
    answer["event"].as_u64()
}

#[test]
fn nobody_attached_means_nobody_asked() {
    expect(&[
        (go("query_stop"), SUCCESS),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        (go("attach"), SUCCESS),
    ]);
}

#[test]
fn query_stop_waits_for_the_vsps_answer() {
    let found = expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (begin("query_stop", "q"), PENDING),
        (awaited("n"), SUCCESS),
        (begin("notification", "m"), PENDING),
        (go("event_complete"), SUCCESS),
        (awaited("q"), SUCCESS),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        (awaited("m"), SUCCESS),
        (go("event_complete"), SUCCESS),
        (go("event_complete"), INVALID_DEVICE_STATE),
    ]);
    assert_eq!([event(&found[3]), event(&found[9])], [Some(0), Some(1)]);
}

#[test]
fn vsps_refusal_is_the_answer_to_the_query() {
    expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (begin("query_stop", "q"), PENDING),
        (awaited("n"), SUCCESS),
        (json!({"do": "event_complete", "status": "0xc0000001"}), SUCCESS),
        (awaited("q"), UNSUCCESSFUL),
        (go("cancel_stop"), SUCCESS),
        (begin("notification", "m"), SUCCESS),
        (go("event_complete"), SUCCESS),
    ]);
}

#[test]
fn cancelled_rebalance_restarts_the_vsp() {
    let found = expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (begin("query_stop", "q"), PENDING),
        (go("event_complete"), SUCCESS),
        (awaited("q"), SUCCESS),
        (begin("notification", "m"), PENDING),
        (go("cancel_stop"), SUCCESS),
        (awaited("m"), SUCCESS),
    ]);
    assert_eq!(event(&found[7]), Some(1));
}

#[test]
fn event_that_nobody_asked_for_yet_is_kept() {
    let found = expect(&[
        (go("attach"), SUCCESS),
        (begin("query_stop", "q"), PENDING),
        (go("event_complete"), INVALID_DEVICE_STATE),
        (begin("notification", "n"), SUCCESS),
        (go("event_complete"), SUCCESS),
        (awaited("q"), SUCCESS),
    ]);
    assert_eq!(event(&found[3]), Some(0));
}

#[test]
fn detach_lets_the_rebalance_go_on() {
    expect(&[
        (go("attach"), SUCCESS),
        (begin("query_stop", "q"), PENDING),
        (go("detach"), SUCCESS),
        (awaited("q"), SUCCESS),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
    ]);
}

#[test]
fn attach_waits_while_the_pf_is_stopped() {
    expect(&[
        (go("query_stop"), SUCCESS),
        (begin("attach", "a"), PENDING),
        (begin("attach", "b"), PENDING),
        (json!({"do": "cancel", "of": "b"}), CANCELLED),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        (awaited("a"), SUCCESS),
    ]);
}

#[test]
fn event_is_four_bytes_whatever_room_there_is() {
    let notification = json!({"do": "ioctl", "code": 0x0022_6044, "output": 100, "id": "n"});
    let found = expect(&[
        (go("attach"), SUCCESS),
        (notification, PENDING),
        (begin("query_stop", "q"), PENDING),
        (awaited("n"), SUCCESS),
        (go("event_complete"), SUCCESS),
    ]);
    assert_eq!(found[3]["data"], "00000000");
}

#[test]
fn request_without_room_does_not_lose_the_event() {
    let short = json!({"do": "ioctl", "code": 0x0022_6044, "output": 3});
    let found = expect(&[
        (go("attach"), SUCCESS),
        (begin("query_stop", "q"), PENDING),
        (short, BUFFER_TOO_SMALL),
        (begin("notification", "n"), SUCCESS),
        (go("event_complete"), SUCCESS),
        (awaited("q"), SUCCESS),
    ]);
    assert_eq!(event(&found[3]), Some(0));
}

#[test]
fn vsp_that_does_not_answer_in_time_refuses_the_rebalance() {
    let found = answers_with(
        &["--value", "QueryStopTimeout=300"],
        &[
            go("attach"),
            begin("query_stop", "q"),
            awaited("q"),
            go("cancel_stop"),
            json!({"do": "operator", "request": "query_pf"}),
        ],
    );
    assert_eq!(found[2]["status"], UNSUCCESSFUL, "{found:?}");
    // QueryStopTimeouts.
    assert_eq!(&found[4]["data"].as_str().expect("bytes")[32..40], "01000000");
}
