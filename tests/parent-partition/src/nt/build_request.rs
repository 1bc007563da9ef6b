//! IRPs that the I/O manager builds for drivers and takes back itself.

use std::ffi::c_void;

use super::event::KeSetEvent;
use super::flight::{self, Flight};
use super::irql::{APC_LEVEL, PASSIVE_LEVEL};
use super::object::{self, Kind};
use super::status::Status;
use super::{irp, memory_list};
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine;
use crate::memory::{self, Fill, Pool};
use crate::sys::{DEVICE_OBJECT, IO_STATUS_BLOCK, IRP, KEVENT, LARGE_INTEGER};

/// Builds an IRP for a device control request; the I/O manager takes it back, stores its status and sets the event.
///
/// Follows the IoBuildDeviceIoControlRequest page (PASSIVE_LEVEL). Judged: IRQL; something that is no live device.
///
/// # Safety
/// The buffers have their lengths; event and status block live until the request has ended.
pub unsafe extern "win64" fn IoBuildDeviceIoControlRequest(
    code: u32,
    device: *mut DEVICE_OBJECT,
    input: *mut c_void,
    input_length: u32,
    output: *mut c_void,
    output_length: u32,
    internal: u8,
    event: *mut KEVENT,
    status_block: *mut IO_STATUS_BLOCK,
) -> *mut IRP {
    judge::irql_at_most(PASSIVE_LEVEL);
    object::expect(device.addr(), Kind::Device);
    let method = code & 3;
    let (in_bytes, out_bytes) = (input_length as usize, output_length as usize);
    let mut buffers = Vec::new();
    let mut system_buffer = std::ptr::null_mut::<u8>();
    let buffered = match method {
        METHOD_BUFFERED => in_bytes.max(out_bytes),
        METHOD_NEITHER => 0,
        _ => in_bytes,
    };
    if buffered != 0 {
        system_buffer = memory::allocate(buffered, TAG, Pool::NonPaged, Fill::Pattern);
        buffers.push(system_buffer.expose_provenance());
        // SAFETY: the caller promises `in_bytes` readable bytes; the block has as many or more.
        for_caller(|| unsafe { system_buffer.copy_from(input.cast(), in_bytes) });
    }
    let copy_back =
        (method == METHOD_BUFFERED && out_bytes != 0).then_some((output.expose_provenance(), out_bytes));
    let flight = Flight::of_the_io_manager(
        finish(copy_back, event.expose_provenance(), status_block.expose_provenance()),
        buffers,
    );
    // SAFETY: the device is live; the new IRP has a location below its current one.
    unsafe {
        let irp = irp::allocate((*device).StackSize, flight);
        let next = &mut *irp::current(irp).sub(1);
        next.MajorFunction = if internal == 0 { MJ_DEVICE_CONTROL } else { MJ_INTERNAL_DEVICE_CONTROL };
        let control = &mut next.Parameters.DeviceIoControl;
        control.OutputBufferLength = output_length;
        control.InputBufferLength = input_length;
        control.IoControlCode = code;
        (*irp).AssociatedIrp.SystemBuffer = system_buffer.cast();
        (*irp).UserBuffer = output;
        match method {
            METHOD_NEITHER => control.Type3InputBuffer = input,
            METHOD_BUFFERED => {}
            _ if out_bytes != 0 => (*irp).MdlAddress = memory_list::described(output, output_length),
            _ => {}
        }
        (*irp).Tail.Overlay.Thread = machine::current_thread().cast();
        irp
    }
}

/// Builds an IRP for reading, writing, flushing, PnP or shutdown; the I/O manager takes it back as
/// [`IoBuildDeviceIoControlRequest`]'s.
///
/// Follows the IoBuildSynchronousFsdRequest page (PASSIVE_LEVEL). Judged: IRQL; something that is no live device; a major
/// function that the page does not list.
///
/// # Safety
/// The buffer has its length; event and status block live until the request has ended.
pub unsafe extern "win64" fn IoBuildSynchronousFsdRequest(
    major: u32,
    device: *mut DEVICE_OBJECT,
    buffer: *mut c_void,
    length: u32,
    offset: *const LARGE_INTEGER,
    event: *mut KEVENT,
    status_block: *mut IO_STATUS_BLOCK,
) -> *mut IRP {
    judge::irql_at_most(APC_LEVEL);
    object::expect(device.addr(), Kind::Device);
    if ![MJ_READ, MJ_WRITE, MJ_FLUSH_BUFFERS, MJ_SHUTDOWN, MJ_PNP].contains(&major) {
        violation(Rule::BadParameter, format_args!("no IRP of the major function {major} is built"));
    }
    let flight = Flight::of_the_io_manager(
        finish(None, event.expose_provenance(), status_block.expose_provenance()),
        Vec::new(),
    );
    // SAFETY: the device is live; the new IRP has a location below its current one; the caller promises the offset.
    unsafe {
        let irp = irp::allocate((*device).StackSize, flight);
        let next = &mut *irp::current(irp).sub(1);
        next.MajorFunction = major as u8;
        if major == MJ_READ || major == MJ_WRITE {
            next.Parameters.Read.Length = length;
            if !offset.is_null() {
                next.Parameters.Read.ByteOffset = for_caller(|| *offset);
            }
            (*irp).UserBuffer = buffer;
        }
        (*irp).Tail.Overlay.Thread = machine::current_thread().cast();
        irp
    }
}

/// What the I/O manager does when such an IRP comes back: data, status block, event, in that order.
fn finish(copy_back: Option<(usize, usize)>, event: usize, status_block: usize) -> flight::Finish {
    Box::new(move |irp: *mut IRP| {
        // SAFETY: the IRP is live until it is freed below; the builder's caller promised that output, status block and
        // event live until now.
        unsafe {
            let status = irp::status_of(irp);
            let information = (*irp).IoStatus.Information as usize;
            if let Some((output, room)) = copy_back.filter(|_| !is_error(status)) {
                let source = (*irp).AssociatedIrp.SystemBuffer.cast::<u8>();
                let target: *mut u8 = std::ptr::with_exposed_provenance_mut(output);
                for_caller(|| target.copy_from(source, information.min(room)));
            }
            if !(*irp).MdlAddress.is_null() {
                memory_list::IoFreeMdl((*irp).MdlAddress);
            }
            let block: *mut IO_STATUS_BLOCK = std::ptr::with_exposed_provenance_mut(status_block);
            if !block.is_null() {
                for_caller(|| *block = (*irp).IoStatus);
            }
            irp::free(irp);
            if event != 0 {
                KeSetEvent(std::ptr::with_exposed_provenance_mut(event), 0, 0);
            }
        }
    })
}

/// NT_ERROR: the severity bits are both set; a warning still brings its data.
pub(super) fn is_error(status: Status) -> bool {
    status.cast_unsigned() >> 30 == 3
}

const METHOD_BUFFERED: u32 = 0;
const METHOD_NEITHER: u32 = 3;
/// Major functions.
pub(crate) const MJ_READ: u32 = 3;
pub(crate) const MJ_WRITE: u32 = 4;
const MJ_FLUSH_BUFFERS: u32 = 9;
pub(crate) const MJ_DEVICE_CONTROL: u8 = 14;
pub(crate) const MJ_INTERNAL_DEVICE_CONTROL: u8 = 15;
const MJ_SHUTDOWN: u32 = 16;
const MJ_PNP: u32 = 27;
const TAG: u32 = u32::from_le_bytes(*b"IoSB");
