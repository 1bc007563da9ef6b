//! Mitigated registers of a driver that supplies some: their ranges, accesses to them, and word of their change.

use std::env;

use scenarios::script::{answers_with, awaited, go};
use serde_json::{Value, json};

const SUCCESS: &str = "0x00000000";
const PENDING: &str = "0x00000103";
const INVALID_PARAMETER: &str = "0xc000000d";
const INVALID_DEVICE_REQUEST: &str = "0xc0000010";
const ACCESS_DENIED: &str = "0xc0000022";
const BUFFER_TOO_SMALL: &str = "0xc0000023";
const SHARING_VIOLATION: &str = "0xc0000043";
const DEVICE_NOT_READY: &str = "0xc00000a3";
const NOT_SUPPORTED: &str = "0xc00000bb";
const INTERNAL_ERROR: &str = "0xc00000e5";
const CANCELLED: &str = "0xc0000120";
const INVALID_DEVICE_STATE: &str = "0xc0000184";

/// The register of the library driver that switches the ranges: 0 both pages, 1 page 0 alone, 2 a wrong one besides.
const SWITCH: u64 = 0xFF8;

fn ioctl(code: u32, input: &str, output: u32) -> Value {
    json!({"do": "ioctl", "code": code, "input": input, "output": output})
}

fn count(vf: u16) -> Value {
    ioctl(0x0022_6058, &le(vf), 24)
}

fn ranges(vf: u16, bar: u8, output: u32) -> Value {
    ioctl(0x0022_605C, &format!("{}{bar:02x}00", le(vf)), output)
}

fn update(vf: u16, id: &str) -> Value {
    json!({"do": "ioctl", "code": 0x0022_6060, "input": le(vf), "output": 2, "id": id})
}

fn le(vf: u16) -> String {
    format!("{:04x}", vf.swap_bytes())
}

fn read(vf: u16, bar: u16, offset: u64, length: u32) -> Value {
    json!({"do": "register_read", "vf": vf, "bar": bar, "offset": offset, "length": length})
}

fn write(vf: u16, offset: u64, data: &str) -> Value {
    json!({"do": "register_write", "vf": vf, "bar": 0, "offset": offset, "data": data})
}

/// Plays a script on the driver with mitigated registers; panics unless the statuses are those.
#[track_caller]
fn expect(steps: &[(Value, &str)]) -> Vec<Value> {
    let image = env::var("PF_BACKCHANNEL_LIBRARY_IMAGE").expect("run `cargo xtask test`");
    let lines: Vec<Value> = steps.iter().map(|(line, _)| line.clone()).collect();
    let found = answers_with(&["--image", &image, "--vfs", "4"], &lines);
    for (answer, (line, status)) in found.iter().zip(steps) {
        assert_eq!(answer["status"], *status, "{line}: {answer}\nall: {found:?}");
    }
    found
}

#[test]
fn each_vf_has_its_counts_and_ranges_of_each_register() {
    let found = expect(&[
        (count(0), SUCCESS),
        (count(3), SUCCESS),
        (count(4), INVALID_PARAMETER),
        (count(0xFFFF), INVALID_PARAMETER),
        (ranges(1, 0, 32), SUCCESS),
        (ranges(1, 0, 100), SUCCESS),
        (ranges(1, 2, 0), SUCCESS),
        (ranges(1, 6, 32), INVALID_PARAMETER),
        (ranges(4, 0, 32), INVALID_PARAMETER),
    ]);
    let two_of_register_0 = format!("02000000{}", "00".repeat(20));
    assert_eq!([&found[0]["data"], &found[1]["data"]], [&json!(two_of_register_0); 2]);
    // Page 0, one page, both ways; page 2, one page, writes.
    let both = "00000000000000000100000001010000";
    let writes = "02000000000000000100000000010000";
    assert_eq!([&found[4]["data"], &found[5]["data"]], [&json!(format!("{both}{writes}")); 2]);
    assert_eq!(found[6]["data"], Value::Null, "no ranges, no bytes");
}

#[test]
fn buffers_are_checked_on_arrival() {
    expect(&[
        (ioctl(0x0022_6058, "", 24), BUFFER_TOO_SMALL),
        (ioctl(0x0022_6058, "00", 24), BUFFER_TOO_SMALL),
        (ioctl(0x0022_6058, "0000", 23), BUFFER_TOO_SMALL),
        (ioctl(0x0022_605C, "000000", 32), BUFFER_TOO_SMALL),
        (ranges(0, 0, 31), BUFFER_TOO_SMALL),
        (ranges(0, 0, 0), BUFFER_TOO_SMALL),
        (ioctl(0x0022_6060, "0000", 1), BUFFER_TOO_SMALL),
        (ioctl(0x0022_6060, "00", 2), BUFFER_TOO_SMALL),
        (ioctl(0x0022_6060, "", 0), BUFFER_TOO_SMALL),
        (ioctl(0x0022_6060, "0400", 2), INVALID_PARAMETER),
    ]);
}

#[test]
fn programs_are_refused_mitigated_ranges() {
    let by_user = |code: u32| json!({"do": "ioctl", "code": code, "major": "device_control", "mode": "user", "input": "00000000", "output": 64});
    expect(&[0x0022_6058, 0x0022_605C, 0x0022_6060].map(|code| (by_user(code), ACCESS_DENIED)));
}

#[test]
fn accesses_in_a_range_reach_the_drivers_registers() {
    let found = expect(&[
        (write(1, 0, "0102030405060708"), SUCCESS),
        (read(1, 0, 0, 8), SUCCESS),
        (read(2, 0, 0, 4), SUCCESS),
        (read(2, 0, 8, 2), SUCCESS),
        (write(2, 0x2FFF, "00"), SUCCESS),
        (write(2, 0x2000, "00000000"), SUCCESS),
        (read(2, 0, 16, 1), SUCCESS),
        (read(2, 0, 24, 1), INVALID_DEVICE_REQUEST),
    ]);
    let bytes: Vec<_> = [1, 2, 3, 6].map(|line: usize| found[line]["data"].clone()).into();
    assert_eq!(bytes, ["0102030405060708", "00000000", "0200", "02"]);
    assert_eq!(found[7]["data"], "00", "what is refused leaves zeros");
}

#[test]
fn accesses_outside_the_ranges_are_refused() {
    let found = expect(&[
        (read(0, 0, 0x2000, 4), INVALID_PARAMETER),
        (read(0, 0, 0xFFC, 8), INVALID_PARAMETER),
        (write(0, 0xFFF, "0000"), INVALID_PARAMETER),
        (write(0, 0x1000, "00"), INVALID_PARAMETER),
        (write(0, u64::MAX, "0000"), INVALID_PARAMETER),
        (read(0, 1, 0, 4), INVALID_PARAMETER),
        (read(0, 6, 0, 4), INVALID_PARAMETER),
        (read(0, 0x100, 0, 4), INVALID_PARAMETER),
        (read(4, 0, 0, 4), INVALID_PARAMETER),
        (read(0, 0, 0, 0), INVALID_PARAMETER),
        (read(0, 0, 0, 9), INVALID_PARAMETER),
        (
            json!({"do": "register_read", "vf": 0, "bar": 0, "offset": 0, "length": 4, "data": null}),
            INVALID_PARAMETER,
        ),
        (
            json!({"do": "register_write", "vf": 0, "bar": 0, "offset": 0, "length": 4, "data": null}),
            INVALID_PARAMETER,
        ),
    ]);
    assert_eq!(found[0]["data"], "00000000", "what is refused leaves zeros");
    assert_eq!(found[10]["data"], "a5".repeat(9), "a length that is none is not believed");
}

#[test]
fn power_and_life_of_a_vf_hold_for_its_registers_too() {
    expect(&[
        (json!({"do": "power", "vf": 0, "state": "D3"}), SUCCESS),
        (read(0, 0, 0, 4), INVALID_DEVICE_STATE),
        (read(1, 0, 0, 4), SUCCESS),
        (json!({"do": "power", "vf": 0, "state": "D0"}), SUCCESS),
        (read(0, 0, 0, 4), SUCCESS),
        (go("sleep"), SUCCESS),
        (read(0, 0, 0, 4), DEVICE_NOT_READY),
        (count(0), DEVICE_NOT_READY),
        (ranges(0, 0, 32), DEVICE_NOT_READY),
        (go("resume"), SUCCESS),
        (read(0, 0, 0, 4), SUCCESS),
        (go("surprise_remove"), SUCCESS),
        (read(0, 0, 0, 4), DEVICE_NOT_READY),
        (count(0), DEVICE_NOT_READY),
        (update(0, "u"), DEVICE_NOT_READY),
    ]);
}

#[test]
fn who_waits_for_a_change_of_a_vfs_ranges_is_told() {
    let found = expect(&[
        (update(1, "one"), PENDING),
        (update(2, "two"), PENDING),
        (write(2, SWITCH, "01"), SUCCESS),
        (awaited("two"), SUCCESS),
        (count(2), SUCCESS),
        (count(1), SUCCESS),
        (write(2, 0x2000, "00"), INVALID_PARAMETER),
        (write(2, SWITCH, "00"), SUCCESS),
        // Nobody waited: the change is told to who comes next, once.
        (update(2, "two again"), SUCCESS),
        (update(2, "and again"), PENDING),
        (write(1, SWITCH, "01"), SUCCESS),
        (awaited("one"), SUCCESS),
    ]);
    assert_eq!([&found[3]["data"], &found[8]["data"], &found[11]["data"]], ["0200", "0200", "0100"]);
    assert_eq!(
        [&found[4]["data"], &found[5]["data"]].map(|data| data.as_str().map(|data| &data[..8])),
        [Some("01000000"), Some("02000000")]
    );
}

#[test]
fn one_request_waits_for_each_vf_and_can_be_cancelled() {
    let cancel = |id: &str| json!({"do": "cancel", "of": id});
    expect(&[
        (update(3, "u"), PENDING),
        (update(3, "v"), SHARING_VIOLATION),
        (cancel("u"), CANCELLED),
        (update(3, "w"), PENDING),
        (json!({"do": "cancel", "of": "w", "dpc": true}), CANCELLED),
        (write(3, SWITCH, "01"), SUCCESS),
        (update(3, "x"), SUCCESS),
    ]);
}

#[test]
fn waiting_requests_outlive_a_rebalance_and_sleep_and_end_with_the_device() {
    expect(&[
        (update(0, "u"), PENDING),
        (update(1, "v"), PENDING),
        (go("sleep"), SUCCESS),
        (go("resume"), SUCCESS),
        (go("query_stop"), SUCCESS),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        (write(1, SWITCH, "01"), SUCCESS),
        (awaited("v"), SUCCESS),
        (go("surprise_remove"), SUCCESS),
        (awaited("u"), CANCELLED),
    ]);
}

#[test]
fn requests_end_with_the_handle_that_they_came_by() {
    let control = json!({"do": "handle", "action": "control", "on": "h", "code": 0x0022_6060, "input": "0000", "output": 2, "id": "u"});
    expect(&[
        (json!({"do": "handle", "action": "open", "id": "h"}), SUCCESS),
        (control, PENDING),
        (update(1, "v"), PENDING),
        (json!({"do": "handle", "action": "close", "on": "h"}), SUCCESS),
        (awaited("u"), CANCELLED),
        (write(1, SWITCH, "01"), SUCCESS),
        (awaited("v"), SUCCESS),
    ]);
}

#[test]
fn detach_forgets_changes_that_nobody_was_told_of() {
    expect(&[
        (go("attach"), SUCCESS),
        (write(0, SWITCH, "01"), SUCCESS),
        (go("detach"), SUCCESS),
        (update(0, "u"), PENDING),
    ]);
}

#[test]
fn wrong_ranges_are_not_handed_out() {
    expect(&[
        (write(0, SWITCH, "02"), SUCCESS),
        (count(0), INTERNAL_ERROR),
        (ranges(0, 0, 64), INTERNAL_ERROR),
        (read(0, 0, 0, 4), INTERNAL_ERROR),
        (count(1), SUCCESS),
    ]);
}

#[test]
fn interface_is_there_for_who_has_room_and_counts_its_references() {
    let query = |size: u16, version: u16| json!({"do": "query_interface", "guid": "mitigable", "size": size, "version": version});
    let found = expect(&[
        (query(40, 1), SUCCESS),
        (query(64, 9), SUCCESS),
        (query(39, 1), NOT_SUPPORTED),
        (query(40, 0), NOT_SUPPORTED),
        (go("remove"), SUCCESS),
    ]);
    for answer in &found[..2] {
        let shape =
            ["size", "version", "members", "null_members", "written"].map(|name| answer[name].as_u64());
        assert_eq!(shape, [40, 1, 1, 0, 40].map(Some), "{answer}");
    }
}
