//! A script's device control requests to the PF, and what came of those that were pended.

use serde_json::{Value, json};

use super::answer::{Data, Outcome};
use super::pended::{Ended, Pended, UnderWay};
use crate::nt::control::Control;
use crate::nt::status::{self, Status};
use crate::partition::{Decider, Partition};

/// The requests of the VSP, by their names in the header.
pub(crate) const NOTIFICATION: u32 = 0x0022_6044;
pub(crate) const EVENT_COMPLETE: u32 = 0x0022_6048;
pub(crate) const ATTACH: u32 = 0x0022_604C;
pub(crate) const DETACH: u32 = 0x0022_6050;

/// A request of the VSP's own: internal, from kernel mode.
pub(crate) fn own(code: u32, input: Vec<u8>, output: usize) -> Control {
    Control { code, internal: true, user: false, input, output }
}

/// Sends a request on the VSP's handle; one that is pended is kept.
pub(super) fn send(
    partition: &Partition,
    pended: &mut Pended,
    id: Option<&Value>,
    control: &Control,
) -> Outcome {
    let Ok(pf) = partition.vsp().pf() else { return Outcome::of(status::DEVICE_NOT_READY, Decider::Vsp) };
    let (sent, data) = control.send(pf.file());
    match pended.keep(id, UnderWay::Request(sent, data)) {
        Some(ended) => outcome(ended, control.code),
        None => Outcome::of(status::PENDING, Decider::Pf),
    }
}

/// The outcome of something that was under way.
pub(super) fn finished(ended: Result<Ended, Status>) -> Outcome {
    match ended {
        Ok(ended) => outcome(ended, 0),
        Err(status) => Outcome::of(status, Decider::Vsp),
    }
}

fn outcome((status, bytes): Ended, code: u32) -> Outcome {
    let outcome = Outcome::of(status, Decider::Pf);
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return outcome };
    let event = <[u8; 4]>::try_from(bytes.as_slice()).ok().filter(|_| code == NOTIFICATION || code == 0);
    let outcome = Outcome { data: Some(Data(Some(bytes))), ..outcome };
    match event {
        Some(event) => outcome.with("event", json!(u32::from_le_bytes(event))),
        None => outcome,
    }
}
