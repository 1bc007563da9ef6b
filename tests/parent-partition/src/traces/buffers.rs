//! Buffers of a request as its device's driver sees them, by control code or by the device's flags.

use std::sync::{Arc, Mutex, PoisonError};

use crate::memory::{self, Fill, Pool};
use crate::nt::memory_list::{IoAllocateMdl, IoFreeMdl, MmBuildMdlForNonPagedPool};
use crate::nt::status::Status;
use crate::sys::{IO_STACK_LOCATION, IRP};

/// How the buffers of a request travel: METHOD_BUFFERED to METHOD_NEITHER.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    Buffered,
    InDirect,
    OutDirect,
    Neither,
}

/// The blocks of one request.
#[derive(Debug)]
pub(super) struct Buffers {
    method: Method,
    system: usize,
    input: usize,
    output: usize,
    room: usize,
}

/// What a request brings back.
pub(super) type Output = Arc<Mutex<Vec<u8>>>;

impl Method {
    /// The method in the lowest bits of a control code.
    pub(super) fn of_code(code: u32) -> Self {
        [Self::Buffered, Self::InDirect, Self::OutDirect, Self::Neither][(code & 3) as usize]
    }

    /// How reads and writes travel to a device with these flags.
    pub(super) fn of_device(flags: u32) -> Self {
        if flags & DO_BUFFERED_IO != 0 {
            Self::Buffered
        } else if flags & DO_DIRECT_IO != 0 {
            Self::OutDirect
        } else {
            Self::Neither
        }
    }
}

impl Buffers {
    /// Blocks for `input` bytes in and `room` bytes out; a length of 0 has none.
    pub(super) fn new(method: Method, input: usize, room: usize) -> Self {
        let mut buffers = Self { method, system: 0, input: 0, output: 0, room };
        match method {
            Method::Buffered => buffers.system = block(input.max(room)),
            // The sender hands one buffer for both, whose addresses a driver sees as they are.
            Method::Neither => {
                let both = block(input.max(room));
                buffers.input = if input == 0 { 0 } else { both };
                buffers.output = if room == 0 { 0 } else { both };
            }
            Method::InDirect | Method::OutDirect => {
                buffers.system = block(input);
                buffers.output = block(room);
            }
        }
        buffers
    }

    /// The blocks, which are freed with the IRP.
    pub(super) fn blocks(&self) -> Vec<usize> {
        let mut blocks = vec![self.system, self.input, self.output];
        blocks.retain(|block| *block != 0);
        blocks.dedup();
        blocks
    }

    /// Hands the blocks over in an IRP; `control` when the location's parameters are those of device control.
    pub(super) fn fill(&self, irp: &mut IRP, location: &mut IO_STACK_LOCATION, control: bool) {
        let pointer = std::ptr::with_exposed_provenance_mut;
        irp.AssociatedIrp.SystemBuffer = pointer(self.system);
        let data = if self.output == 0 { self.input } else { self.output };
        match self.method {
            Method::Buffered => irp.UserBuffer = pointer(self.system),
            Method::Neither if control => {
                irp.UserBuffer = pointer(self.output);
                location.Parameters.DeviceIoControl.Type3InputBuffer = pointer(self.input);
            }
            Method::Neither => irp.UserBuffer = pointer(data),
            Method::InDirect | Method::OutDirect if self.output != 0 => {
                // SAFETY: the block has `room` bytes and lives as long as the IRP; a list was made for it.
                irp.MdlAddress = unsafe {
                    let list =
                        IoAllocateMdl(pointer(self.output), self.room as u32, 0, 0, std::ptr::null_mut());
                    MmBuildMdlForNonPagedPool(list);
                    list
                };
            }
            Method::InDirect | Method::OutDirect => {}
        }
    }

    /// What is to be done with the finished IRP before its blocks go: keep its output, free its list.
    pub(super) fn taken(&self, output: Output) -> impl FnOnce(&IRP) + Send + 'static {
        let source = if self.method == Method::Buffered { self.system } else { self.output };
        let room = self.room;
        move |irp| {
            // SAFETY: every request keeps its status in that member.
            let status: Status = unsafe { irp.IoStatus.__bindgen_anon_1.Status };
            let count = (irp.IoStatus.Information as usize).min(room);
            if status.cast_unsigned() >> 30 != SEVERITY_ERROR && count != 0 && source != 0 {
                let bytes: *const u8 = std::ptr::with_exposed_provenance(source);
                // SAFETY: the block is freed with the IRP, after this, and has `room` bytes or more.
                let bytes = unsafe { std::slice::from_raw_parts(bytes, count) }.to_vec();
                *output.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
            }
            if !irp.MdlAddress.is_null() {
                // SAFETY: the list was made for this request.
                unsafe { IoFreeMdl(irp.MdlAddress) };
            }
        }
    }
}

fn block(length: usize) -> usize {
    if length == 0 {
        0
    } else {
        memory::allocate(length, TAG, Pool::NonPaged, Fill::Zero).expose_provenance()
    }
}

const SEVERITY_ERROR: u32 = 3;
const DO_BUFFERED_IO: u32 = 0x4;
const DO_DIRECT_IO: u32 = 0x10;
const TAG: u32 = u32::from_le_bytes(*b"TrBf");
