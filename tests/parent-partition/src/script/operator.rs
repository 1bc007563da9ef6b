//! A script's requests through the operator's interface: a program of an administrator, with a handle of its own.
//!
//! SPEC: `operator_interface` of the engine's C mirrors has the codes and layouts; they are spelt out here once more, as a
//! program built against the header would have them.

use super::answer::{Data, Outcome};
use super::operation::OperatorRequest;
use crate::nt::control::Control;
use crate::nt::status::{self, Status};
use crate::nt::{device_interface, file};
use crate::partition::Decider;
use crate::sys::GUID;

/// What a request carries; each takes from it what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried<'a> {
    pub(crate) vf: u16,
    pub(crate) argument: u32,
    pub(crate) block: u32,
    pub(crate) mask: u64,
    pub(crate) data: &'a [u8],
}

/// Sends a request with the input that it has by its layout, unless another is given.
pub(crate) fn send(
    request: OperatorRequest,
    carried: &Carried<'_>,
    raw: Option<(Vec<u8>, usize)>,
) -> Outcome {
    let (code, input, output) = encode(request, carried);
    let (input, output) = raw.unwrap_or((input, output));
    let control = Control { code, internal: false, user: true, input, output };
    match ask(&control) {
        Ok((status, bytes)) => {
            let data = (!bytes.is_empty()).then_some(Data(Some(bytes)));
            Outcome { data, ..Outcome::of(status, Decider::Pf) }
        }
        Err(status) => Outcome::of(status, Decider::Vsp),
    }
}

/// Opens the operator's interface, sends, and closes.
fn ask(control: &Control) -> Result<(Status, Vec<u8>), Status> {
    let path = device_interface::enabled_of(&CLASS).into_iter().next().ok_or(status::NO_SUCH_DEVICE)?;
    let file = file::open_path(&path)?;
    let (outcome, bytes) = control.run(file);
    file::close_handle(file);
    Ok((outcome.status, bytes))
}

fn encode(request: OperatorRequest, carried: &Carried<'_>) -> (u32, Vec<u8>, usize) {
    let Carried { vf, argument, block, mask, data } = *carried;
    let about_vf = || [&vf.to_le_bytes()[..], &[0; 2], &argument.to_le_bytes()].concat();
    match request {
        OperatorRequest::QueryPf => (LOOK, Vec::new(), 176),
        OperatorRequest::QueryVf => (LOOK + 4, about_vf(), 176),
        OperatorRequest::QueryBlock => (LOOK + 8, about_vf(), 48),
        OperatorRequest::QueryEvent => (LOOK + 12, about_vf(), 32),
        OperatorRequest::QueryEvidence => (LOOK + 16, about_vf(), 152),
        OperatorRequest::ReleaseVf => (CHANGE + 20, about_vf(), 0),
        OperatorRequest::DecideVf => (CHANGE + 24, about_vf(), 0),
        OperatorRequest::SetBlock => {
            let mut bytes = data.to_vec();
            bytes.resize(128, 0);
            let length = data.len() as u16;
            let head = [&vf.to_le_bytes()[..], &length.to_le_bytes(), &block.to_le_bytes()].concat();
            (CHANGE + 28, [head, bytes].concat(), 0)
        }
        OperatorRequest::Invalidate => {
            (CHANGE + 32, [&vf.to_le_bytes()[..], &[0; 6], &mask.to_le_bytes()].concat(), 0)
        }
        OperatorRequest::QueryChange => (LOOK + 36, about_vf(), 40),
        OperatorRequest::Permit => (CHANGE + 40, [block.to_le_bytes(), argument.to_le_bytes()].concat(), 0),
    }
}

/// The first code of those that only look, and of those that change something.
const LOOK: u32 = 0x0022_6400;
const CHANGE: u32 = 0x0022_E400;
/// GUID_DEVINTERFACE_PF_BACKCHANNEL.
const CLASS: GUID = GUID {
    Data1: 0xFD0C_383D,
    Data2: 0x2E2F,
    Data3: 0x4A57,
    Data4: [0x83, 0x9C, 0x3F, 0x26, 0xA6, 0x30, 0xCA, 0x1B],
};
