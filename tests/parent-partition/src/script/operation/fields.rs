//! How the fields of an operation are written.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{InterfaceName, PowerState, ReadBuffer, Target};

/// Hexadecimal digits.
pub(super) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    decode(&String::deserialize(deserializer)?)
}

/// Hexadecimal digits, or null.
pub(super) fn bytes_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(|digits| decode(&digits)).transpose()
}

/// Sixteen hexadecimal digits.
pub(super) fn eight_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 8], D::Error> {
    let bytes = bytes(deserializer)?;
    bytes.try_into().map_err(|bytes: Vec<u8>| D::Error::custom(format!("{} bytes, not 8", bytes.len())))
}

/// Null alone.
pub(super) fn null_buffer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReadBuffer, D::Error> {
    <()>::deserialize(deserializer).map(|()| ReadBuffer::Null)
}

/// A number, or one with `0x` in quotes.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u32::try_from(wide_number(deserializer)?).map_err(D::Error::custom)
}

/// As [`number`], of 64 bits.
pub(super) fn wide_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().ok_or_else(|| D::Error::custom("no unsigned number")),
        Value::String(text) => {
            let digits = text
                .strip_prefix("0x")
                .ok_or_else(|| D::Error::custom("a number in quotes begins with 0x"))?;
            u64::from_str_radix(digits, 16).map_err(D::Error::custom)
        }
        _ => Err(D::Error::custom("no number")),
    }
}

/// The limit of a wait that names none.
pub(super) fn five_seconds() -> u64 {
    5000
}

impl<'de> Deserialize<'de> for PowerState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => ["D0", "D1", "D2", "D3"]
                .iter()
                .zip(1..)
                .find_map(|(known, state)| (*known == name).then_some(Self(state)))
                .ok_or_else(|| D::Error::custom(format!("no power state {name}"))),
            other => i32::deserialize(other).map(Self).map_err(D::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) if name == "all" => Ok(Self(0xFFFF)),
            other => u16::deserialize(other).map(Self).map_err(D::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for InterfaceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let text = match name.as_str() {
            "sriov" => "937ee9b6-0ed3-411c-982b-1f564afbabd3",
            "mitigable" => "adfd9567-4245-497e-8572-78d45c1622b8",
            other => other.trim_start_matches('{').trim_end_matches('}'),
        };
        let parts: Vec<&str> = text.split('-').collect();
        if parts.iter().map(|part| part.len()).collect::<Vec<_>>() != [8, 4, 4, 4, 12] {
            return Err(D::Error::custom(format!("{name} is no GUID")));
        }
        let mut bytes: [u8; 16] =
            decode(&parts.concat())?.try_into().map_err(|_| D::Error::custom("no GUID"))?;
        // The first three fields are numbers, least significant byte first.
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        Ok(Self(bytes))
    }
}

fn decode<E: Error>(digits: &str) -> Result<Vec<u8>, E> {
    hex::decode(digits).map_err(|error| E::custom(format!("data is not hexadecimal: {error}")))
}
