//! The scripted run: its lines, its answers, its exit codes.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use scenarios::command::{self, BAD_ARGUMENTS, CLEAN};
use scenarios::script::{answers, hex, read, vsp_read, vsp_write, write};
use serde_json::{Value, json};

const SUCCESS: &str = "0x00000000";
const DEVICE_NOT_READY: &str = "0xc00000a3";
const IMAGE_ALREADY_LOADED: &str = "0xc000010e";
/// The worked example's control block.
const CONTROL: u32 = 0;

#[test]
fn guests_write_reaches_the_handler_by_either_way_in() {
    for operation in ["write", "write_ioctl"] {
        let line = json!({"do": operation, "vf": 2, "block": CONTROL, "data": hex(&announcement(1))});
        let found = answers(&[line, read(2, CONTROL, 128), read(1, CONTROL, 128)]);
        assert_eq!(found[0], json!({"status": SUCCESS, "by": "pf"}), "{operation}");
        assert_eq!(first_byte(&found[1]), "01", "the VF that wrote");
        assert_eq!(first_byte(&found[2]), "00", "another VF");
    }
}

#[test]
fn guests_read_is_served_the_same_by_either_way_in() {
    let lines = ["read", "read_ioctl"]
        .map(|operation| json!({"do": operation, "vf": 0, "block": CONTROL, "length": 128}));
    let found = answers(&[&[write(0, CONTROL, &announcement(1))], &lines[..]].concat());
    assert_eq!(found[1], found[2]);
    assert_eq!(found[1]["data"].as_str().map(str::len), Some(256));
}

#[test]
fn answer_carries_the_lines_id() {
    let mut line = read(0, CONTROL, 128);
    line["id"] = json!({"step": 1});
    let found = answers(&[line, read(0, CONTROL, 128)]);
    assert_eq!(found[0]["id"], json!({"step": 1}));
    assert_eq!(found[1].get("id"), None);
}

#[test]
fn malformed_line_is_named_and_the_run_goes_on() {
    let script = "{\"do\":\"load\"\n\n{\"do\":\"jump\",\"id\":7}\n{\"do\":\"read\",\"vf\":0,\"block\":0,\"length\":128}\n";
    let run = command::run_with_input(["run", "-"], script);
    run.expect_code(CLEAN);
    let found = run.lines();
    assert_eq!(found.len(), 3, "{run}");
    assert_eq!([&found[0]["line"], &found[1]["line"]], [1, 3]);
    assert_eq!(found[1]["id"], 7);
    assert!(found[0]["error"].is_string() && found[1]["error"].is_string(), "{run}");
    assert_eq!(found[2]["status"], SUCCESS);
}

#[test]
fn raw_write_with_too_little_data_is_malformed() {
    let line = json!({"do": "vsp_write", "vf": 0, "block": CONTROL, "length": 128, "data": "00"});
    let run = command::run_with_input(["run", "-"], &line.to_string());
    run.expect_code(CLEAN);
    assert_eq!(run.lines(), [json!({"error": "data holds 1 bytes, length is 128", "line": 1})]);
}

#[test]
fn unloaded_driver_is_not_ready_for_anything() {
    let operations = [
        read(0, CONTROL, 128),
        // Refused by the bus driver while there is a device.
        read(0, CONTROL, 0),
        write(0, CONTROL, &announcement(1)),
        // A guest that is seen for the first time.
        write(3, CONTROL, &announcement(1)),
        json!({"do": "write_ioctl", "vf": 0, "block": CONTROL, "data": ""}),
        json!({"do": "read_ioctl", "vf": 0, "block": CONTROL, "length": 128}),
        vsp_write(0, CONTROL, &announcement(1)),
        vsp_read(0xFFFF, CONTROL, 129),
        json!({"do": "unload"}),
    ];
    let lines = [&[read(0, CONTROL, 128), json!({"do": "unload"})], &operations[..]].concat();
    let found = answers(&lines);
    assert_eq!([&found[0]["status"], &found[1]["status"]], [SUCCESS, SUCCESS]);
    for (line, answer) in lines.iter().zip(&found).skip(2) {
        assert_eq!([&answer["status"], &answer["by"]], [DEVICE_NOT_READY, "vsp"], "{line}");
    }
}

#[test]
fn loaded_again_the_driver_has_forgotten_the_vfs() {
    let found = answers(&[
        write(0, CONTROL, &announcement(1)),
        json!({"do": "load"}),
        json!({"do": "unload"}),
        json!({"do": "load"}),
        read(0, CONTROL, 128),
        write(0, CONTROL, &announcement(1)),
        read(0, CONTROL, 128),
    ]);
    assert_eq!(found[1]["status"], IMAGE_ALREADY_LOADED);
    assert_eq!([&found[2]["status"], &found[3]["status"]], [SUCCESS, SUCCESS]);
    assert_eq!(first_byte(&found[4]), "00", "nothing of the life before");
    assert_eq!(first_byte(&found[6]), "01");
}

#[test]
fn program_can_converse() {
    let mut child = command::limited(["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut say = child.stdin.take().expect("piped");
    let mut heard = BufReader::new(child.stdout.take().expect("piped")).lines();
    for id in 0..3 {
        let mut line = read(0, CONTROL, 128);
        line["id"] = json!(id);
        writeln!(say, "{line}").expect("the command listens");
        // Nothing more is said before this is answered.
        let answer: Value =
            serde_json::from_str(&heard.next().expect("an answer").expect("text")).expect("JSON");
        assert_eq!([&answer["id"], &answer["status"]], [&json!(id), &json!(SUCCESS)]);
    }
    drop(say);
    assert_eq!(child.wait().expect("it ends").code(), Some(CLEAN));
}

#[test]
fn script_is_read_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script.jsonl");
    std::fs::write(&path, format!("{}\n", read(0, CONTROL, 128))).expect("written");
    let run = command::run(["run".as_ref(), path.as_os_str()]);
    run.expect_code(CLEAN);
    assert_eq!(run.lines()[0]["status"], SUCCESS);
}

#[test]
fn bad_arguments_end_with_2() {
    for arguments in [
        &["run"][..],
        &["run", "/nonexistent.jsonl"],
        &["run", "-", "--image", "/nonexistent.sys"],
        &["run", "-", "--vfs", "many"],
        &["run", "-", "--vfs", "65536"],
        &["walk", "-"],
    ] {
        let run = command::run(arguments);
        run.expect_code(BAD_ARGUMENTS);
        assert!(!run.errors.is_empty(), "{run}");
    }
}

#[test]
fn every_operation_of_the_surface_is_answered_with_a_status() {
    let vf = |operation: &str| json!({"do": operation, "vf": 1});
    let go = |operation: &str| json!({ "do": operation });
    let lines = [
        go("attach"),
        json!({"do": "notification", "id": "n"}),
        json!({"do": "cancel", "of": "n"}),
        go("event_complete"),
        json!({"do": "invalidate", "vf": 1, "mask": 1}),
        json!({"do": "invalidate", "vf": "all", "mask": "0x2"}),
        json!({"do": "wait_invalidate", "vf": 1}),
        vf("reset"),
        json!({"do": "power", "vf": 1, "state": "D3"}),
        json!({"do": "power", "vf": 1, "state": "D0"}),
        json!({"do": "query_interface", "guid": "sriov", "size": 144, "version": 2}),
        json!({"do": "vf_config_read", "vf": 1, "offset": 0, "length": 4}),
        json!({"do": "vf_config_write", "vf": 1, "offset": 4, "data": "0000"}),
        json!({"do": "bar", "vf": 1, "bar": 0}),
        vf("location"),
        vf("vendor_device"),
        go("luid"),
        vf("luid"),
        go("probed_bars"),
        json!({"do": "register_read", "vf": 1, "bar": 0, "offset": 0, "length": 4}),
        json!({"do": "register_write", "vf": 1, "bar": 0, "offset": 0, "data": "00"}),
        json!({"do": "ioctl", "code": "0x226064", "major": "device_control", "mode": "user", "input": "", "output": 8}),
        json!({"do": "operator", "request": "query_pf"}),
        go("detach"),
        go("query_stop"),
        go("cancel_stop"),
        go("query_stop"),
        go("stop"),
        go("start"),
        go("sleep"),
        go("resume"),
        go("surprise_remove"),
        go("remove"),
    ];
    let refused = [3, 19, 20];
    for (place, (line, answer)) in lines.iter().zip(answers(&lines)).enumerate() {
        let status = answer["status"].as_str().unwrap_or_else(|| panic!("{line}: {answer}"));
        let fine = ["0x00000000", "0x00000103", "0xc0000120"].contains(&status);
        assert_eq!(fine, !refused.contains(&place), "{line}: {answer}");
    }
}

fn first_byte(answer: &Value) -> &str {
    answer["data"].as_str().and_then(|data| data.get(..2)).unwrap_or_else(|| panic!("no data in {answer}"))
}

/// A control block with these capabilities.
fn announcement(capabilities: u8) -> [u8; 128] {
    let mut block = [0; 128];
    block[0] = capabilities;
    block
}
