//! What a line is answered.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::nt::status::Status;
use crate::partition::Decider;

/// The outcome of an operation, or of a line that is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The operation was carried out and answered.
    Outcome(Outcome),
    /// The line is no operation.
    Error {
        /// Why.
        error: String,
        /// The line's number in the script, from 1.
        line: u64,
    },
}

/// What the asked side said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// NTSTATUS.
    #[serde(serialize_with = "hexadecimal")]
    pub status: Status,
    /// Bytes read, of reads only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// Bytes of the buffer that were changed, of raw reads only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touched: Option<usize>,
    /// What else an operation brings, by name.
    #[serde(flatten)]
    pub more: Map<String, Value>,
    /// Who decided.
    #[serde(serialize_with = "name")]
    pub by: Decider,
}

/// Bytes as hexadecimal digits, or JSON's null where there was no buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data(pub Option<Vec<u8>>);

/// An answer under the name that the line gave itself.
#[derive(Debug, Serialize)]
pub struct Named<'a> {
    /// The line's `"id"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Value>,
    /// What is answered.
    #[serde(flatten)]
    pub answer: &'a Answer,
}

impl Outcome {
    /// The outcome of anything but a read.
    pub fn of(status: Status, by: Decider) -> Self {
        Self { status, data: None, touched: None, more: Map::new(), by }
    }

    /// The same with something else that the operation brought.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// The outcome of a guest's read.
    pub fn of_read(status: Status, by: Decider, data: Vec<u8>) -> Self {
        Self { data: Some(Data(Some(data))), ..Self::of(status, by) }
    }
}

impl Serialize for Data {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().map(hex::encode).serialize(serializer)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn hexadecimal<S: serde::Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{status:#010x}"))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn name<S: serde::Serializer>(by: &Decider, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match by {
        Decider::Vpci => "vpci",
        Decider::Vsp => "vsp",
        Decider::Pf => "pf",
        Decider::Plugin => "plugin",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, Data, Named, Outcome};
    use crate::partition::Decider;

    fn printed(id: Option<serde_json::Value>, answer: &Answer) -> String {
        serde_json::to_string(&Named { id: id.as_ref(), answer }).expect("plain data")
    }

    #[test]
    fn status_is_eight_hexadecimal_digits() {
        let answer = Answer::Outcome(Outcome::of(0, Decider::Pf));
        assert_eq!(printed(None, &answer), r#"{"status":"0x00000000","by":"pf"}"#);
        let answer = Answer::Outcome(Outcome::of(0xC000_000D_u32.cast_signed(), Decider::Vpci));
        assert_eq!(printed(None, &answer), r#"{"status":"0xc000000d","by":"vpci"}"#);
    }

    #[test]
    fn raw_read_carries_bytes_and_how_many_changed() {
        let outcome = Outcome {
            data: Some(Data(Some(vec![0, 0xA5]))),
            touched: Some(1),
            ..Outcome::of(0, Decider::Vsp)
        };
        assert_eq!(
            printed(Some(json!("a")), &Answer::Outcome(outcome)),
            r#"{"id":"a","status":"0x00000000","data":"00a5","touched":1,"by":"vsp"}"#
        );
    }

    #[test]
    fn what_else_an_operation_brings_stands_beside_its_status() {
        let answer = Answer::Outcome(Outcome::of(0, Decider::Pf).with("event", json!(1)));
        assert_eq!(printed(None, &answer), r#"{"status":"0x00000000","event":1,"by":"pf"}"#);
    }

    #[test]
    fn null_buffer_reads_as_null() {
        let outcome = Outcome { data: Some(Data(None)), touched: Some(0), ..Outcome::of(0, Decider::Pf) };
        assert_eq!(
            printed(None, &Answer::Outcome(outcome)),
            r#"{"status":"0x00000000","data":null,"touched":0,"by":"pf"}"#
        );
    }

    #[test]
    fn error_names_the_line() {
        let answer = Answer::Error { error: "no".into(), line: 3 };
        assert_eq!(printed(Some(json!(null)), &answer), r#"{"id":null,"error":"no","line":3}"#);
    }
}
