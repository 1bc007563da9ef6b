//! VPCI_INTERFACE_STANDARD: routines that return when the PF has answered.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::device::State;
use crate::judge;
use crate::machine::irql::APC_LEVEL;
use crate::nt::status::{self, Status};
use crate::sys::{GUID, IO_STACK_LOCATION, VPCI_INTERFACE_STANDARD};
use crate::vmbus::message::{GuestMessage, ReadCompletion, WriteCompletion};

/// GUID_VPCI_INTERFACE_STANDARD.
pub static INTERFACE: GUID = GUID {
    Data1: 0x12e6_5e71,
    Data2: 0xb651,
    Data3: 0x4067,
    Data4: [0x83, 0x1a, 0x13, 0x83, 0x20, 0x3c, 0xb0, 0xcb],
};
/// Version of the interface.
// SPEC: the pages call it driver-defined; this bus driver has had one.
pub const VERSION: u16 = 1;
/// Bytes of the interface.
pub const SIZE: u16 = size_of::<VPCI_INTERFACE_STANDARD>() as u16;
/// Bytes that a block message can carry.
pub const LONGEST_BLOCK: u32 = 128;

/// References that VF drivers hold on a device's interface.
#[derive(Debug, Default)]
pub(super) struct References(AtomicU32);

impl References {
    /// Checks that every reference was given back.
    pub(super) fn expect_none(&self) {
        assert_eq!(self.0.load(Ordering::Relaxed), 0, "the VF driver keeps the interface beyond the device");
    }
}

/// Answers IRP_MN_QUERY_INTERFACE, or returns `None` for a query that is not for this interface.
///
/// # Safety
/// The location is one of that query, whose pointers are valid and whose buffer is as large as it says.
pub(super) unsafe fn answer(state: &State, location: &IO_STACK_LOCATION) -> Option<Status> {
    // SAFETY: promised by the caller.
    let (query, wanted) = unsafe {
        let query = &location.Parameters.QueryInterface;
        (query, *query.InterfaceType)
    };
    let parts = |guid: &GUID| (guid.Data1, guid.Data2, guid.Data3, guid.Data4);
    if parts(&wanted) != parts(&INTERFACE) || query.Size < SIZE || query.Version < VERSION {
        return None;
    }
    let context = ptr::from_ref(state).cast_mut().cast::<c_void>();
    let interface = VPCI_INTERFACE_STANDARD {
        Size: SIZE,
        Version: VERSION,
        Context: context,
        InterfaceReference: Some(reference),
        InterfaceDereference: Some(dereference),
        WriteVfConfigBlock: Some(write_block),
        ReadVfConfigBlock: Some(read_block),
        SerialNumber: state.link.slot().0,
    };
    // SAFETY: the buffer has at least `SIZE` bytes.
    unsafe { query.Interface.cast::<VPCI_INTERFACE_STANDARD>().write(interface) };
    // SAFETY: the context is the state itself.
    unsafe { reference(context) };
    Some(status::SUCCESS)
}

/// # Safety
/// `context` is the interface's.
unsafe extern "win64" fn reference(context: *mut c_void) {
    // SAFETY: the context is a `State` that lives while its device does.
    let state = unsafe { &*context.cast::<State>() };
    state.references.0.fetch_add(1, Ordering::Relaxed);
}

/// # Safety
/// `context` is the interface's, referenced once more than dereferenced.
unsafe extern "win64" fn dereference(context: *mut c_void) {
    // SAFETY: as above.
    let state = unsafe { &*context.cast::<State>() };
    let before = state.references.0.fetch_sub(1, Ordering::Relaxed);
    assert_ne!(before, 0, "the VF driver gives the interface back once too often");
}

/// # Safety
/// `context` is the interface's; `buffer` has `length` bytes where that is a block's length.
// SPEC: the page of VPCI_WRITE_BLOCK allows DISPATCH_LEVEL, the header APC_LEVEL; a routine that waits for
// the host can only mean the header's.
unsafe extern "win64" fn write_block(
    context: *mut c_void,
    block: u32,
    buffer: *mut c_void,
    length: u32,
) -> Status {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the context is a `State` that lives while its device does.
    let state = unsafe { &*context.cast::<State>() };
    if let Err(refusal) = accept(state, buffer, length) {
        return refusal;
    }
    // SAFETY: the caller promises as many bytes as a block's length says.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length as usize) }.to_vec();
    let question = GuestMessage::WriteBlock { slot: state.link.slot(), block, bytes };
    state.link.ask(&question).map_or(status::DEVICE_NOT_READY, |answer| written(&answer))
}

/// # Safety
/// `context` is the interface's; `buffer` has `length` bytes where that is a block's length.
unsafe extern "win64" fn read_block(
    context: *mut c_void,
    block: u32,
    buffer: *mut c_void,
    length: u32,
) -> Status {
    judge::irql_at_most(APC_LEVEL);
    // SAFETY: the context is a `State` that lives while its device does.
    let state = unsafe { &*context.cast::<State>() };
    if let Err(refusal) = accept(state, buffer, length) {
        return refusal;
    }
    let question = GuestMessage::ReadBlock { slot: state.link.slot(), block, bytes_requested: length };
    match state.link.ask(&question).map(|answer| read(&answer, length)) {
        Err(_) => status::DEVICE_NOT_READY,
        Ok(Err(status)) => status,
        Ok(Ok(bytes)) => {
            // SAFETY: the caller promises `length` bytes, and there are as many.
            unsafe { buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            status::SUCCESS
        }
    }
}

/// Whether there is a device, and a message can carry what is asked.
fn accept(state: &State, buffer: *mut c_void, length: u32) -> Result<(), Status> {
    if state.link.is_ejected() {
        return Err(status::DEVICE_NOT_READY);
    }
    if buffer.is_null() || !is_block_length(length) {
        return Err(status::INVALID_PARAMETER);
    }
    Ok(())
}

/// Whether a message can carry that many bytes.
pub(super) fn is_block_length(length: u32) -> bool {
    (1..=LONGEST_BLOCK).contains(&length)
}

/// The status that a write was answered with.
pub(super) fn written(answer: &[u8]) -> Status {
    WriteCompletion::decode(answer).map_or(BAD_DATA, |completion| completion.status.cast_signed())
}

/// The `length` bytes that a read was answered with, or its status when it failed.
///
/// An answer that claims success and carries less is no answer.
pub(super) fn read(answer: &[u8], length: u32) -> Result<Vec<u8>, Status> {
    let completion = ReadCompletion::decode(answer).map_err(|_| BAD_DATA)?;
    match completion.status.cast_signed() {
        status::SUCCESS => completion.bytes.get(..length as usize).map(<[u8]>::to_vec).ok_or(BAD_DATA),
        refused => Err(refused),
    }
}

const BAD_DATA: Status = 0xC000_090B_u32.cast_signed();
