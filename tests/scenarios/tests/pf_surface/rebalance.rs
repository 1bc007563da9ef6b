//! A rebalance under an attached VSP: told, answered, over.

use serde_json::{Value, json};

use crate::{CANCELLED, INVALID_DEVICE_STATE, PENDING, SUCCESS, UNSUCCESSFUL, awaited, begin, expect, go};

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
