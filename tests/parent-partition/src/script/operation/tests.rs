//! Lines that are operations, and lines that are none.

use serde_json::json;

use super::{Line, Operation, ReadBuffer};

fn parsed(line: &str) -> Operation {
    Line::parse(line.as_bytes()).expect("a well-formed line").operation
}

fn refused(line: &str) -> String {
    Line::parse(line.as_bytes()).expect_err("a malformed line").reason
}

#[test]
fn write_takes_a_vf_a_block_and_bytes() {
    assert_eq!(
        parsed(r#"{"do":"write","vf":3,"block":4294967295,"data":"00fFa5"}"#),
        Operation::Write { vf: 3, block: u32::MAX, data: vec![0x00, 0xFF, 0xA5] }
    );
}

#[test]
fn empty_data_is_no_bytes() {
    assert_eq!(
        parsed(r#"{"do":"write_ioctl","vf":0,"block":1,"data":""}"#),
        Operation::WriteIoctl { vf: 0, block: 1, data: vec![] }
    );
}

#[test]
fn read_takes_any_length() {
    assert_eq!(
        parsed(r#"{"do":"read_ioctl","vf":0,"block":1,"length":4294967295}"#),
        Operation::ReadIoctl { vf: 0, block: 1, length: u32::MAX }
    );
}

#[test]
fn null_data_of_a_raw_call_is_a_null_buffer() {
    assert_eq!(
        parsed(r#"{"do":"vsp_write","vf":65535,"block":1,"length":128,"data":null}"#),
        Operation::VspWrite { vf: 0xFFFF, block: 1, length: 128, data: None }
    );
    assert_eq!(
        parsed(r#"{"do":"vsp_read","vf":0,"block":1,"length":128,"data":null}"#),
        Operation::VspRead { vf: 0, block: 1, length: 128, buffer: ReadBuffer::Null }
    );
    assert_eq!(
        parsed(r#"{"do":"vsp_read","vf":0,"block":1,"length":128}"#),
        Operation::VspRead { vf: 0, block: 1, length: 128, buffer: ReadBuffer::Present }
    );
}

#[test]
fn raw_write_with_data_shorter_than_a_legal_length_is_malformed() {
    let reason = refused(r#"{"do":"vsp_write","vf":0,"block":1,"length":2,"data":"00"}"#);
    assert_eq!(reason, "data holds 1 bytes, length is 2");
    refused(r#"{"do":"vsp_write","vf":0,"block":1,"length":128,"data":"00"}"#);
}

#[test]
fn raw_write_with_an_illegal_length_takes_any_data() {
    parsed(r#"{"do":"vsp_write","vf":0,"block":1,"length":129,"data":"00"}"#);
    parsed(r#"{"do":"vsp_write","vf":0,"block":1,"length":0,"data":""}"#);
    parsed(r#"{"do":"vsp_write","vf":0,"block":1,"length":1,"data":"0000"}"#);
}

#[test]
fn raw_write_without_data_is_malformed() {
    assert_eq!(refused(r#"{"do":"vsp_write","vf":0,"block":1,"length":1}"#), "missing field `data`");
}

#[test]
fn id_of_any_kind_is_kept() {
    let line = Line::parse(br#"{"do":"unload","id":{"step":[1,2]}}"#).expect("a well-formed line");
    assert_eq!((line.id, line.operation), (Some(json!({"step": [1, 2]})), Operation::Unload {}));
    let line = Line::parse(br#"{"id":null,"do":"load"}"#).expect("a well-formed line");
    assert_eq!((line.id, line.operation), (Some(json!(null)), Operation::Load {}));
}

#[test]
fn id_of_a_malformed_object_is_kept() {
    let malformed = Line::parse(br#"{"do":"jump","id":7}"#).expect_err("a malformed line");
    assert_eq!(malformed.id, Some(json!(7)));
    assert!(malformed.reason.contains("unknown variant `jump`"), "{}", malformed.reason);
}

#[test]
fn line_that_is_no_object_is_malformed() {
    refused("");
    refused("write");
    refused("[1]");
    refused(r#"{"do":"unload"} {"do":"load"}"#);
    assert!(Line::parse(b"{\"do\":\"\xFF\"}").is_err());
}

#[test]
fn wrong_fields_are_malformed() {
    assert_eq!(refused(r#"{"do":"read","vf":0,"block":1}"#), "missing field `length`");
    refused(r#"{"do":"read","vf":65536,"block":1,"length":1}"#);
    refused(r#"{"do":"read","vf":0,"block":1,"length":-1}"#);
    refused(r#"{"do":"read","vf":0,"block":1,"length":4294967296}"#);
    refused(r#"{"do":"read","vf":0,"block":1,"length":1,"data":"00"}"#);
    refused(r#"{"do":"unload","vf":0}"#);
    assert!(refused(r#"{"do":"write","vf":0,"block":1,"data":"0g"}"#).starts_with("data is not hexadecimal"));
    refused(r#"{"do":"write","vf":0,"block":1,"data":null}"#);
    refused(r#"{"vf":0}"#);
}
