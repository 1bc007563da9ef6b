//! The handler interface: what drivers of an IHV call to register handlers at run time.
//!
//! Each routine translates its arguments, makes one call, and translates the answer. What each promises, and at which level
//! it may be called, stands in the header (`include/pf_backchannel.h`) and its definitions.
#![expect(unsafe_code, reason = "C functions with raw pointers")]

use core::{ffi::c_void, ptr::NonNull};

use backchannel::{
    BLOCK_SIZE, BlockMask, InvalidationTarget, NtStatus, Ticket, VfIndex,
    abi::{
        NTSTATUS,
        handler_interface::{
            GUID_PF_BACKCHANNEL_HANDLER_INTERFACE, PF_BACKCHANNEL_ALL_VFS, PF_BACKCHANNEL_HANDLER,
            PF_BACKCHANNEL_HANDLER_INTERFACE, PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION,
            PF_BACKCHANNEL_REGISTRATION, PF_BACKCHANNEL_STATISTICS, PF_BACKCHANNEL_STATUS_CONTENT_LENGTH,
            PF_BACKCHANNEL_STATUS_NO_SUCH_VF, PF_BACKCHANNEL_STATUS_NOT_REGISTERED,
            PF_BACKCHANNEL_STATUS_TOO_LATE, PF_BACKCHANNEL_STATUS_WRONG_SIZE,
            PF_BACKCHANNEL_STATUS_WRONG_VERSION, PF_BACKCHANNEL_VF_STATUS, publish_status, standing_number,
            state_number,
        },
    },
};

use crate::{
    pf::{Engine, Pf, Serving},
    sriov::{interface_dereference, interface_reference, pf, put},
    storage::Reference,
    wdf::{interface::interface_size, irp::InterfaceQuery, size_of_u32},
};

/// Answers a question for the handler interface; `None` if it is for another one.
///
/// # Errors
/// The asker means another size or version.
pub(crate) fn answer(query: &InterfaceQuery, pf: &Reference<Pf>) -> Option<Result<Reference<Pf>, NtStatus>> {
    if *query.identity() != GUID_PF_BACKCHANNEL_HANDLER_INTERFACE {
        return None;
    }
    let refused = |status| Some(Err(NtStatus::from_raw(status)));
    let (size, version) = query.size_and_version();
    if version != PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION {
        return refused(PF_BACKCHANNEL_STATUS_WRONG_VERSION);
    }
    let expected = const { interface_size::<PF_BACKCHANNEL_HANDLER_INTERFACE>() };
    if size != expected || !query.write(table(pf.as_ptr())) {
        return refused(PF_BACKCHANNEL_STATUS_WRONG_SIZE);
    }
    Some(Ok(pf.clone()))
}

fn table(pf: NonNull<Pf>) -> PF_BACKCHANNEL_HANDLER_INTERFACE {
    PF_BACKCHANNEL_HANDLER_INTERFACE {
        Size: const { interface_size::<PF_BACKCHANNEL_HANDLER_INTERFACE>() },
        Version: PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION,
        Context: pf.as_ptr().cast(),
        InterfaceReference: Some(interface_reference),
        InterfaceDereference: Some(interface_dereference),
        Register: Some(register),
        Replace: Some(replace),
        Unregister: Some(unregister),
        Publish: Some(publish),
        PublishInLife: Some(publish_in_life),
        Invalidate: Some(invalidate),
        QueryVfCount: Some(query_vf_count),
        QueryVf: Some(query_vf),
        QueryStatistics: Some(query_statistics),
        Complete: Some(complete),
    }
}

unsafe extern "win64" fn register(
    context: *mut c_void,
    registration: *const PF_BACKCHANNEL_REGISTRATION,
    handler: *mut PF_BACKCHANNEL_HANDLER,
) -> NTSTATUS {
    // SAFETY: the caller holds the interface during the call.
    let Some(pf) = unsafe { pf(context) }.filter(|_| !handler.is_null()) else { return INVALID };
    // SAFETY: the caller lends the structure during the call.
    let registered = unsafe { read(registration) }.and_then(|registration| {
        // SAFETY: the caller keeps both objects that its registration names.
        unsafe { pf.register(&registration) }
    });
    match registered {
        Ok(number) => {
            // SAFETY: the caller lends the place during the call.
            let _not_null = unsafe { put(handler, number) };
            OK
        }
        Err(status) => status,
    }
}

unsafe extern "win64" fn replace(
    context: *mut c_void,
    handler: PF_BACKCHANNEL_HANDLER,
    registration: *const PF_BACKCHANNEL_REGISTRATION,
) -> NTSTATUS {
    // SAFETY: the caller holds the interface during the call.
    let Some(pf) = (unsafe { pf(context) }) else { return INVALID };
    // SAFETY: the caller lends the structure during the call.
    status(unsafe { read(registration) }.and_then(|registration| {
        // SAFETY: the caller keeps both objects that its registration names.
        unsafe { pf.replace(handler, &registration) }
    }))
}

unsafe extern "win64" fn unregister(context: *mut c_void, handler: PF_BACKCHANNEL_HANDLER) -> NTSTATUS {
    // SAFETY: the caller holds the interface during the call.
    unsafe { pf(context) }.map_or(INVALID, |pf| status(pf.unregister(handler)))
}

unsafe extern "win64" fn publish(
    context: *mut c_void,
    handler: PF_BACKCHANNEL_HANDLER,
    vf: u16,
    from: *const u8,
    length: u32,
) -> NTSTATUS {
    // SAFETY: the caller holds the interface, and lends its content, during the call.
    status(unsafe { publish_to(context, handler, vf, None, from, length) })
}

unsafe extern "win64" fn publish_in_life(
    context: *mut c_void,
    handler: PF_BACKCHANNEL_HANDLER,
    vf: u16,
    generation: u32,
    from: *const u8,
    length: u32,
) -> NTSTATUS {
    // SAFETY: as in `publish`.
    status(unsafe { publish_to(context, handler, vf, Some(generation), from, length) })
}

/// # Safety
/// `context` as for [`pf`]; `from` is NULL or `length` bytes.
unsafe fn publish_to(
    context: *mut c_void,
    handler: PF_BACKCHANNEL_HANDLER,
    vf: u16,
    life: Option<u32>,
    from: *const u8,
    length: u32,
) -> Result<(), NTSTATUS> {
    // SAFETY: our caller.
    let (pf, engine) = unsafe { serving(context) }?;
    if from.is_null() {
        return Err(INVALID);
    }
    let block = pf
        .plugins()
        .and_then(|plugins| plugins.block(handler))
        .ok_or(PF_BACKCHANNEL_STATUS_NOT_REGISTERED)?;
    let mut bytes = [0; BLOCK_SIZE];
    let place = usize::try_from(length).ok().and_then(|length| bytes.get_mut(..length));
    let place = place.ok_or(PF_BACKCHANNEL_STATUS_CONTENT_LENGTH)?;
    // SAFETY: our caller lends so many bytes; the place is as long.
    unsafe { core::ptr::copy_nonoverlapping(from, place.as_mut_ptr(), place.len()) };
    let time = pf.now();
    match (vf, life) {
        (PF_BACKCHANNEL_ALL_VFS, None) => engine.publish_to_all(block, place, time),
        (_, None) => engine.publish(index(engine, vf)?, block, place, time),
        (_, Some(life)) => engine.publish_in_life(index(engine, vf)?, life, block, place, time),
    }
    .map_err(publish_status)
}

unsafe extern "win64" fn invalidate(context: *mut c_void, vf: u16, blocks: u64) -> NTSTATUS {
    // SAFETY: the caller holds the interface during the call.
    let posted = unsafe { serving(context) }.and_then(|(pf, engine)| {
        let target = match vf {
            PF_BACKCHANNEL_ALL_VFS => InvalidationTarget::AllVfs,
            vf => InvalidationTarget::Vf(index(engine, vf)?),
        };
        engine.invalidate(target, BlockMask::new(blocks));
        pf.tell_invalidations();
        Ok(())
    });
    status(posted)
}

unsafe extern "win64" fn query_vf_count(context: *mut c_void) -> u16 {
    // SAFETY: the caller holds the interface during the call.
    unsafe { serving(context) }.map_or(0, |(_, engine)| engine.vf_count().value())
}

unsafe extern "win64" fn query_vf(
    context: *mut c_void,
    vf: u16,
    place: *mut PF_BACKCHANNEL_VF_STATUS,
) -> NTSTATUS {
    // SAFETY: the caller holds the interface during the call.
    let found = unsafe { serving(context) }.and_then(|(_, engine)| {
        // SAFETY: the caller lends the structure during the call.
        let size = unsafe { checked_size(place) }?;
        let vf = index(engine, vf)?;
        Ok(PF_BACKCHANNEL_VF_STATUS {
            Size: size,
            Generation: engine.vf_identity(vf).map_or(0, |vf| vf.generation.value()),
            State: state_number(engine.vf_state(vf)),
            Standing: standing_number(engine.standing(vf)),
            Reserved: [0; 6],
        })
    });
    // SAFETY: as above.
    unsafe { give(place, found) }
}

unsafe extern "win64" fn query_statistics(
    context: *mut c_void,
    handler: PF_BACKCHANNEL_HANDLER,
    vf: u16,
    place: *mut PF_BACKCHANNEL_STATISTICS,
) -> NTSTATUS {
    // SAFETY: the caller holds the interface during the call.
    let found = unsafe { serving(context) }.and_then(|(pf, engine)| {
        // SAFETY: the caller lends the structure during the call.
        let size = unsafe { checked_size(place) }?;
        let plugins = pf.plugins().ok_or(PF_BACKCHANNEL_STATUS_NOT_REGISTERED)?;
        let block = plugins.block(handler).ok_or(PF_BACKCHANNEL_STATUS_NOT_REGISTERED)?;
        let vf = index(engine, vf)?;
        let read = engine.block_statistics(vf, block).ok_or(PF_BACKCHANNEL_STATUS_NOT_REGISTERED)?;
        let ((blamed, known), (seen, what)) =
            (engine.blames(block).unwrap_or_default(), plugins.blames(handler));
        Ok(PF_BACKCHANNEL_STATISTICS {
            Size: size,
            Refused: read.refused,
            Served: read.served,
            Bytes: read.bytes,
            Last: read.last,
            HandlerCalls: read.handler_calls,
            HandlerTotal: read.handler_total,
            HandlerLongest: read.handler_longest,
            LateCompletions: engine.late_completions(vf),
            Blamed: blamed.wrapping_add(seen),
            Blames: known | what,
        })
    });
    // SAFETY: as above.
    unsafe { give(place, found) }
}

unsafe extern "win64" fn complete(context: *mut c_void, ticket: u64, answer: NTSTATUS) -> NTSTATUS {
    // SAFETY: the caller holds the interface during the call.
    let Some(Serving { engine, events, .. }) = (unsafe { pf(context) }).and_then(Pf::serving) else {
        return INVALID;
    };
    let kernel = crate::irql::Kernel::new(events);
    let completed = Ticket::from_bits(ticket)
        .and_then(|ticket| engine.complete(ticket, NtStatus::from_raw(answer), &kernel).ok());
    completed.map_or(PF_BACKCHANNEL_STATUS_TOO_LATE, |()| OK)
}

/// The PF behind a context, and its engine.
///
/// # Safety
/// As for [`pf`].
unsafe fn serving<'call>(context: *mut c_void) -> Result<(&'call Pf, &'call Engine), NTSTATUS> {
    // SAFETY: our caller.
    let pf = unsafe { pf(context) }.ok_or(INVALID)?;
    let serving = pf.serving().ok_or(INVALID)?;
    Ok((pf, &serving.engine))
}

/// Copies a registration, once its size is known to be right.
///
/// # Safety
/// `registration` is NULL, or begins with its size and is so long.
unsafe fn read(
    registration: *const PF_BACKCHANNEL_REGISTRATION,
) -> Result<PF_BACKCHANNEL_REGISTRATION, NTSTATUS> {
    if registration.is_null() {
        return Err(INVALID);
    }
    // SAFETY: our caller.
    let size = unsafe { registration.cast::<u16>().read_unaligned() };
    if size != const { interface_size::<PF_BACKCHANNEL_REGISTRATION>() } {
        return Err(PF_BACKCHANNEL_STATUS_WRONG_SIZE);
    }
    // SAFETY: our caller; the structure's size is ours.
    Ok(unsafe { registration.read_unaligned() })
}

/// Gives the size of a structure that is to be filled, if it is the right one.
///
/// # Safety
/// `place` is NULL, or begins with its size.
unsafe fn checked_size<T>(place: *const T) -> Result<u32, NTSTATUS> {
    if place.is_null() {
        return Err(INVALID);
    }
    // SAFETY: our caller.
    let size = unsafe { place.cast::<u32>().read_unaligned() };
    if size == size_of_u32::<T>() { Ok(size) } else { Err(PF_BACKCHANNEL_STATUS_WRONG_SIZE) }
}

/// Puts an answer where the caller wants it; nothing is written when there is none.
///
/// # Safety
/// `place` is NULL or can be written.
unsafe fn give<T>(place: *mut T, answer: Result<T, NTSTATUS>) -> NTSTATUS {
    match answer {
        Ok(value) => {
            // SAFETY: our caller.
            let _not_null = unsafe { put(place, value) };
            OK
        }
        Err(status) => status,
    }
}

fn index(engine: &Engine, vf: u16) -> Result<VfIndex, NTSTATUS> {
    engine.index(vf).ok_or(PF_BACKCHANNEL_STATUS_NO_SUCH_VF)
}

fn status(done: Result<(), NTSTATUS>) -> NTSTATUS {
    done.err().unwrap_or(OK)
}

const OK: NTSTATUS = NtStatus::SUCCESS.raw();
const INVALID: NTSTATUS = NtStatus::INVALID_PARAMETER.raw();
