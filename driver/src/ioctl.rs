//! Device control requests: the conversation with the VSP, invalidations, the PF's identifier, and the operator's.
//!
//! Each request is checked, becomes one input of the engine's machine or one question to it, and is completed or waits.
//! Buffers are checked when a request arrives, not when it is completed.

use core::sync::atomic::Ordering;

use backchannel::{
    NtStatus, PnpInput,
    abi::pcivirt::{
        IOCTL_SRIOV_ATTACH, IOCTL_SRIOV_DETACH, IOCTL_SRIOV_EVENT_COMPLETE, IOCTL_SRIOV_INVALIDATE_BLOCK,
        IOCTL_SRIOV_MITIGATED_RANGE_UPDATE, IOCTL_SRIOV_NOTIFICATION, IOCTL_SRIOV_PROXY_QUERY_LUID,
        IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT, IOCTL_SRIOV_QUERY_MITIGATED_RANGES, SRIOV_INVALIDATE_BLOCK,
        SRIOV_INVALIDATE_BLOCK_ALL_VFS, SRIOV_PF_EVENT, SRIOV_PROXY_QUERY_LUID_OUTPUT,
    },
};

use crate::{
    operator,
    pf::Pf,
    storage::Reference,
    wdf::request::{Request, RequestCallbacks},
};

/// Serves a request if it is one of ours; gives it back if not.
///
/// `is_filter` says that there is a function driver below, which may supply mitigated ranges where this driver does not.
///
/// IRQL: up to `DISPATCH_LEVEL`.
pub(crate) fn serve<T: RequestCallbacks>(
    pf: &Reference<Pf>,
    request: Request,
    code: u32,
    is_filter: bool,
) -> Option<Request> {
    if code == IOCTL_SRIOV_PROXY_QUERY_LUID {
        give_luid(pf, request);
        return None;
    }
    if !is_sriov(code) {
        return operator::serve(pf, request, code);
    }
    // SPEC: abi 6.13: the header says that programs cannot send these; who sends them by the major function that programs can
    // use is looked at.
    if request.is_from_user() {
        request.complete(NtStatus::ACCESS_DENIED);
        return None;
    }
    match code {
        // SPEC: abi 6.11: the page allows to block the caller's thread until the PF runs; the request waits instead.
        IOCTL_SRIOV_ATTACH => pf.conversation.park::<T>(request, PnpInput::Attach),
        IOCTL_SRIOV_DETACH => {
            // SPEC: abi 6.30: the sample of this request does not compile as printed; its meaning is plain.
            let status = pf.conversation.detach();
            pf.detached();
            request.complete(status);
        }
        IOCTL_SRIOV_NOTIFICATION => match request.has_room_for::<SRIOV_PF_EVENT>() {
            Ok(()) => pf.conversation.park::<T>(request, PnpInput::Notification),
            Err(status) => request.complete(status),
        },
        IOCTL_SRIOV_EVENT_COMPLETE => {
            // SPEC: abi 6.8: the status is for the PnP query; the notification request was completed before.
            let status = match request.input::<i32>() {
                Ok(status) => pf.conversation.step(PnpInput::EventComplete(NtStatus::from_raw(status))),
                Err(status) => status,
            };
            request.complete(status);
        }
        IOCTL_SRIOV_INVALIDATE_BLOCK => wait_for_invalidation::<T>(pf, request),
        _ => match pf.mitigation {
            Some(supplied) => supplied.surface.serve(pf, supplied, request, code),
            None if is_filter => return Some(request),
            None => request.complete(NtStatus::NOT_SUPPORTED),
        },
    }
    None
}

fn give_luid(pf: &Pf, request: Request) {
    match pf.identifier() {
        Ok(luid) => request.answer(&SRIOV_PROXY_QUERY_LUID_OUTPUT { DeviceLuid: luid }),
        Err(status) => request.complete(status),
    }
}

fn wait_for_invalidation<T: RequestCallbacks>(pf: &Pf, request: Request) {
    if let Err(status) = request.has_room_for::<SRIOV_INVALIDATE_BLOCK>() {
        return request.complete(status);
    }
    // SPEC: abi 6.5: the page calls the structure the input. It is ignored, unless the operator says that it names a VF.
    let only = if pf.settings.input_is_filter.load(Ordering::Relaxed) {
        request.input::<u16>().ok().filter(|vf| *vf != SRIOV_INVALIDATE_BLOCK_ALL_VFS)
    } else {
        None
    };
    // A request for a VF that there is not would wait for ever.
    if only.is_some_and(|vf| pf.serving().is_none_or(|serving| serving.engine.index(vf).is_none())) {
        return request.complete(NtStatus::INVALID_PARAMETER);
    }
    pf.wait_for_invalidation::<T>(request, only);
}

const fn is_sriov(code: u32) -> bool {
    matches!(
        code,
        IOCTL_SRIOV_ATTACH
            | IOCTL_SRIOV_DETACH
            | IOCTL_SRIOV_NOTIFICATION
            | IOCTL_SRIOV_EVENT_COMPLETE
            | IOCTL_SRIOV_INVALIDATE_BLOCK
            | IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT
            | IOCTL_SRIOV_QUERY_MITIGATED_RANGES
            | IOCTL_SRIOV_MITIGATED_RANGE_UPDATE
    )
}
