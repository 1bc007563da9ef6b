//! How many VFs there are: the hardware key's word, held against the SR-IOV capability.

use scenarios::command;
use scenarios::script::{answers_with, vsp_read};
use serde_json::json;

use crate::{INVALID_PARAMETER, SUCCESS};

#[test]
fn hardware_key_says_how_many_vfs_are_on() {
    let found = answers_with(
        &["--vfs", "3", "--total-vfs", "8"],
        &[
            vsp_read(2, 0, 128),
            vsp_read(3, 0, 128),
            json!({"do": "location", "vf": 2}),
            json!({"do": "bar", "vf": 2, "bar": 0}),
        ],
    );
    assert_eq!([&found[0]["status"], &found[1]["status"]], [SUCCESS, INVALID_PARAMETER]);
    assert_eq!(found[2]["function"], 0x84);
    // The window is divided among all VFs that the hardware has.
    assert_eq!([&found[3]["start"], &found[3]["length"]], [&json!(0xF_D002_0000_u64), &json!(0x1_0000)]);
}

#[test]
fn without_a_word_all_vfs_are_on() {
    let found =
        answers_with(&["--no-num-vfs", "--total-vfs", "6"], &[vsp_read(5, 0, 128), vsp_read(6, 0, 128)]);
    assert_eq!([&found[0]["status"], &found[1]["status"]], [SUCCESS, INVALID_PARAMETER]);
}

#[test]
fn zero_means_none() {
    let found = answers_with(
        &["--vfs", "0", "--total-vfs", "6"],
        &[vsp_read(0, 0, 128), json!({"do": "vendor_device", "vf": 0})],
    );
    assert_eq!(found[0]["status"], INVALID_PARAMETER);
    assert_eq!(found[1]["vendor"], 0xFFFF);
}

#[test]
fn more_than_the_hardware_has_do_not_start() {
    let run = command::run_with_input(["run", "-", "--vfs", "5", "--total-vfs", "4"], "");
    run.expect_code(1);
    assert!(run.errors.contains("does not start"), "{run}");
}

#[test]
fn vfs_beyond_a_bus_number_are_where_the_bus_says() {
    let found = answers_with(&["--vfs", "65"], &[json!({"do": "location", "vf": 64})]);
    assert_eq!([&found[0]["bus"], &found[0]["function"]], [2, 0]);
}

#[test]
fn line_interrupt_does_not_start() {
    let run = command::run_with_input(["run", "-", "--line-interrupt"], "");
    run.expect_code(1);
    assert!(run.errors.contains("does not start: 0xc0000182"), "{run}");
}
