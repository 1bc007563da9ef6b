//! `SRIOV_DEVICE_INTERFACE_STANDARD`: what the virtualization stack calls.
//!
//! Every member is called at `PASSIVE_LEVEL` with the `Context` of the interface, a counted reference to the PF: members may
//! be called as long as the caller holds the interface, also after the device is gone. Each translates its arguments, makes
//! one call, and translates the answer.
//!
//! SPEC: pcivirt.h declares a block's `Length` as below 128; the DDI pages say "must not exceed", and VF drivers send 128.
//! The engine accepts 1 to 128.
//!
//! SPEC: the header allows members to be NULL, and nothing says which the virtualization stack tolerates; so each is there,
//! and what is not served says so.
#![expect(unsafe_code, reason = "C functions with raw pointers")]

use core::{ffi::c_void, ptr::NonNull};

use backchannel::{
    NtStatus, Sink, Source,
    abi::{
        LUID, NTSTATUS,
        pcivirt::{
            CM_PARTIAL_RESOURCE_DESCRIPTOR, DEVICE_POWER_STATE, GUID_DEVINTERFACE_VIRTUALIZABLE_DEVICE,
            GUID_SRIOV_DEVICE_INTERFACE_STANDARD, SRIOV_DEVICE_INTERFACE_STANDARD,
        },
    },
};
use wdk_sys::WDFDEVICE;

use crate::{pf::Pf, storage::Reference, wdf::interface};

/// Offers the device as virtualizable, and its routines to whoever queries them.
///
/// IRQL: `PASSIVE_LEVEL`, once a device.
///
/// # Errors
/// What the framework says.
pub(crate) fn offer(device: WDFDEVICE, pf: &Reference<Pf>) -> Result<(), NtStatus> {
    interface::create_device_interface(device, &GUID_DEVINTERFACE_VIRTUALIZABLE_DEVICE)?;
    let mut table = table(pf.as_ptr());
    // SAFETY: the table is whole and says its own size. The device holds a reference to the PF as long as KMDF answers
    // queries for it, and KMDF takes one for each copy before it hands it out.
    unsafe { interface::add_query_interface(device, &GUID_SRIOV_DEVICE_INTERFACE_STANDARD, &mut table) }
}

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
unsafe fn pf<'call>(context: *mut c_void) -> Option<&'call Pf> {
    // SAFETY: our caller; a reference keeps the PF during the call.
    unsafe { context.cast::<Pf>().as_ref() }
}

unsafe extern "win64" fn interface_reference(context: *mut c_void) {
    if let Some(pf) = NonNull::new(context.cast::<Pf>()) {
        // SAFETY: KMDF or a holder of the interface calls this, so the PF is there.
        unsafe { Reference::increment(pf) };
    }
}

unsafe extern "win64" fn interface_dereference(context: *mut c_void) {
    if let Some(pf) = NonNull::new(context.cast::<Pf>()) {
        // SAFETY: the caller gives back a reference that it holds.
        unsafe { Reference::decrement(pf) };
    }
}

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
    _context: *mut c_void,
    _data: *mut c_void,
    _vf: u16,
    _offset: u32,
    _length: u32,
) -> NTSTATUS {
    NtStatus::NOT_SUPPORTED.raw()
}

unsafe extern "win64" fn write_vf_config(
    _context: *mut c_void,
    _data: *const c_void,
    _vf: u16,
    _offset: u32,
    _length: u32,
) -> NTSTATUS {
    NtStatus::NOT_SUPPORTED.raw()
}

unsafe extern "win64" fn query_probed_bars(_context: *mut c_void, _base_registers: *mut u32) -> NTSTATUS {
    NtStatus::NOT_SUPPORTED.raw()
}

/// Answers with the ids of no device: this member has no status.
unsafe extern "win64" fn get_vendor_and_device(
    _context: *mut c_void,
    _vf: u16,
    vendor: *mut u16,
    device: *mut u16,
) {
    for id in [vendor, device] {
        if !id.is_null() {
            // SAFETY: the virtualization stack lends the place for the id during the call.
            unsafe { id.write(0xFFFF) };
        }
    }
}

/// Answers with zeros: this member has no status.
unsafe extern "win64" fn get_device_location(
    _context: *mut c_void,
    _vf: u16,
    segment: *mut u16,
    bus: *mut u8,
    function: *mut u8,
) {
    if !segment.is_null() {
        // SAFETY: the virtualization stack lends the place for the number during the call.
        unsafe { segment.write(0) };
    }
    for number in [bus, function] {
        if !number.is_null() {
            // SAFETY: as above.
            unsafe { number.write(0) };
        }
    }
}

unsafe extern "win64" fn reset_vf(_context: *mut c_void, _vf: u16) -> NTSTATUS {
    NtStatus::NOT_SUPPORTED.raw()
}

unsafe extern "win64" fn set_vf_power_state(
    _context: *mut c_void,
    _vf: u16,
    _state: DEVICE_POWER_STATE,
    _wake: u8,
) -> NTSTATUS {
    NtStatus::NOT_SUPPORTED.raw()
}

unsafe extern "win64" fn get_resource_for_bar(
    _context: *mut c_void,
    _vf: u16,
    _bar: u16,
    _resource: *mut CM_PARTIAL_RESOURCE_DESCRIPTOR,
) -> NTSTATUS {
    NtStatus::NOT_SUPPORTED.raw()
}

unsafe extern "win64" fn query_luid(_context: *mut c_void, _luid: *mut LUID) -> NTSTATUS {
    NtStatus::NOT_SUPPORTED.raw()
}
