//! IOCTL_SRIOV_*: one test a request, both majors, both modes, buffers of every wrong size.

use serde_json::{Value, json};

use crate::{
    ACCESS_DENIED, BUFFER_TOO_SMALL, CANCELLED, INSUFFICIENT_RESOURCES, INVALID_DEVICE_REQUEST,
    INVALID_DEVICE_STATE, NOT_SUPPORTED, PENDING, SHARING_VIOLATION, SUCCESS, begin, expect, go,
};

const NOTIFICATION: u32 = 0x0022_6044;
const EVENT_COMPLETE: u32 = 0x0022_6048;
const ATTACH: u32 = 0x0022_604C;
const DETACH: u32 = 0x0022_6050;
const INVALIDATE_BLOCK: u32 = 0x0022_6054;
const RANGE_COUNT: u32 = 0x0022_6058;
const RANGES: u32 = 0x0022_605C;
const RANGE_UPDATE: u32 = 0x0022_6060;
const PROXY_QUERY_LUID: u32 = 0x0022_6064;

fn ioctl(code: u32, input: &str, output: u32) -> Value {
    json!({"do": "ioctl", "code": code, "input": input, "output": output})
}

fn by_user(code: u32, input: &str, output: u32) -> Value {
    json!({"do": "ioctl", "code": code, "major": "device_control", "mode": "user", "input": input, "output": output})
}

fn named(mut line: Value, id: &str) -> Value {
    line["id"] = id.into();
    line
}

fn cancel(id: &str) -> Value {
    json!({"do": "cancel", "of": id})
}

#[test]
fn attach_admits_one() {
    expect(&[
        (go("attach"), SUCCESS),
        (go("attach"), SHARING_VIOLATION),
        (go("detach"), SUCCESS),
        (go("attach"), SUCCESS),
    ]);
}

#[test]
fn detach_is_never_refused() {
    expect(&[
        (go("detach"), SUCCESS),
        (go("attach"), SUCCESS),
        (go("detach"), SUCCESS),
        (go("detach"), SUCCESS),
    ]);
}

#[test]
fn notification_waits_and_can_be_cancelled() {
    expect(&[
        (go("attach"), SUCCESS),
        (begin("notification", "n"), PENDING),
        (cancel("n"), CANCELLED),
        (begin("notification", "m"), PENDING),
        (json!({"do": "cancel", "of": "m", "dpc": true}), CANCELLED),
    ]);
}

#[test]
fn notification_wants_room_for_its_event_on_arrival() {
    expect(&[
        (go("attach"), SUCCESS),
        (ioctl(NOTIFICATION, "", 0), BUFFER_TOO_SMALL),
        (ioctl(NOTIFICATION, "", 3), BUFFER_TOO_SMALL),
        (named(ioctl(NOTIFICATION, "", 100), "n"), PENDING),
    ]);
}

#[test]
fn eight_notifications_wait_and_a_ninth_is_refused() {
    let mut steps = vec![(go("attach"), SUCCESS)];
    steps.extend((1..=8).map(|number| (begin("notification", &format!("n{number}")), PENDING)));
    steps.push((go("notification"), INSUFFICIENT_RESOURCES));
    steps.push((cancel("n1"), CANCELLED));
    steps.push((begin("notification", "n9"), PENDING));
    expect(&steps);
}

#[test]
fn event_complete_without_an_event_is_refused() {
    expect(&[
        (go("event_complete"), INVALID_DEVICE_STATE),
        (go("attach"), SUCCESS),
        (go("event_complete"), INVALID_DEVICE_STATE),
        (ioctl(EVENT_COMPLETE, "", 0), BUFFER_TOO_SMALL),
        (ioctl(EVENT_COMPLETE, "000000", 0), BUFFER_TOO_SMALL),
    ]);
}

#[test]
fn invalidate_block_waits_and_can_be_cancelled() {
    expect(&[
        (named(ioctl(INVALIDATE_BLOCK, "", 16), "i"), PENDING),
        (named(ioctl(INVALIDATE_BLOCK, "", 16), "j"), PENDING),
        (cancel("i"), CANCELLED),
        (json!({"do": "cancel", "of": "j", "dpc": true}), CANCELLED),
        (ioctl(INVALIDATE_BLOCK, "", 15), BUFFER_TOO_SMALL),
        (ioctl(INVALIDATE_BLOCK, "", 0), BUFFER_TOO_SMALL),
    ]);
}

#[test]
fn mitigated_ranges_are_not_supported_by_a_pf_without_any() {
    expect(&[
        (ioctl(RANGE_COUNT, "0000", 24), NOT_SUPPORTED),
        (ioctl(RANGES, "00000000", 16), NOT_SUPPORTED),
        (ioctl(RANGE_UPDATE, "0000", 2), NOT_SUPPORTED),
    ]);
}

#[test]
fn proxy_query_luid_answers_what_query_luid_does() {
    let found = expect(&[
        (go("luid"), SUCCESS),
        (ioctl(PROXY_QUERY_LUID, "", 8), SUCCESS),
        (by_user(PROXY_QUERY_LUID, "", 8), SUCCESS),
        (by_user(PROXY_QUERY_LUID, "", 7), BUFFER_TOO_SMALL),
        (by_user(PROXY_QUERY_LUID, "", 0), BUFFER_TOO_SMALL),
    ]);
    assert_eq!([&found[1]["data"], &found[2]["data"]], [&found[0]["data"]; 2]);
}

#[test]
fn user_mode_is_refused_everything_but_the_luid() {
    let codes =
        [NOTIFICATION, EVENT_COMPLETE, ATTACH, DETACH, INVALIDATE_BLOCK, RANGE_COUNT, RANGES, RANGE_UPDATE];
    expect(&codes.map(|code| (by_user(code, "00000000", 24), ACCESS_DENIED)));
}

#[test]
fn either_major_function_carries_a_request() {
    let by_device_control = |code: u32| json!({"do": "ioctl", "code": code, "major": "device_control"});
    expect(&[
        (by_device_control(ATTACH), SUCCESS),
        (ioctl(ATTACH, "", 0), SHARING_VIOLATION),
        (by_device_control(DETACH), SUCCESS),
        (ioctl(DETACH, "", 0), SUCCESS),
    ]);
}

#[test]
fn unknown_codes_are_refused() {
    expect(&[
        (ioctl(0x0022_6040, "", 0), INVALID_DEVICE_REQUEST),
        (ioctl(0x0022_6068, "", 64), INVALID_DEVICE_REQUEST),
        (by_user(0x0022_2000, "00", 64), INVALID_DEVICE_REQUEST),
        // The same requests as a header would have them that honoured the macro's method.
        (ioctl(0x0022_6046, "", 4), INVALID_DEVICE_REQUEST),
        (ioctl(0x0022_6049, "00000000", 0), INVALID_DEVICE_REQUEST),
    ]);
}
