//! The three callbacks of the C interface: pointers become references, one safe call, and a status.
#![expect(unsafe_code, reason = "the PF calls C functions with pointers")]

use core::ffi::c_void;

use backchannel::{
    NtStatus, VfEvent,
    abi::{
        NTSTATUS,
        handler_interface::{
            PF_BACKCHANNEL_CALL, PF_BACKCHANNEL_VF_DISABLED, PF_BACKCHANNEL_VF_ENABLED,
            PF_BACKCHANNEL_VF_POWER_CHANGED, PF_BACKCHANNEL_VF_QUARANTINED, PF_BACKCHANNEL_VF_RESET,
        },
    },
};

use crate::{block::Service, handler::Call};

pub(crate) unsafe extern "win64" fn write(
    context: *mut c_void,
    call: *const PF_BACKCHANNEL_CALL,
    block: *const u8,
    length: u32,
) -> NTSTATUS {
    // SAFETY: what is registered as the context is a `&'static Service`.
    let service: &Service = unsafe { &*context.cast() };
    // SAFETY: the PF promises a call that lives until this returns.
    let raw = unsafe { &*call };
    // SAFETY: the PF promises `length` bytes, private to it, until this returns.
    let block = unsafe { core::slice::from_raw_parts(block, length_of(length)) };
    status(service.handler.write(&Call { raw }, block))
}

pub(crate) unsafe extern "win64" fn read(
    context: *mut c_void,
    call: *const PF_BACKCHANNEL_CALL,
    output: *mut u8,
    length: u32,
) -> NTSTATUS {
    // SAFETY: what is registered as the context is a `&'static Service`.
    let service: &Service = unsafe { &*context.cast() };
    // SAFETY: the PF promises a call that lives until this returns.
    let raw = unsafe { &*call };
    // SAFETY: the PF promises `length` bytes of room, ours alone until this returns.
    let output = unsafe { core::slice::from_raw_parts_mut(output, length_of(length)) };
    status(service.handler.read(&Call { raw }, output))
}

pub(crate) unsafe extern "win64" fn vf_event(
    context: *mut c_void,
    call: *const PF_BACKCHANNEL_CALL,
    event: u32,
) {
    // SAFETY: what is registered as the context is a `&'static Service`.
    let service: &Service = unsafe { &*context.cast() };
    // SAFETY: the PF promises a call that lives until this returns.
    let raw = unsafe { &*call };
    let event = match event {
        PF_BACKCHANNEL_VF_ENABLED => VfEvent::Enabled,
        PF_BACKCHANNEL_VF_RESET => VfEvent::Reset,
        PF_BACKCHANNEL_VF_POWER_CHANGED => VfEvent::PowerChanged,
        PF_BACKCHANNEL_VF_QUARANTINED => VfEvent::Quarantined,
        PF_BACKCHANNEL_VF_DISABLED => VfEvent::Disabled,
        // A later version's: nothing that this handler knows has happened.
        _ => return,
    };
    service.handler.vf_event(&Call { raw }, event);
}

fn status(result: Result<(), NtStatus>) -> NTSTATUS {
    result.err().unwrap_or(NtStatus::SUCCESS).raw()
}

fn length_of(length: u32) -> usize {
    usize::try_from(length).unwrap_or(0)
}
