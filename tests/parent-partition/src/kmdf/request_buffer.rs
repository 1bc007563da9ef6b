//! The buffers of a request, by the way its data travel.
//!
//! SPEC: traces `buffer-*`. An empty buffer is STATUS_BUFFER_TOO_SMALL even where nothing is asked for; a direction that
//! the request does not have, and METHOD_NEITHER from user mode, is STATUS_INVALID_DEVICE_REQUEST.

use std::sync::Arc;

use super::attributes::Attributes;
use super::driver_memory;
use super::handle::{self, Handle};
use super::irp::Irp;
use super::kernel;
use super::loader;
use super::memory::Memory;
use super::queue::{MAJOR_DEVICE_CONTROL, MAJOR_INTERNAL_DEVICE_CONTROL, MAJOR_READ, MAJOR_WRITE};
use super::request::Request;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::{self, Rule};

/// Which buffer of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// What the sender gives.
    Input,
    /// What the sender gets.
    Output,
}

impl Request {
    /// Address and length of a buffer.
    fn buffer(&self, side: Side) -> Result<(usize, usize), Status> {
        let irp = self.irp_for_driver();
        let stack = irp.parameters();
        // SAFETY: the union's part is the one that the major function selects.
        let (read, control) = unsafe { (stack.Parameters.Read, stack.Parameters.DeviceIoControl) };
        let (length, address) = match (stack.MajorFunction, side) {
            (MAJOR_READ, Side::Output) | (MAJOR_WRITE, Side::Input) => {
                (read.Length as usize, self.transfer_buffer(irp))
            }
            (MAJOR_DEVICE_CONTROL | MAJOR_INTERNAL_DEVICE_CONTROL, side) => {
                let length = match side {
                    Side::Input => control.InputBufferLength,
                    Side::Output => control.OutputBufferLength,
                };
                let type3 = control.Type3InputBuffer as usize;
                (length as usize, control_buffer(irp, control.IoControlCode & 3, side, type3))
            }
            _ => return Err(status::INVALID_DEVICE_REQUEST),
        };
        if length == 0 {
            return Err(status::BUFFER_TOO_SMALL);
        }
        address.map(|address| (address, length))
    }

    fn transfer_buffer(&self, irp: Irp) -> Result<usize, Status> {
        match self.device.settings.io_type {
            IO_DIRECT => mapped(irp),
            IO_NEITHER => Err(status::INVALID_DEVICE_REQUEST),
            _ if irp.mdl().is_null() => Ok(irp.system_buffer()),
            _ => mapped(irp),
        }
    }

    /// The MDL of a buffer: the sender's own where the data travel by one, else one of the system buffer, made at the
    /// first call and the same for both sides (trace `buffer-buffered`).
    fn mdl(&self, side: Side) -> Result<usize, Status> {
        let irp = self.irp_for_driver();
        let stack = irp.parameters();
        if matches!(stack.MajorFunction, MAJOR_DEVICE_CONTROL | MAJOR_INTERNAL_DEVICE_CONTROL) {
            // SAFETY: the union's part is the one that the major function selects.
            let method = unsafe { stack.Parameters.DeviceIoControl.IoControlCode } & 3;
            if method == METHOD_NEITHER {
                return Err(status::INVALID_DEVICE_REQUEST);
            }
            if method != METHOD_BUFFERED && side == Side::Output {
                self.buffer(side)?;
                return Ok(irp.mdl() as usize);
            }
        } else if self.device.settings.io_type == IO_DIRECT {
            self.buffer(side)?;
            return Ok(irp.mdl() as usize);
        }
        let (address, length) = self.buffer(side)?;
        let mut state = self.state();
        if state.mdl == 0 {
            state.mdl = kernel::allocate_mdl(address, length).ok_or(status::INSUFFICIENT_RESOURCES)?;
        }
        Ok(state.mdl)
    }

    /// The memory object of a buffer, made at the first call, gone with the request.
    fn memory(self: &Arc<Self>, side: Side) -> Result<Handle, Status> {
        let place = self.buffer(side)?;
        if let Some(memory) = &self.state().buffers[side as usize] {
            return Ok(memory.object.handle);
        }
        let memory = Memory::over(&self.object.binding, &Attributes::default(), Some(&self.object), place)?;
        memory.object.keep_from_deletion();
        let handle = memory.object.handle;
        self.state().buffers[side as usize] = Some(memory);
        Ok(handle)
    }
}

fn control_buffer(irp: Irp, method: u32, side: Side, type3: usize) -> Result<usize, Status> {
    match (method, side) {
        (METHOD_NEITHER, _) if irp.requestor_mode() != 0 => Err(status::INVALID_DEVICE_REQUEST),
        (METHOD_NEITHER, Side::Input) => Ok(type3),
        (METHOD_NEITHER, Side::Output) => Ok(irp.user_buffer()),
        (METHOD_IN_DIRECT | METHOD_OUT_DIRECT, Side::Output) => mapped(irp),
        _ => Ok(irp.system_buffer()),
    }
}

/// The system address of the IRP's locked pages (MmGetSystemAddressForMdlSafe).
fn mapped(irp: Irp) -> Result<usize, Status> {
    let mdl = irp.mdl();
    if mdl.is_null() {
        return Err(status::INVALID_DEVICE_REQUEST);
    }
    // SAFETY: the sender described its buffer by an MDL that lives as long as the IRP.
    let address = unsafe { (*mdl).MappedSystemVa as usize };
    if address == 0 { Err(status::INSUFFICIENT_RESOURCES) } else { Ok(address) }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfRequestRetrieveInputBuffer,
        WdfRequestRetrieveOutputBuffer,
        WdfRequestRetrieveInputMemory,
        WdfRequestRetrieveOutputMemory,
        WdfRequestRetrieveInputWdmMdl,
        WdfRequestRetrieveOutputWdmMdl,
        WdfRequestRetrieveUnsafeUserInputBuffer,
        WdfRequestRetrieveUnsafeUserOutputBuffer,
    ]
}

/// Returns the input buffer if it has at least `minimum` bytes, else STATUS_BUFFER_TOO_SMALL. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestRetrieveInputBuffer(
    globals: usize,
    request: Handle,
    minimum: usize,
    buffer: usize,
    length: usize,
) -> Status {
    retrieve(globals, request, Side::Input, minimum, (buffer, length))
}

/// Returns the output buffer if it has at least `minimum` bytes, else STATUS_BUFFER_TOO_SMALL. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestRetrieveOutputBuffer(
    globals: usize,
    request: Handle,
    minimum: usize,
    buffer: usize,
    length: usize,
) -> Status {
    retrieve(globals, request, Side::Output, minimum, (buffer, length))
}

/// Returns the input buffer as a memory object that ends with the request. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestRetrieveInputMemory(globals: usize, request: Handle, memory: usize) -> Status {
    retrieve_memory(globals, request, Side::Input, memory)
}

/// Returns the output buffer as a memory object that ends with the request. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestRetrieveOutputMemory(globals: usize, request: Handle, memory: usize) -> Status {
    retrieve_memory(globals, request, Side::Output, memory)
}

/// Returns an MDL of the input buffer that ends with the request. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestRetrieveInputWdmMdl(globals: usize, request: Handle, mdl: usize) -> Status {
    retrieve_mdl(globals, request, Side::Input, mdl)
}

/// Returns an MDL of the output buffer that ends with the request. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestRetrieveOutputWdmMdl(globals: usize, request: Handle, mdl: usize) -> Status {
    retrieve_mdl(globals, request, Side::Output, mdl)
}

/// METHOD_NEITHER addresses are for EvtIoInCallerContext, which is not served.
extern "win64" fn WdfRequestRetrieveUnsafeUserInputBuffer(_globals: usize, _request: Handle) -> Status {
    judge::violation(Rule::NotServed, "EvtIoInCallerContext and user addresses are not served");
}

/// METHOD_NEITHER addresses are for EvtIoInCallerContext, which is not served.
extern "win64" fn WdfRequestRetrieveUnsafeUserOutputBuffer(_globals: usize, _request: Handle) -> Status {
    judge::violation(Rule::NotServed, "EvtIoInCallerContext and user addresses are not served");
}

fn retrieve(
    globals: usize,
    request: Handle,
    side: Side,
    minimum: usize,
    (buffer, length): (usize, usize),
) -> Status {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    verify::required(buffer, "Buffer");
    driver_memory::write(buffer, 0_usize);
    driver_memory::write_optional(length, 0_usize);
    match request.buffer(side) {
        Ok((_, size)) if size < minimum => status::BUFFER_TOO_SMALL,
        Ok((address, size)) => {
            driver_memory::write(buffer, address);
            driver_memory::write_optional(length, size);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

fn retrieve_memory(globals: usize, request: Handle, side: Side, memory: usize) -> Status {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    verify::required(memory, "Memory");
    driver_memory::write(memory, 0_usize);
    match request.memory(side) {
        Ok(handle) => {
            driver_memory::write(memory, handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

fn retrieve_mdl(globals: usize, request: Handle, side: Side, out: usize) -> Status {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    verify::required(out, "Mdl");
    driver_memory::write(out, 0_usize);
    match request.mdl(side) {
        Ok(mdl) => {
            driver_memory::write(out, mdl);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

const METHOD_BUFFERED: u32 = 0;
const METHOD_IN_DIRECT: u32 = 1;
const METHOD_OUT_DIRECT: u32 = 2;
const METHOD_NEITHER: u32 = 3;
const IO_NEITHER: u32 = 1;
const IO_DIRECT: u32 = 3;
