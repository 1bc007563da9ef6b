//! `SRIOV_DEVICE_INTERFACE_STANDARD` and `MITIGABLE_DEVICE_INTERFACE`: what the virtualization stack calls.
//!
//! Every member is called at `PASSIVE_LEVEL` with the `Context` of the interface, a counted reference to the PF: members may
//! be called as long as the caller holds the interface, also after the device is gone. Each translates its arguments, makes
//! one call, and translates the answer.
#![expect(unsafe_code, reason = "C functions with raw pointers")]

use core::{ffi::c_void, ptr::NonNull};

use backchannel::{
    NtStatus, Register, Sink, Source,
    abi::{
        LUID, NTSTATUS,
        pcivirt::{
            CM_PARTIAL_RESOURCE_DESCRIPTOR, DEVICE_POWER_STATE, GUID_MITIGABLE_DEVICE_INTERFACE,
            GUID_SRIOV_DEVICE_INTERFACE_STANDARD, MITIGABLE_DEVICE_INTERFACE,
            SRIOV_DEVICE_INTERFACE_STANDARD, SRIOV_DEVICE_INTERFACE_STANDARD_2,
        },
    },
};

use crate::{mitigation::access_register, pf::Pf, storage::Reference, wdf::irp::InterfaceQuery};

/// Answers a question for the device's routines; the reference that the answer holds, if it was answered.
///
/// SPEC: abi 6.14: both versions have one identifier, and the header names no version numbers. Who has room for version 2 and
/// knows it gets that, who asks for less gets version 1, and who asks for less than that is not answered. The framework's own
/// table cannot tell the two apart, so nothing is registered with it.
pub(crate) fn answer(query: &InterfaceQuery, pf: &Reference<Pf>) -> Option<Reference<Pf>> {
    if *query.identity() == GUID_MITIGABLE_DEVICE_INTERFACE {
        return pf.mitigation?.surface.answer(query, pf);
    }
    if *query.identity() != GUID_SRIOV_DEVICE_INTERFACE_STANDARD {
        return None;
    }
    let (size, version) = query.size_and_version();
    let context = pf.as_ptr();
    let written = if size >= SRIOV_DEVICE_INTERFACE_STANDARD_2::SIZE
        && version >= SRIOV_DEVICE_INTERFACE_STANDARD_2::VERSION
    {
        query.write(table_2(context))
    } else {
        version >= SRIOV_DEVICE_INTERFACE_STANDARD::VERSION && query.write(table(context))
    };
    written.then(|| pf.clone())
}

/// Answers a question for the routine that mitigated registers are accessed by.
pub(crate) fn answer_mitigable(query: &InterfaceQuery, pf: &Reference<Pf>) -> Option<Reference<Pf>> {
    let (_, version) = query.size_and_version();
    let is_answered =
        version >= MITIGABLE_DEVICE_INTERFACE::VERSION && query.write(mitigable_table(pf.as_ptr()));
    is_answered.then(|| pf.clone())
}

fn mitigable_table(pf: NonNull<Pf>) -> MITIGABLE_DEVICE_INTERFACE {
    MITIGABLE_DEVICE_INTERFACE {
        Size: MITIGABLE_DEVICE_INTERFACE::SIZE,
        Version: MITIGABLE_DEVICE_INTERFACE::VERSION,
        Context: pf.as_ptr().cast(),
        InterfaceReference: Some(interface_reference),
        InterfaceDereference: Some(interface_dereference),
        ReadWriteMitigatedRegister: Some(read_write_mitigated_register),
    }
}

/// SPEC: abi 6.25: the published sample leaves a member NULL; here none is.
fn table(pf: NonNull<Pf>) -> SRIOV_DEVICE_INTERFACE_STANDARD {
    SRIOV_DEVICE_INTERFACE_STANDARD {
        Size: SRIOV_DEVICE_INTERFACE_STANDARD::SIZE,
        Version: SRIOV_DEVICE_INTERFACE_STANDARD::VERSION,
        Context: pf.as_ptr().cast(),
        InterfaceReference: Some(interface_reference),
        InterfaceDereference: Some(interface_dereference),
        ReadVfConfig: Some(read_vf_config),
        WriteVfConfig: Some(write_vf_config),
        ReadVfConfigBlock: Some(read_vf_config_block),
        WriteVfConfigBlock: Some(write_vf_config_block),
        QueryProbedBars: Some(query_probed_bars),
        GetVendorAndDevice: Some(get_vendor_and_device),
        GetDeviceLocation: Some(get_device_location),
        ResetVf: Some(reset_vf),
        SetVfPowerState: Some(set_vf_power_state),
        GetResourceForBar: Some(get_resource_for_bar),
        QueryLuid: Some(query_luid),
    }
}

fn table_2(pf: NonNull<Pf>) -> SRIOV_DEVICE_INTERFACE_STANDARD_2 {
    let first = table(pf);
    SRIOV_DEVICE_INTERFACE_STANDARD_2 {
        Size: SRIOV_DEVICE_INTERFACE_STANDARD_2::SIZE,
        Version: SRIOV_DEVICE_INTERFACE_STANDARD_2::VERSION,
        Context: first.Context,
        InterfaceReference: first.InterfaceReference,
        InterfaceDereference: first.InterfaceDereference,
        ReadVfConfig: first.ReadVfConfig,
        WriteVfConfig: first.WriteVfConfig,
        ReadVfConfigBlock: first.ReadVfConfigBlock,
        WriteVfConfigBlock: first.WriteVfConfigBlock,
        QueryProbedBars: first.QueryProbedBars,
        GetVendorAndDevice: first.GetVendorAndDevice,
        GetDeviceLocation: first.GetDeviceLocation,
        ResetVf: first.ResetVf,
        SetVfPowerState: first.SetVfPowerState,
        GetResourceForBar: first.GetResourceForBar,
        QueryLuid: first.QueryLuid,
        QueryProbedBars_2: Some(query_probed_bars_2),
        QueryVfLuid: Some(query_vf_luid),
        QueryLuidVf: Some(query_luid_vf),
    }
}

/// A caller's buffer: memory that may be shared with the guest, so that no reference to it is ever made.
struct Buffer {
    start: *mut u8,
    length: u32,
}

impl Source for Buffer {
    fn is_null(&self) -> bool {
        self.start.is_null()
    }

    fn length(&self) -> u32 {
        self.length
    }

    fn copy_to(&self, staging: &mut [u8]) {
        // SAFETY: the engine asks for at most `length` bytes of a buffer that is not NULL, and the virtualization stack
        // promises that so many are there during the call; `staging` is the engine's own.
        unsafe { core::ptr::copy_nonoverlapping(self.start, staging.as_mut_ptr(), staging.len()) };
    }
}

impl Sink for Buffer {
    fn is_null(&self) -> bool {
        self.start.is_null()
    }

    fn length(&self) -> u32 {
        self.length
    }

    fn fill(&mut self, content: &[u8]) {
        let length = usize::try_from(self.length).unwrap_or(0);
        // SAFETY: the engine gives at most `length` bytes for a buffer that is not NULL, and the virtualization stack
        // promises that so many are there during the call.
        unsafe { core::ptr::copy_nonoverlapping(content.as_ptr(), self.start, content.len()) };
        let rest = self.start.wrapping_add(content.len());
        // SAFETY: as above; content and rest make up the buffer.
        unsafe { rest.write_bytes(0, length.saturating_sub(content.len())) };
    }
}

/// The PF behind a context, if there is one.
///
/// # Safety
/// `context` is NULL or the `Context` of an interface that the caller holds a reference to.
pub(crate) unsafe fn pf<'call>(context: *mut c_void) -> Option<&'call Pf> {
    // SAFETY: our caller; a reference keeps the PF during the call.
    unsafe { context.cast::<Pf>().as_ref() }
}

pub(crate) unsafe extern "win64" fn interface_reference(context: *mut c_void) {
    if let Some(pf) = NonNull::new(context.cast::<Pf>()) {
        // SAFETY: KMDF or a holder of the interface calls this, so the PF is there.
        unsafe { Reference::increment(pf) };
    }
}

pub(crate) unsafe extern "win64" fn interface_dereference(context: *mut c_void) {
    if let Some(pf) = NonNull::new(context.cast::<Pf>()) {
        // SAFETY: the caller gives back a reference that it holds.
        unsafe { Reference::decrement(pf) };
    }
}

/// SPEC: abi 6.2: sources differ in how high a level a guest may write at; here, on the PF's side, it is `PASSIVE_LEVEL`
/// throughout, so that a handler may wait.
unsafe extern "win64" fn write_vf_config_block(
    context: *mut c_void,
    vf: u16,
    block: u32,
    buffer: *mut c_void,
    length: u32,
) -> NTSTATUS {
    let source = Buffer { start: buffer.cast(), length };
    // SAFETY: the virtualization stack holds the interface during the call.
    unsafe { pf(context) }.map_or(NtStatus::INVALID_PARAMETER, |pf| pf.write(vf, block, &source)).raw()
}

unsafe extern "win64" fn read_vf_config_block(
    context: *mut c_void,
    vf: u16,
    block: u32,
    buffer: *mut c_void,
    length: u32,
) -> NTSTATUS {
    let mut sink = Buffer { start: buffer.cast(), length };
    // SAFETY: the virtualization stack holds the interface during the call.
    unsafe { pf(context) }.map_or(NtStatus::INVALID_PARAMETER, |pf| pf.read(vf, block, &mut sink)).raw()
}

unsafe extern "win64" fn read_vf_config(
    context: *mut c_void,
    data: *mut c_void,
    vf: u16,
    offset: u32,
    length: u32,
) -> NTSTATUS {
    let done = place(offset, length, data).and_then(|length| {
        // SAFETY: the virtualization stack holds the interface during the call.
        let hardware = unsafe { pf(context) }.ok_or(NtStatus::INVALID_PARAMETER)?.vf(vf)?;
        // SAFETY: the virtualization stack promises so many bytes during the call.
        moved(unsafe { hardware.bus()?.read(vf, data, offset, length) }, length)
    });
    if done.is_err() && !data.is_null() && length <= CONFIG_SPACE {
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: as above; what was not read is not handed to a guest.
        unsafe { data.cast::<u8>().write_bytes(0, length) };
    }
    status(done)
}

unsafe extern "win64" fn write_vf_config(
    context: *mut c_void,
    data: *const c_void,
    vf: u16,
    offset: u32,
    length: u32,
) -> NTSTATUS {
    let done = place(offset, length, data).and_then(|length| {
        // SAFETY: the virtualization stack holds the interface during the call.
        let hardware = unsafe { pf(context) }.ok_or(NtStatus::INVALID_PARAMETER)?.vf(vf)?;
        // SAFETY: the virtualization stack promises so many bytes during the call.
        moved(unsafe { hardware.bus()?.write(vf, data, offset, length) }, length)
    });
    status(done)
}

unsafe extern "win64" fn query_probed_bars(context: *mut c_void, base_registers: *mut u32) -> NTSTATUS {
    // SAFETY: the virtualization stack holds the interface, and lends a place for six registers.
    unsafe { give(context, base_registers.cast(), Pf::probed_bars) }
}

unsafe extern "win64" fn query_probed_bars_2(
    context: *mut c_void,
    vf: u16,
    base_registers: *mut u32,
) -> NTSTATUS {
    // SAFETY: as in `query_probed_bars`.
    unsafe { give(context, base_registers.cast(), |pf| pf.probed_bars_of(vf)) }
}

/// Answers with the ids of no device where there is no such VF: this member has no status.
unsafe extern "win64" fn get_vendor_and_device(
    context: *mut c_void,
    vf: u16,
    vendor: *mut u16,
    device: *mut u16,
) {
    // SAFETY: the virtualization stack holds the interface during the call.
    let ids = unsafe { pf(context) }.and_then(|pf| pf.vf_ids(vf).ok());
    let (vendor_id, device_id) = ids.unwrap_or((0xFFFF, 0xFFFF));
    // SAFETY: the virtualization stack lends the place for the id during the call.
    let _status = unsafe { put(vendor, vendor_id) };
    // SAFETY: as above.
    let _status = unsafe { put(device, device_id) };
}

/// Answers with zeros where there is no such VF: this member has no status.
unsafe extern "win64" fn get_device_location(
    context: *mut c_void,
    vf: u16,
    segment: *mut u16,
    bus: *mut u8,
    function: *mut u8,
) {
    // SAFETY: the virtualization stack holds the interface during the call.
    let location = unsafe { pf(context) }.and_then(|pf| pf.location(vf).ok()).unwrap_or_default();
    // SAFETY: the virtualization stack lends the place for the number during the call.
    let _status = unsafe { put(segment, location.segment) };
    // SAFETY: as above.
    let _status = unsafe { put(bus, location.bus) };
    // SAFETY: as above.
    let _status = unsafe { put(function, location.function) };
}

unsafe extern "win64" fn reset_vf(context: *mut c_void, vf: u16) -> NTSTATUS {
    // SAFETY: the virtualization stack holds the interface during the call.
    let pf = unsafe { pf(context) };
    status(pf.ok_or(NtStatus::INVALID_PARAMETER).and_then(|pf| pf.reset_vf(vf)))
}

unsafe extern "win64" fn set_vf_power_state(
    context: *mut c_void,
    vf: u16,
    state: DEVICE_POWER_STATE,
    wake: u8,
) -> NTSTATUS {
    // SAFETY: the virtualization stack holds the interface during the call.
    let pf = unsafe { pf(context) };
    status(pf.ok_or(NtStatus::INVALID_PARAMETER).and_then(|pf| pf.set_vf_power(vf, state, wake != 0)))
}

unsafe extern "win64" fn get_resource_for_bar(
    context: *mut c_void,
    vf: u16,
    bar: u16,
    resource: *mut CM_PARTIAL_RESOURCE_DESCRIPTOR,
) -> NTSTATUS {
    // SAFETY: the virtualization stack holds the interface, and lends a place for the descriptor.
    unsafe { give(context, resource, |pf| pf.resource(vf, bar)) }
}

unsafe extern "win64" fn query_luid(context: *mut c_void, luid: *mut LUID) -> NTSTATUS {
    // SAFETY: the virtualization stack holds the interface, and lends a place for the identifier.
    unsafe { give(context, luid, Pf::luid) }
}

unsafe extern "win64" fn query_vf_luid(context: *mut c_void, vf: u16, luid: *mut LUID) -> NTSTATUS {
    // SAFETY: as in `query_luid`.
    unsafe { give(context, luid, |pf| pf.vf_luid(vf)) }
}

unsafe extern "win64" fn query_luid_vf(context: *mut c_void, luid: LUID, vf: *mut u16) -> NTSTATUS {
    // SAFETY: the virtualization stack holds the interface, and lends a place for the number.
    unsafe { give(context, vf, |pf| pf.vf_of_luid(luid)) }
}

unsafe extern "win64" fn read_write_mitigated_register(
    context: *mut c_void,
    vf: u16,
    read: u8,
    bar: u16,
    offset: u64,
    length: u32,
    data: *mut u8,
) -> NTSTATUS {
    let mut buffer = Buffer { start: data, length };
    let at = Register { bar, offset };
    // SAFETY: the virtualization stack holds the interface during the call.
    unsafe { pf(context) }
        .map_or(NtStatus::INVALID_PARAMETER, |pf| access_register(pf, vf, read != 0, at, &mut buffer))
        .raw()
}

/// Puts what `ask` answers where the caller wants it; nothing is written when it fails.
///
/// # Safety
/// `context` as for [`pf`]; `place` is NULL or can be written.
unsafe fn give<T>(
    context: *mut c_void,
    place: *mut T,
    ask: impl FnOnce(&Pf) -> Result<T, NtStatus>,
) -> NTSTATUS {
    // SAFETY: our caller.
    let answer = unsafe { pf(context) }.ok_or(NtStatus::INVALID_PARAMETER).and_then(ask);
    // SAFETY: our caller.
    status(answer.and_then(|value| unsafe { put(place, value) }))
}

/// Puts a value where a caller wants it.
///
/// # Safety
/// `place` is NULL or can be written.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) -> Result<(), NtStatus> {
    if place.is_null() {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    // SAFETY: our caller.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// Checks a place in configuration space and a buffer for it; gives the length.
fn place(offset: u32, length: u32, buffer: *const c_void) -> Result<u32, NtStatus> {
    let end = offset.checked_add(length).ok_or(NtStatus::INVALID_PARAMETER)?;
    if buffer.is_null() || length == 0 || end > CONFIG_SPACE {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    Ok(length)
}

fn moved(moved: u32, wanted: u32) -> Result<(), NtStatus> {
    if moved == wanted { Ok(()) } else { Err(NtStatus::UNSUCCESSFUL) }
}

/// SPEC: abi 6.27: a guest takes every status but `STATUS_SUCCESS` for a failure, so no other one means success.
fn status(done: Result<(), NtStatus>) -> NTSTATUS {
    done.map_or_else(NtStatus::raw, |()| NtStatus::SUCCESS.raw())
}

/// The size of a function's configuration space.
const CONFIG_SPACE: u32 = 4096;
