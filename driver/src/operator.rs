//! The operator's requests: look at the PF and its VFs, decide over a VF, set a block, invalidate.
//!
//! Who may open the device is decided by its security descriptor (see the INX); requests that change something need a handle
//! that was opened for writing. Their buffers are as little trusted as a guest's.

use core::sync::atomic::Ordering;

use backchannel::{
    BlockId, BlockMask, Change, InvalidationTarget, NtStatus, Override, Permission, PnpState, PublishError,
    VfIndex,
    abi::{
        handler_interface::{standing_number, state_number},
        operator_interface::{
            IOCTL_PF_BACKCHANNEL_DECIDE_VF, IOCTL_PF_BACKCHANNEL_INVALIDATE, IOCTL_PF_BACKCHANNEL_PERMIT,
            IOCTL_PF_BACKCHANNEL_QUERY_BLOCK, IOCTL_PF_BACKCHANNEL_QUERY_CHANGE,
            IOCTL_PF_BACKCHANNEL_QUERY_EVENT, IOCTL_PF_BACKCHANNEL_QUERY_EVIDENCE,
            IOCTL_PF_BACKCHANNEL_QUERY_PF, IOCTL_PF_BACKCHANNEL_QUERY_VF, IOCTL_PF_BACKCHANNEL_RELEASE_VF,
            IOCTL_PF_BACKCHANNEL_SET_BLOCK, PF_BACKCHANNEL_BLOCK, PF_BACKCHANNEL_CHANGE,
            PF_BACKCHANNEL_EVENT, PF_BACKCHANNEL_EVIDENCE, PF_BACKCHANNEL_INVALIDATE, PF_BACKCHANNEL_PERMIT,
            PF_BACKCHANNEL_PF, PF_BACKCHANNEL_REFUSALS, PF_BACKCHANNEL_SET_BLOCK, PF_BACKCHANNEL_VF,
            PF_BACKCHANNEL_VF_INPUT,
        },
        pcivirt::SRIOV_INVALIDATE_BLOCK_ALL_VFS,
    },
};
use wdk_sys::STATUS_NO_MORE_ENTRIES;

use crate::{
    pf::{Engine, Pf},
    storage::Reference,
    wdf::{
        request::{Plain, Request},
        size_of_u32,
    },
};

/// Serves a request if it is the operator's; gives it back if not.
///
/// IRQL: up to `DISPATCH_LEVEL`.
pub(crate) fn serve(pf: &Reference<Pf>, request: Request, code: u32) -> Option<Request> {
    let Some(engine) = pf.serving().map(|serving| &serving.engine) else { return Some(request) };
    match code {
        IOCTL_PF_BACKCHANNEL_QUERY_PF => request.answer(&describe(pf, engine)),
        IOCTL_PF_BACKCHANNEL_QUERY_VF => request.reply(|input| vf(engine, input)),
        IOCTL_PF_BACKCHANNEL_QUERY_BLOCK => request.reply(|input| block(engine, input)),
        IOCTL_PF_BACKCHANNEL_QUERY_EVENT => request.reply(|input| event(engine, input)),
        IOCTL_PF_BACKCHANNEL_QUERY_EVIDENCE => request.reply(|input| evidence(engine, input)),
        IOCTL_PF_BACKCHANNEL_QUERY_CHANGE => request.reply(|input| read_change(pf, input)),
        IOCTL_PF_BACKCHANNEL_RELEASE_VF => change(pf, request, code, |input: &PF_BACKCHANNEL_VF_INPUT| {
            engine.release(index(engine, input.VfIndex)?);
            Ok(())
        }),
        IOCTL_PF_BACKCHANNEL_DECIDE_VF => change(pf, request, code, |input| decide(engine, *input)),
        IOCTL_PF_BACKCHANNEL_SET_BLOCK => change(pf, request, code, |input| set_block(pf, engine, input)),
        IOCTL_PF_BACKCHANNEL_INVALIDATE => change(pf, request, code, |input| invalidate(pf, engine, input)),
        IOCTL_PF_BACKCHANNEL_PERMIT => change(pf, request, code, |input| permit(pf, *input)),
        _ => return Some(request),
    }
    None
}

/// Completes a request with how `act` ended, and records who asked for what.
fn change<I: Subject>(pf: &Pf, request: Request, code: u32, act: impl FnOnce(&I) -> Result<(), NtStatus>) {
    let status = match request.input::<I>() {
        Ok(input) => {
            let status = act(&input).map_or_else(|status| status, |()| NtStatus::SUCCESS);
            let Subjects { vf, argument, detail } = input.subjects();
            pf.changes.lock().record(Change {
                time: pf.now(),
                process: request.process(),
                code,
                status: status.raw().cast_unsigned(),
                argument,
                detail,
                vf,
                ..Change::default()
            });
            status
        }
        Err(status) => status,
    };
    request.complete(status);
}

/// What a change is about.
struct Subjects {
    vf: u16,
    argument: u32,
    detail: u32,
}

/// The input of a change.
trait Subject: Plain {
    fn subjects(&self) -> Subjects;
}

impl Subject for PF_BACKCHANNEL_VF_INPUT {
    fn subjects(&self) -> Subjects {
        Subjects { vf: self.VfIndex, argument: self.Argument, detail: 0 }
    }
}

impl Subject for PF_BACKCHANNEL_SET_BLOCK {
    fn subjects(&self) -> Subjects {
        Subjects { vf: self.VfIndex, argument: self.Block, detail: self.Length.into() }
    }
}

impl Subject for PF_BACKCHANNEL_INVALIDATE {
    fn subjects(&self) -> Subjects {
        let (argument, detail) = BlockMask::new(self.BlockMask).halves();
        Subjects { vf: self.VfIndex, argument, detail }
    }
}

impl Subject for PF_BACKCHANNEL_PERMIT {
    fn subjects(&self) -> Subjects {
        Subjects { vf: SRIOV_INVALIDATE_BLOCK_ALL_VFS, argument: self.Block, detail: self.Permission }
    }
}

fn read_change(pf: &Pf, input: PF_BACKCHANNEL_VF_INPUT) -> Result<PF_BACKCHANNEL_CHANGE, NtStatus> {
    let change = pf.changes.lock().read(input.Argument);
    let change = change.ok_or(NtStatus::from_raw(STATUS_NO_MORE_ENTRIES))?;
    Ok(PF_BACKCHANNEL_CHANGE {
        Time: change.time,
        Number: change.number,
        Process: change.process,
        Code: change.code,
        Status: change.status,
        Argument: change.argument,
        Detail: change.detail,
        VfIndex: change.vf,
        Reserved: [0; 6],
    })
}

fn permit(pf: &Pf, input: PF_BACKCHANNEL_PERMIT) -> Result<(), NtStatus> {
    let permission = match input.Permission {
        0 => Permission { reads: false, writes: false },
        1 => Permission { reads: true, writes: false },
        2 => Permission { reads: false, writes: true },
        3 => Permission { reads: true, writes: true },
        _ => return Err(NtStatus::INVALID_PARAMETER),
    };
    if pf.permit(BlockId::new(input.Block), permission) { Ok(()) } else { Err(NtStatus::INVALID_PARAMETER) }
}

fn describe(pf: &Reference<Pf>, engine: &Engine) -> PF_BACKCHANNEL_PF {
    let (vfs, total) = pf.hardware.enter().map_or((0, 0), |hardware| hardware.vfs());
    let mut refusals = [0; PF_BACKCHANNEL_REFUSALS];
    engine.read_refusals(None, &mut refusals);
    PF_BACKCHANNEL_PF {
        Size: size_of_u32::<PF_BACKCHANNEL_PF>(),
        NumVFs: vfs,
        TotalVFs: total,
        // One reference is the device's own.
        References: pf.count().saturating_sub(1),
        Conversation: match pf.conversation.state() {
            PnpState::Detached => 0,
            PnpState::Stopped => 1,
            PnpState::Attached { .. } => 2,
            PnpState::QueryingStop { .. } => 3,
            PnpState::AttachedStopped { .. } => 4,
            PnpState::Restarting { .. } => 5,
            PnpState::Removed => 6,
        },
        QueryStopTimeouts: pf.conversation.timeouts.load(Ordering::Relaxed),
        InvalidationRequests: pf.conversation.invalidation_requests(),
        Refusals: refusals,
    }
}

fn vf(engine: &Engine, input: PF_BACKCHANNEL_VF_INPUT) -> Result<PF_BACKCHANNEL_VF, NtStatus> {
    let vf = index(engine, input.VfIndex)?;
    let mut refusals = [0; PF_BACKCHANNEL_REFUSALS];
    engine.read_refusals(Some(vf), &mut refusals);
    let invalidations = engine.invalidation_statistics(vf);
    Ok(PF_BACKCHANNEL_VF {
        Size: size_of_u32::<PF_BACKCHANNEL_VF>(),
        Generation: engine.vf_identity(vf).map_or(0, |vf| vf.generation.value()),
        State: state_number(engine.vf_state(vf)),
        Standing: standing_number(engine.standing(vf)),
        Decision: match engine.decision(vf) {
            Override::None => 0,
            Override::Exempt => 1,
            Override::Isolated => 2,
        },
        Reserved: 0,
        Faults: engine.faults(vf),
        InvalidationsPosted: invalidations.posted,
        InvalidationsTold: invalidations.told,
        Refusals: refusals,
    })
}

fn block(engine: &Engine, input: PF_BACKCHANNEL_VF_INPUT) -> Result<PF_BACKCHANNEL_BLOCK, NtStatus> {
    let vf = index(engine, input.VfIndex)?;
    let read =
        engine.block_statistics(vf, BlockId::new(input.Argument)).ok_or(NtStatus::INVALID_PARAMETER)?;
    Ok(PF_BACKCHANNEL_BLOCK {
        Served: read.served,
        Bytes: read.bytes,
        Last: read.last,
        HandlerCalls: read.handler_calls,
        HandlerTotal: read.handler_total,
        HandlerLongest: read.handler_longest,
        Refused: read.refused,
    })
}

fn event(engine: &Engine, input: PF_BACKCHANNEL_VF_INPUT) -> Result<PF_BACKCHANNEL_EVENT, NtStatus> {
    let vf = index(engine, input.VfIndex)?;
    let back = usize::try_from(input.Argument).unwrap_or(usize::MAX);
    let event = engine.event(vf, back).ok_or(NtStatus::from_raw(STATUS_NO_MORE_ENTRIES))?;
    Ok(PF_BACKCHANNEL_EVENT {
        Time: event.time,
        Number: event.number,
        Generation: event.generation.value(),
        Block: event.block.value(),
        Code: event.code,
        Length: event.length,
        Status: event.status,
        Reserved: 0,
    })
}

fn evidence(engine: &Engine, input: PF_BACKCHANNEL_VF_INPUT) -> Result<PF_BACKCHANNEL_EVIDENCE, NtStatus> {
    let vf = index(engine, input.VfIndex)?;
    let mut bytes = [0; 128];
    let kept = engine.evidence(vf, &mut bytes).ok_or(NtStatus::from_raw(STATUS_NO_MORE_ENTRIES))?;
    Ok(PF_BACKCHANNEL_EVIDENCE {
        Time: kept.time,
        Block: kept.block.value(),
        Length: kept.length,
        Cause: kept.cause,
        Kept: kept.kept,
        Reserved: [0; 6],
        Bytes: bytes,
    })
}

fn decide(engine: &Engine, input: PF_BACKCHANNEL_VF_INPUT) -> Result<(), NtStatus> {
    let decision = match input.Argument {
        0 => Override::None,
        1 => Override::Exempt,
        2 => Override::Isolated,
        _ => return Err(NtStatus::INVALID_PARAMETER),
    };
    engine.decide(index(engine, input.VfIndex)?, decision);
    Ok(())
}

fn set_block(pf: &Pf, engine: &Engine, input: &PF_BACKCHANNEL_SET_BLOCK) -> Result<(), NtStatus> {
    let vf = index(engine, input.VfIndex)?;
    let content = input.Bytes.get(..usize::from(input.Length)).ok_or(NtStatus::INVALID_PARAMETER)?;
    let block = BlockId::new(input.Block);
    engine.publish_as_operator(vf, block, content, pf.now()).map_err(PublishError::status)
}

fn invalidate(pf: &Pf, engine: &Engine, input: &PF_BACKCHANNEL_INVALIDATE) -> Result<(), NtStatus> {
    let target = if input.VfIndex == SRIOV_INVALIDATE_BLOCK_ALL_VFS {
        InvalidationTarget::AllVfs
    } else {
        InvalidationTarget::Vf(index(engine, input.VfIndex)?)
    };
    engine.invalidate(target, BlockMask::new(input.BlockMask));
    pf.tell_invalidations();
    Ok(())
}

fn index(engine: &Engine, vf: u16) -> Result<VfIndex, NtStatus> {
    engine.index(vf).ok_or(NtStatus::INVALID_PARAMETER)
}
