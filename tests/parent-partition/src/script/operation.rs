//! What one line of a script asks for.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// One well-formed line.
#[derive(Debug, PartialEq)]
pub struct Line {
    /// The script's own name for the line; repeated in the answer.
    pub id: Option<Value>,
    /// What to do.
    pub operation: Operation,
}

/// A line that is no operation.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    /// The line's `"id"`, when it was readable.
    pub id: Option<Value>,
    /// What is wrong with it.
    pub reason: String,
}

/// What a script can do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// A guest's VF driver writes a block through its bus interface.
    Write {
        /// The VF whose guest writes.
        vf: u16,
        /// The block written.
        block: u32,
        /// Its content.
        #[serde(deserialize_with = "bytes")]
        data: Vec<u8>,
    },
    /// The same by IOCTL_VPCI_WRITE_BLOCK.
    WriteIoctl {
        /// The VF whose guest writes.
        vf: u16,
        /// The block written.
        block: u32,
        /// Its content.
        #[serde(deserialize_with = "bytes")]
        data: Vec<u8>,
    },
    /// A guest's VF driver reads a block through its bus interface.
    Read {
        /// The VF whose guest reads.
        vf: u16,
        /// The block read.
        block: u32,
        /// Bytes asked for.
        length: u32,
    },
    /// The same by IOCTL_VPCI_READ_BLOCK.
    ReadIoctl {
        /// The VF whose guest reads.
        vf: u16,
        /// The block read.
        block: u32,
        /// Bytes asked for.
        length: u32,
    },
    /// The VSP calls the PF's WriteVfConfigBlock with exactly these arguments.
    VspWrite {
        /// Any VF index.
        vf: u16,
        /// Any block.
        block: u32,
        /// Any length.
        length: u32,
        /// The buffer, byte for byte; `None` is a NULL pointer.
        #[serde(deserialize_with = "bytes_or_null")]
        data: Option<Vec<u8>>,
    },
    /// The VSP calls the PF's ReadVfConfigBlock with exactly these arguments.
    VspRead {
        /// Any VF index.
        vf: u16,
        /// Any block.
        block: u32,
        /// Any length.
        length: u32,
        /// `"data":null` stands for a NULL buffer.
        #[serde(default, rename = "data", deserialize_with = "null_buffer")]
        buffer: ReadBuffer,
    },
    /// The device is removed and the driver unloaded.
    Unload {},
    /// The driver is loaded again and the device started.
    Load {},
}

/// What a raw read is given to write to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadBuffer {
    /// As many bytes as asked for, at most a page.
    #[default]
    Present,
    /// A NULL pointer.
    Null,
}

impl Line {
    /// Parses a line, without its line end.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with a reason for the script's author.
    pub fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let mut object: Map<String, Value> =
            serde_json::from_slice(line).map_err(|error| Malformed { id: None, reason: place(&error) })?;
        let id = object.remove("id");
        match Operation::deserialize(Value::Object(object)) {
            Ok(operation) => match operation.contradiction() {
                Some(reason) => Err(Malformed { id, reason }),
                None => Ok(Self { id, operation }),
            },
            Err(error) => Err(Malformed { id, reason: error.to_string() }),
        }
    }
}

impl Operation {
    /// Why the operation cannot be carried out as written.
    ///
    /// A buffer shorter than a length that the PF may accept would have it read past the end, and the
    /// fault would be the script's; beyond 128 bytes the PF must refuse before it looks.
    fn contradiction(&self) -> Option<String> {
        match self {
            Self::VspWrite { length: length @ 1..=LONGEST_BLOCK, data: Some(data), .. }
                if data.len() < *length as usize =>
            {
                Some(format!("data holds {} bytes, length is {length}", data.len()))
            }
            _ => None,
        }
    }
}

/// The reason with the column alone: a script's line is a whole text to the parser.
fn place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => format!("{reason} at column {}", error.column()),
        None => text,
    }
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let digits = String::deserialize(deserializer)?;
    hex::decode(digits).map_err(|error| D::Error::custom(format!("data is not hexadecimal: {error}")))
}

fn bytes_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        None => Ok(None),
        Some(digits) => hex::decode(digits)
            .map(Some)
            .map_err(|error| D::Error::custom(format!("data is not hexadecimal: {error}"))),
    }
}

fn null_buffer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReadBuffer, D::Error> {
    <()>::deserialize(deserializer).map(|()| ReadBuffer::Null)
}

const LONGEST_BLOCK: u32 = 128;

#[cfg(test)]
mod tests {
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
        assert!(
            refused(r#"{"do":"write","vf":0,"block":1,"data":"0g"}"#).starts_with("data is not hexadecimal")
        );
        refused(r#"{"do":"write","vf":0,"block":1,"data":null}"#);
        refused(r#"{"vf":0}"#);
    }
}
