//! A script's calls of the PF's interface, beside those of blocks.

use serde_json::json;

use super::answer::{Data, Outcome};
use super::operation::{InterfaceName, ReadBuffer};
use super::stage::{UNTOUCHED, room};
use crate::nt::status::{self, Status};
use crate::partition::{Decider, Partition};
use crate::sys::GUID;
use crate::vsp::door::Visit;
use crate::vsp::members::{Filled, Out, RegisterAccess};

/// Has the VSP call the PF; without one, nobody is asked.
pub(super) fn ask(partition: &Partition, call: impl FnOnce(&Visit) -> Outcome) -> Outcome {
    match partition.vsp().pf() {
        Ok(pf) => call(&pf),
        Err(refusal) => Outcome::of(refusal, Decider::Vsp),
    }
}

/// Whether a member is lent memory.
pub(super) fn out(null: bool) -> Out {
    if null { Out::Null } else { Out::Room }
}

/// The outcome of a member of version 2, which a PF need not have.
pub(super) fn second(answered: Result<Outcome, Status>) -> Outcome {
    answered.unwrap_or_else(|status| Outcome::of(status, Decider::Vsp))
}

/// The outcome of ReadVfConfig.
pub(super) fn config_read(pf: &Visit, vf: u16, offset: u32, length: u32, buffer: ReadBuffer) -> Outcome {
    let before = (buffer == ReadBuffer::Present).then(|| vec![UNTOUCHED; room(length)]);
    let (status, after) = pf.read_config(vf, offset, length, before.as_deref());
    let touched = after.iter().filter(|byte| **byte != UNTOUCHED).count();
    let data = (length != 0).then(|| Data(before.is_some().then_some(after)));
    Outcome { data, touched: Some(touched), ..Outcome::of(status, Decider::Pf) }
}

/// The outcome of a read of a mitigated register.
pub(super) fn register_read(pf: &Visit, access: &RegisterAccess, buffer: ReadBuffer) -> Outcome {
    let before = (buffer == ReadBuffer::Present).then(|| vec![UNTOUCHED; room(access.length)]);
    match pf.access_register(access, before.as_deref()) {
        Ok((status, after)) => {
            let data = (!after.is_empty()).then_some(Data(Some(after)));
            Outcome { data, ..Outcome::of(status, Decider::Pf) }
        }
        Err(status) => Outcome::of(status, Decider::Vsp),
    }
}

/// The outcome of a write to a mitigated register.
pub(super) fn register_write(pf: &Visit, access: &RegisterAccess, data: Option<&[u8]>) -> Outcome {
    match pf.access_register(access, data) {
        Ok((status, _)) => Outcome::of(status, Decider::Pf),
        Err(status) => Outcome::of(status, Decider::Vsp),
    }
}

/// The outcome of a member that fills a few bytes.
pub(super) fn filled((status, bytes): Filled) -> Outcome {
    let data = (!bytes.is_empty()).then_some(Data(Some(bytes)));
    Outcome { data, ..Outcome::of(status, Decider::Pf) }
}

/// The outcome of a member that fills six registers.
pub(super) fn registers(answer: Filled) -> Outcome {
    let (status, bytes) = &answer;
    let values: Vec<u32> = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let outcome = Outcome::of(*status, Decider::Pf);
    if values.is_empty() { outcome } else { outcome.with("bars", json!(values)) }
}

/// The outcome of a member without a status that fills numbers of these names.
pub(super) fn numbers<const N: usize>(names: [&str; N], values: [Vec<u8>; N]) -> Outcome {
    let outcome = Outcome::of(status::SUCCESS, Decider::Pf);
    names.into_iter().zip(values).fold(outcome, |outcome, (name, bytes)| match number(&bytes) {
        Some(value) => outcome.with(name, value.into()),
        None => outcome,
    })
}

/// The outcome of GetResourceForBar.
pub(super) fn resource((status, bytes): Filled) -> Outcome {
    let outcome = Outcome::of(status, Decider::Pf);
    let Ok([kind, share, flags_low, flags_high, rest @ ..]) = <[u8; 20]>::try_from(bytes) else {
        return outcome;
    };
    outcome
        .with("type", kind.into())
        .with("share", share.into())
        .with("flags", u16::from_le_bytes([flags_low, flags_high]).into())
        .with("start", number(&rest[..8]).into())
        .with("length", number(&rest[8..12]).into())
}

/// The outcome of QueryLuidVf.
pub(super) fn vf_index((status, bytes): Filled) -> Outcome {
    let outcome = Outcome::of(status, Decider::Pf);
    match number(&bytes) {
        Some(vf) => outcome.with("vf", vf.into()),
        None => outcome,
    }
}

/// Asks for an interface and gives it back; what the buffer held, with its pointers as 1 or 0.
pub(super) fn query_interface(pf: &Visit, name: InterfaceName, size: u16, version: u16) -> Outcome {
    let InterfaceName(guid) = name;
    let field = |at: usize| u16::from_le_bytes([guid[at], guid[at + 1]]);
    let guid = GUID {
        Data1: u32::from(field(0)) | u32::from(field(2)) << 16,
        Data2: field(4),
        Data3: field(6),
        Data4: guid[8..].try_into().expect("eight bytes"),
    };
    let (status, bytes) = pf.ask(&guid, size, version);
    let written = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == UNTOUCHED).count();
    let outcome = Outcome::of(status, Decider::Pf).with("written", written.into());
    if status != status::SUCCESS || written < HEADER {
        return outcome;
    }
    let words: Vec<u64> =
        bytes[8..written].as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let missing = words[1..].iter().filter(|routine| **routine == 0).count();
    // A second reference, and then both back.
    crate::invoke!(words[1] as usize; words[0]);
    crate::invoke!(words[2] as usize; words[0]);
    crate::invoke!(words[2] as usize; words[0]);
    outcome
        .with("size", u16::from_le_bytes([bytes[0], bytes[1]]).into())
        .with("version", u16::from_le_bytes([bytes[2], bytes[3]]).into())
        .with("members", (words.len() - 3).into())
        .with("null_members", missing.into())
}

fn number(bytes: &[u8]) -> Option<u64> {
    (!bytes.is_empty()).then(|| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Bytes of an INTERFACE.
const HEADER: usize = 32;
