//! Device control requests of the simulator's own, with buffers that a driver sees as it would on Windows.

use std::sync::{Arc, Mutex, PoisonError};

use super::build_request::{MJ_DEVICE_CONTROL, MJ_INTERNAL_DEVICE_CONTROL, is_error};
use super::memory_list;
use super::object::{self, Kind};
use super::request::{Outcome, Request, Sent};
use super::status;
use crate::memory::{self, Fill, Pool};
use crate::sys::FILE_OBJECT;

/// A device control request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Control {
    /// The control code, whose lowest two bits say how the buffers travel.
    pub code: u32,
    /// IRP_MJ_INTERNAL_DEVICE_CONTROL instead of IRP_MJ_DEVICE_CONTROL.
    pub internal: bool,
    /// Sent by user mode.
    pub user: bool,
    /// The input.
    pub input: Vec<u8>,
    /// Room for output, in bytes.
    pub output: usize,
}

/// A device control request that is ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// The request; send it, or have it observed first.
    pub request: Request,
    /// What it brings back.
    pub data: Data,
}

/// The output of a request, once it has ended.
#[derive(Clone, Debug)]
pub struct Data(Arc<Mutex<Vec<u8>>>);

impl Data {
    /// The bytes that came back: as many as the information says and there was room for.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Control {
    /// Makes the request for the stack that a file object leads to.
    #[expect(clippy::not_unsafe_ptr_arg_deref, reason = "the object is found live before it is touched")]
    pub fn prepare(&self, file: *mut FILE_OBJECT) -> Prepared {
        object::expect(file.addr(), Kind::File);
        // SAFETY: `expect` found a live file object.
        let device = unsafe { (*file).DeviceObject };
        let data = Data(Arc::default());
        let filled = Arc::clone(&data.0);
        let buffers = Buffers::new(self);
        let (system, input, output) = (buffers.system, buffers.input, buffers.output);
        let (method, room) = (self.code & 3, self.output);
        let fill = |irp: &mut crate::sys::_IRP, location: &mut crate::sys::_IO_STACK_LOCATION| {
            irp.RequestorMode = i8::from(self.user);
            irp.Tail.Overlay.OriginalFileObject = file;
            irp.AssociatedIrp.SystemBuffer = std::ptr::with_exposed_provenance_mut(system);
            location.MajorFunction =
                if self.internal { MJ_INTERNAL_DEVICE_CONTROL } else { MJ_DEVICE_CONTROL };
            location.FileObject = file;
            // SAFETY: the union's member of these major functions.
            let control = unsafe { &mut location.Parameters.DeviceIoControl };
            control.IoControlCode = self.code;
            control.InputBufferLength = self.input.len() as u32;
            control.OutputBufferLength = self.output as u32;
            match method {
                METHOD_BUFFERED => irp.UserBuffer = std::ptr::with_exposed_provenance_mut(output),
                METHOD_NEITHER => {
                    irp.UserBuffer = std::ptr::with_exposed_provenance_mut(output);
                    control.Type3InputBuffer = std::ptr::with_exposed_provenance_mut(input);
                }
                _ if output != 0 => {
                    let address = std::ptr::with_exposed_provenance_mut(output);
                    irp.MdlAddress = memory_list::described(address, self.output as u32);
                }
                _ => {}
            }
        };
        let taken = move |irp: &crate::sys::_IRP| {
            // SAFETY: every request keeps its status in that member.
            let status = unsafe { irp.IoStatus.__bindgen_anon_1.Status };
            let count = (irp.IoStatus.Information as usize).min(room);
            let source = if method == METHOD_BUFFERED { system } else { output };
            if !is_error(status) && count != 0 {
                let source: *const u8 = std::ptr::with_exposed_provenance(source);
                // SAFETY: the block lives until the IRP is freed, after this, and has `room` bytes or more.
                let bytes = unsafe { std::slice::from_raw_parts(source, count) }.to_vec();
                *filled.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
            }
            if !irp.MdlAddress.is_null() {
                // SAFETY: the list was made for this request.
                unsafe { memory_list::IoFreeMdl(irp.MdlAddress) };
            }
        };
        let request = Request::new(device, status::SUCCESS, buffers.blocks, fill, taken);
        Prepared { request, data }
    }

    /// Sends the request and waits for its end: the outcome and what came back.
    pub fn run(&self, file: *mut FILE_OBJECT) -> (Outcome, Vec<u8>) {
        let Prepared { request, data } = self.prepare(file);
        let outcome = request.send().finish();
        (outcome, data.take())
    }

    /// Sends the request; the output can be taken once it has ended.
    pub fn send(&self, file: *mut FILE_OBJECT) -> (Sent, Data) {
        let Prepared { request, data } = self.prepare(file);
        (request.send(), data)
    }
}

/// The pool blocks of one request: its system buffer, and the caller's two buffers where a driver sees them.
struct Buffers {
    system: usize,
    input: usize,
    output: usize,
    blocks: Vec<usize>,
}

impl Buffers {
    fn new(control: &Control) -> Self {
        let mut buffers = Self { system: 0, input: 0, output: 0, blocks: Vec::new() };
        let (input, room) = (control.input.as_slice(), control.output);
        match control.code & 3 {
            METHOD_BUFFERED => buffers.system = buffers.block(input.len().max(room), input),
            METHOD_NEITHER => {
                buffers.input = buffers.block(input.len(), input);
                buffers.output = buffers.block(room, &[]);
            }
            _ => {
                buffers.system = buffers.block(input.len(), input);
                buffers.output = buffers.block(room, &[]);
            }
        }
        buffers
    }

    /// A block of its own that begins with `content`; none for a length of 0.
    fn block(&mut self, length: usize, content: &[u8]) -> usize {
        if length == 0 {
            return 0;
        }
        let block = memory::allocate(length, TAG, Pool::NonPaged, Fill::Pattern);
        // SAFETY: the block was just allocated with `length` bytes, of which `content` has as many or fewer.
        unsafe { block.copy_from_nonoverlapping(content.as_ptr(), content.len()) };
        self.blocks.push(block.expose_provenance());
        block.expose_provenance()
    }
}

const METHOD_BUFFERED: u32 = 0;
const METHOD_NEITHER: u32 = 3;
const TAG: u32 = u32::from_le_bytes(*b"IoCt");
