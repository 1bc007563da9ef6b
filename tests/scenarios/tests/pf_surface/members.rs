//! Each member of SRIOV_DEVICE_INTERFACE_STANDARD, beside those of blocks, and of its version 2.

use scenarios::script::hex;
use serde_json::{Value, json};

use crate::{DEVICE_NOT_READY, INVALID_DEVICE_STATE, INVALID_PARAMETER, SUCCESS, expect, go};

/// Indices that no VF of a PF with four has.
const NO_VFS: [u32; 2] = [4, 0xFFFF];

fn config_read(vf: u32, offset: u32, length: u32) -> Value {
    json!({"do": "vf_config_read", "vf": vf, "offset": offset, "length": length})
}

fn config_write(vf: u32, offset: u32, data: &[u8]) -> Value {
    json!({"do": "vf_config_write", "vf": vf, "offset": offset, "data": hex(data)})
}

#[test]
fn read_vf_config_reads_the_registers_of_that_vf() {
    let found = expect(&[
        (config_write(1, 4, &[4]), SUCCESS),
        (config_read(1, 4, 1), SUCCESS),
        (config_read(0, 4, 1), SUCCESS),
        (config_read(0, 0, 4), SUCCESS),
    ]);
    assert_eq!([&found[1]["data"], &found[2]["data"]], ["04", "00"]);
    // The hardware's own answer: a VF's identifiers are not in its registers.
    assert_eq!(found[3]["data"], "ffffffff");
}

#[test]
fn read_vf_config_refuses_what_is_no_register() {
    expect(&[
        (config_read(4, 0, 4), INVALID_PARAMETER),
        (config_read(0xFFFF, 0, 4), INVALID_PARAMETER),
        (config_read(0, 4096, 1), INVALID_PARAMETER),
        (config_read(0, 4095, 2), INVALID_PARAMETER),
        (config_read(0, u32::MAX, u32::MAX), INVALID_PARAMETER),
        (config_read(0, 0, 0), INVALID_PARAMETER),
        (json!({"do": "vf_config_read", "vf": 0, "offset": 0, "length": 4, "data": null}), INVALID_PARAMETER),
        (config_read(0, 4092, 4), SUCCESS),
    ]);
}

#[test]
fn write_vf_config_refuses_what_is_no_register() {
    expect(&[
        (config_write(4, 4, &[4]), INVALID_PARAMETER),
        (config_write(0, 4096, &[4]), INVALID_PARAMETER),
        (config_write(0, 4095, &[4, 4]), INVALID_PARAMETER),
        (
            json!({"do": "vf_config_write", "vf": 0, "offset": 4, "length": 0, "data": "00"}),
            INVALID_PARAMETER,
        ),
        (
            json!({"do": "vf_config_write", "vf": 0, "offset": 4, "length": 4, "data": null}),
            INVALID_PARAMETER,
        ),
        (
            json!({"do": "vf_config_write", "vf": 0, "offset": 4, "length": 4_294_967_295_u32, "data": "00"}),
            INVALID_PARAMETER,
        ),
    ]);
}

#[test]
fn query_probed_bars_answers_the_vfs_sizes() {
    let found = expect(&[
        (go("probed_bars"), SUCCESS),
        (json!({"do": "probed_bars", "vf": 2}), SUCCESS),
        (json!({"do": "probed_bars", "vf": 4}), INVALID_PARAMETER),
        (json!({"do": "probed_bars", "null": true}), INVALID_PARAMETER),
        (json!({"do": "probed_bars", "vf": 0, "null": true}), INVALID_PARAMETER),
    ]);
    let bars = json!([0xFFFF_000C_u32, u32::MAX, 0xFFFF_C004_u32, u32::MAX, 0xFFFF_F000_u32, 0]);
    assert_eq!([&found[0]["bars"], &found[1]["bars"]], [&bars, &bars]);
}

#[test]
fn get_vendor_and_device_answers_the_vfs_identifiers() {
    let ask = |vf: u32| (json!({"do": "vendor_device", "vf": vf}), SUCCESS);
    let found = expect(&[
        ask(0),
        ask(3),
        ask(NO_VFS[0]),
        ask(NO_VFS[1]),
        (json!({"do": "vendor_device", "vf": 0, "null": true}), SUCCESS),
    ]);
    let identifiers = |answer: &Value| (answer["vendor"].as_u64(), answer["device"].as_u64());
    assert_eq!(identifiers(&found[0]), (Some(0x15B3), Some(0x1018)));
    assert_eq!(identifiers(&found[3 - 2]), identifiers(&found[0]));
    assert_eq!(identifiers(&found[2]), (Some(0xFFFF), Some(0xFFFF)));
    assert_eq!(identifiers(&found[3]), (Some(0xFFFF), Some(0xFFFF)));
}

#[test]
fn get_device_location_answers_where_the_bus_has_the_vf() {
    let ask = |vf: u32| (json!({"do": "location", "vf": vf}), SUCCESS);
    let found = expect(&[
        ask(0),
        ask(3),
        ask(NO_VFS[0]),
        ask(NO_VFS[1]),
        (json!({"do": "location", "vf": 0, "null": true}), SUCCESS),
    ]);
    let places: Vec<[Value; 3]> =
        found.iter().map(|answer| ["segment", "bus", "function"].map(|name| answer[name].clone())).collect();
    assert_eq!(
        places[..4],
        [[0, 1, 0x80], [0, 1, 0x86], [0, 0, 0], [0, 0, 0]].map(|place| place.map(Value::from))
    );
}

#[test]
fn reset_vf_resets_that_vf_alone() {
    let reset = |vf: u32| json!({"do": "reset", "vf": vf});
    let found = expect(&[
        (config_write(1, 4, &[4]), SUCCESS),
        (config_write(2, 4, &[4]), SUCCESS),
        (reset(1), SUCCESS),
        (config_read(1, 4, 1), SUCCESS),
        (config_read(2, 4, 1), SUCCESS),
        (reset(4), INVALID_PARAMETER),
        (reset(0xFFFF), INVALID_PARAMETER),
    ]);
    assert_eq!([&found[3]["data"], &found[4]["data"]], ["00", "04"]);
}

#[test]
fn set_vf_power_state_turns_a_vf_off_and_on() {
    let power = |vf: u32, state: Value| json!({"do": "power", "vf": vf, "state": state});
    let read = |vf: u16| scenarios::script::vsp_read(vf, 0, 128);
    expect(&[
        (power(0, "D3".into()), SUCCESS),
        (read(0), INVALID_DEVICE_STATE),
        (read(1), SUCCESS),
        (power(0, "D0".into()), SUCCESS),
        (read(0), SUCCESS),
        (power(4, "D0".into()), INVALID_PARAMETER),
        (power(0, 0.into()), INVALID_PARAMETER),
        (power(0, 5.into()), INVALID_PARAMETER),
        (power(0, (-1).into()), INVALID_PARAMETER),
    ]);
}

#[test]
fn get_resource_for_bar_answers_the_vfs_share_of_the_window() {
    let bar = |vf: u32, bar: u32| json!({"do": "bar", "vf": vf, "bar": bar});
    let found = expect(&[
        (bar(0, 0), SUCCESS),
        (bar(3, 0), SUCCESS),
        (bar(3, 2), SUCCESS),
        (bar(1, 4), SUCCESS),
        (bar(0, 5), SUCCESS),
        (bar(0, 6), INVALID_PARAMETER),
        (bar(0, 0xFFFF), INVALID_PARAMETER),
        (bar(4, 0), INVALID_PARAMETER),
        (json!({"do": "bar", "vf": 0, "bar": 0, "null": true}), INVALID_PARAMETER),
    ]);
    let shares: Vec<[Option<u64>; 3]> = found[..4]
        .iter()
        .map(|answer| ["type", "start", "length"].map(|name| answer[name].as_u64()))
        .collect();
    let expected: [[u64; 3]; 4] = [
        [3, 0xF_D000_0000, 0x1_0000],
        [3, 0xF_D003_0000, 0x1_0000],
        [3, 0xF_E000_C000, 0x4000],
        [3, 0xE000_1000, 0x1000],
    ];
    assert_eq!(shares, expected.map(|share| share.map(Some)));
    assert_eq!(found[4]["type"], 0, "no memory behind the register");
}

#[test]
fn query_luid_answers_the_same_as_long_as_the_driver_is_loaded() {
    let found = expect(&[
        (go("luid"), SUCCESS),
        (go("luid"), SUCCESS),
        (json!({"do": "luid", "null": true}), INVALID_PARAMETER),
        (go("query_stop"), SUCCESS),
        (go("stop"), SUCCESS),
        (go("start"), SUCCESS),
        (go("luid"), SUCCESS),
    ]);
    assert_ne!(found[0]["data"], hex(&[0; 8]));
    assert_eq!([&found[1]["data"], &found[6]["data"]], [&found[0]["data"]; 2]);
}

#[test]
fn query_vf_luid_answers_one_of_each_vf_and_query_luid_vf_finds_it() {
    let luid = |vf: u32| (json!({"do": "luid", "vf": vf}), SUCCESS);
    let found = expect(&[(go("luid"), SUCCESS), luid(0), luid(1), luid(2), luid(3)]);
    let mut luids: Vec<String> = found.iter().map(|answer| answer["data"].to_string()).collect();
    luids.sort();
    luids.dedup();
    assert_eq!(luids.len(), 5, "all differ: {found:?}");
    // A luid is new in each process: the same run asks and finds.
    let missing = json!({"do": "luid_vf", "luid": "ffffffffffffffff"});
    expect(&[
        (missing, INVALID_PARAMETER),
        (json!({"do": "luid", "vf": 4}), INVALID_PARAMETER),
        (json!({"do": "luid", "vf": 0, "null": true}), INVALID_PARAMETER),
        (json!({"do": "luid_vf", "luid": "0000000000000000", "null": true}), INVALID_PARAMETER),
    ]);
}

#[test]
fn query_luid_vf_finds_the_vf_of_a_luid() {
    let mut script = scenarios::script::Conversation::begin(&[]);
    for vf in 0..4 {
        let luid = script.ask(&json!({"do": "luid", "vf": vf}))["data"].clone();
        let found = script.ask(&json!({"do": "luid_vf", "luid": luid}));
        assert_eq!([&found["status"], &found["vf"]], [&json!(SUCCESS), &json!(vf)]);
    }
    script.end();
}

#[test]
fn members_refuse_while_the_pf_is_stopped() {
    let found = expect(&[
        (go("query_stop"), SUCCESS),
        (go("stop"), SUCCESS),
        (config_read(0, 0, 4), DEVICE_NOT_READY),
        (config_write(0, 4, &[4]), DEVICE_NOT_READY),
        (go("probed_bars"), DEVICE_NOT_READY),
        (json!({"do": "reset", "vf": 0}), DEVICE_NOT_READY),
        (json!({"do": "power", "vf": 0, "state": "D0"}), DEVICE_NOT_READY),
        (json!({"do": "bar", "vf": 0, "bar": 0}), DEVICE_NOT_READY),
        (scenarios::script::vsp_read(0, 0, 128), DEVICE_NOT_READY),
        (json!({"do": "vendor_device", "vf": 0}), SUCCESS),
        (json!({"do": "location", "vf": 0}), SUCCESS),
        (go("start"), SUCCESS),
        (config_read(0, 0, 4), SUCCESS),
    ]);
    assert_eq!([&found[9]["vendor"], &found[9]["device"]], [0xFFFF; 2]);
    assert_eq!([&found[10]["bus"], &found[10]["function"]], [0; 2]);
}
