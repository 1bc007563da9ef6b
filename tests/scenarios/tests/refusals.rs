//! What the PF refuses, with which status, and that it leaves no trace: one test a refusal.
//!
//! The VSP's raw calls hand the PF exactly these arguments. Buffers end at an inaccessible page and the bytes in front of
//! them are watched, so a call that comes back has touched nothing but its buffer.

use scenarios::script::{answers, answers_with, hex, read, vsp_read, vsp_write, vsp_write_of, write};
use serde_json::{Value, json};

/// The worked example's control block: written and read, exactly 128 bytes.
const CONTROL: u32 = 0;
/// The block of statistics pieces: written only.
const STATISTICS: u32 = 1;
/// The block of the example's counters: read only.
const REPORT: u32 = 0x0FFF;
/// A block that nobody serves.
const UNKNOWN: u32 = 99;
const VFS: u16 = 4;
const BLOCK: usize = 128;

const SUCCESS: &str = "0x00000000";
const INVALID_PARAMETER: &str = "0xc000000d";
const BUFFER_TOO_SMALL: &str = "0xc0000023";
const NOT_SUPPORTED: &str = "0xc00000bb";
const INVALID_BUFFER_SIZE: &str = "0xc0000206";

#[test]
fn write_of_no_bytes_is_refused() {
    expect_write_refused(vsp_write(0, CONTROL, &[]), INVALID_PARAMETER);
}

#[test]
fn write_of_129_bytes_is_refused() {
    expect_write_refused(vsp_write(0, CONTROL, &[0xEE; 129]), INVALID_PARAMETER);
}

#[test]
fn write_of_129_bytes_is_refused_before_they_are_looked_at() {
    expect_write_refused(vsp_write_of(0, CONTROL, 129, &[0xEE]), INVALID_PARAMETER);
}

#[test]
fn write_of_4294967295_bytes_is_refused() {
    expect_write_refused(vsp_write_of(0, CONTROL, 4_294_967_295, &[0xEE; BLOCK]), INVALID_PARAMETER);
}

#[test]
fn write_without_a_buffer_is_refused() {
    let line = json!({"do": "vsp_write", "vf": 0, "block": CONTROL, "length": BLOCK, "data": null});
    expect_write_refused(line, INVALID_PARAMETER);
}

#[test]
fn write_for_the_vf_after_the_last_is_refused() {
    expect_write_refused(vsp_write(VFS, CONTROL, &[0xEE; BLOCK]), INVALID_PARAMETER);
}

#[test]
fn write_for_all_vfs_is_refused() {
    expect_write_refused(vsp_write(0xFFFF, CONTROL, &[0xEE; BLOCK]), INVALID_PARAMETER);
}

#[test]
fn write_of_an_unknown_block_is_refused() {
    expect_write_refused(vsp_write(0, UNKNOWN, &[0xEE; BLOCK]), INVALID_PARAMETER);
}

#[test]
fn write_of_a_block_that_is_only_read_is_refused() {
    expect_write_refused(vsp_write(0, REPORT, &[0xEE; BLOCK]), NOT_SUPPORTED);
}

#[test]
fn write_shorter_than_the_block_is_refused() {
    expect_write_refused(vsp_write(0, CONTROL, &[0xEE; BLOCK - 1]), INVALID_BUFFER_SIZE);
}

#[test]
fn read_of_no_bytes_is_refused() {
    expect_read_untouched(vsp_read(0, CONTROL, 0), INVALID_PARAMETER);
}

#[test]
fn read_of_129_bytes_is_refused() {
    expect_read_untouched(vsp_read(0, CONTROL, 129), INVALID_PARAMETER);
}

#[test]
fn read_of_4294967295_bytes_is_refused() {
    expect_read_untouched(vsp_read(0, CONTROL, 4_294_967_295), INVALID_PARAMETER);
}

#[test]
fn read_without_a_buffer_is_refused() {
    let line = json!({"do": "vsp_read", "vf": 0, "block": CONTROL, "length": BLOCK, "data": null});
    expect_read_untouched(line, INVALID_PARAMETER);
}

#[test]
fn read_for_the_vf_after_the_last_is_refused() {
    expect_read_zeroed(VFS, CONTROL, BLOCK, INVALID_PARAMETER);
}

#[test]
fn read_for_all_vfs_is_refused() {
    expect_read_zeroed(0xFFFF, CONTROL, BLOCK, INVALID_PARAMETER);
}

#[test]
fn read_of_an_unknown_block_is_refused() {
    expect_read_zeroed(0, UNKNOWN, BLOCK, INVALID_PARAMETER);
}

#[test]
fn read_of_one_byte_of_an_unknown_block_zeroes_that_byte() {
    expect_read_zeroed(0, UNKNOWN, 1, INVALID_PARAMETER);
}

#[test]
fn read_of_a_block_that_is_only_written_is_refused() {
    expect_read_zeroed(0, STATISTICS, BLOCK, NOT_SUPPORTED);
}

#[test]
fn read_shorter_than_the_block_is_refused() {
    expect_read_zeroed(0, CONTROL, BLOCK - 1, BUFFER_TOO_SMALL);
}

#[test]
fn vf_count_is_the_one_of_the_hardware_key() {
    let lines = [vsp_read(6, CONTROL, 128), vsp_read(7, CONTROL, 128)];
    let found = answers_with(&["--vfs", "7"], &lines);
    assert_eq!([&found[0]["status"], &found[1]["status"]], [SUCCESS, INVALID_PARAMETER]);
}

#[test]
fn device_without_vfs_refuses_the_first_one() {
    let found = answers_with(&["--vfs", "0"], &[vsp_read(0, CONTROL, 128)]);
    assert_eq!(found[0]["status"], INVALID_PARAMETER);
}

/// A block of exactly 128 bytes is the longest there is, and legal.
///
/// The sources disagree: the annotation in `pcivirt.h` says less than VPCI_MAX_READ_WRITE_BLOCK_SIZE, its documentation
/// says not more, and the one public client, mlx5 of Linux, sends 128 bytes each time.
#[test]
fn block_of_128_bytes_is_accepted() {
    let block = announcement();
    let found = answers(&[vsp_write(0, CONTROL, &block), vsp_read(0, CONTROL, 128)]);
    assert_eq!([&found[0]["status"], &found[1]["status"]], [SUCCESS, SUCCESS]);
    assert_eq!(found[1]["data"].as_str().map(|data| &data[..8]), Some("01000000"));
    assert_eq!(found[1]["touched"], BLOCK);
}

#[test]
fn guests_write_that_no_message_carries_is_refused_by_its_bus_driver() {
    let found = answers(&[write(0, CONTROL, &[0; 129]), write(0, CONTROL, &[]), read(0, CONTROL, 129)]);
    for answer in found {
        assert_eq!([&answer["status"], &answer["by"]], [INVALID_PARAMETER, "vpci"], "{answer}");
    }
}

#[test]
fn guest_of_a_vf_that_the_device_lacks_is_refused_by_the_pf() {
    let found = answers(&[write(VFS, CONTROL, &[0; BLOCK]), read(0xFFFF, CONTROL, 128)]);
    for answer in found {
        assert_eq!([&answer["status"], &answer["by"]], [INVALID_PARAMETER, "pf"], "{answer}");
    }
}

/// The refusal has its status from the PF, and what every VF reads is the same before and after.
#[track_caller]
fn expect_write_refused(line: Value, status: &str) {
    // Every VF has said something, so that there is something to lose.
    let speak = (0..VFS).map(|vf| vsp_write(vf, CONTROL, &announcement()));
    let look = || (0..VFS).flat_map(|vf| [vsp_read(vf, CONTROL, 128), vsp_read(vf, REPORT, 128)]);
    let lines: Vec<Value> = speak.chain(look()).chain([line]).chain(look()).collect();
    let found = answers(&lines);
    let (speak, rest) = found.split_at(usize::from(VFS));
    let (before, rest) = rest.split_at(2 * usize::from(VFS));
    let (refused, after) = rest.split_first().expect("the line was answered");
    assert!(speak.iter().chain(before).all(|answer| answer["status"] == SUCCESS), "{found:?}");
    assert_eq!([&refused["status"], &refused["by"]], [status, "pf"]);
    assert_eq!(before, after, "what the VFs read");
}

/// The refusal has its status from the PF, and exactly the bytes asked for are zero.
#[track_caller]
fn expect_read_zeroed(vf: u16, block: u32, length: usize, status: &str) {
    let found = answers(&[vsp_read(vf, block, length as u64)]).remove(0);
    assert_eq!([&found["status"], &found["by"]], [status, "pf"]);
    assert_eq!(found["data"], hex(&vec![0; length]));
    assert_eq!(found["touched"], length);
}

/// The refusal has its status from the PF, and no byte of the buffer has changed.
#[track_caller]
fn expect_read_untouched(line: Value, status: &str) {
    let found = answers(&[line]).remove(0);
    assert_eq!([&found["status"], &found["by"]], [status, "pf"]);
    assert_eq!(found["touched"], 0);
}

/// A control block in which a VF says that it has statistics.
fn announcement() -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[0] = 1;
    block
}
