//! A VF driver's two ways to its bus: the interface it asked for, and device controls.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::time::Duration;

use super::backchannel::{Backchannel, Direction, Refused};
use crate::invoke;
use crate::nt::request::{Request, Sent};
use crate::nt::status::{self, Status};
use crate::pnp;
use crate::sys::{
    DEVICE_OBJECT, IO_STACK_LOCATION, IRP, IRP_MJ_INTERNAL_DEVICE_CONTROL, VPCI_INTERFACE_STANDARD,
};
use crate::vpci::device::VfDevice;
use crate::vpci::{interface, ioctl};

/// The driver of a VF, on top of its bus driver's device.
#[derive(Debug)]
pub struct VfDriver {
    device: *mut DEVICE_OBJECT,
    bus: Bus,
}

/// A device control that was sent and not waited for yet.
#[derive(Debug)]
pub struct Control {
    sent: Sent,
    // The bus driver uses both until the request has ended.
    input: Box<[u8]>,
    output: Box<[u8]>,
}

// SAFETY: device and interface may be used from any thread, and live until the driver is dropped.
unsafe impl Send for VfDriver {}

impl VfDriver {
    /// A driver that has asked `device` for the bus's interface; it must go before the device does.
    ///
    /// # Panics
    ///
    /// When the bus does not have the interface.
    pub fn new(device: &VfDevice) -> Self {
        let device = device.object();
        let mut bus = VPCI_INTERFACE_STANDARD::default();
        let buffer = (&raw mut bus).cast();
        // SAFETY: the bus driver keeps its device while a VF driver lies on it; the buffer has the size.
        let status = unsafe {
            pnp::query_interface(device, &interface::INTERFACE, interface::SIZE, interface::VERSION, buffer)
        };
        assert_eq!(status, status::SUCCESS, "the bus has its interface");
        Self { device, bus: Bus(bus) }
    }

    /// Writes a block through the interface, whatever its length.
    pub fn write_block(&self, block: u32, data: &[u8]) -> Status {
        let length = u32::try_from(data.len()).expect("a test writes less than 4 GiB");
        let routine = self.bus.0.WriteVfConfigBlock.expect("the bus fills its interface");
        invoke!(routine; self.bus.0.Context, block, data.as_ptr(), length) as Status
    }

    /// Reads a block through the interface; `out` may be shorter than `length` where that is no block's length.
    pub fn read_block(&self, block: u32, out: &mut [u8], length: u32) -> Status {
        let routine = self.bus.0.ReadVfConfigBlock.expect("the bus fills its interface");
        invoke!(routine; self.bus.0.Context, block, out.as_mut_ptr(), length) as Status
    }

    /// Sends IOCTL_VPCI_WRITE_BLOCK.
    pub fn send_write(&self, block: u32, data: &[u8]) -> Control {
        let length = u32::try_from(data.len()).expect("a test writes less than 4 GiB");
        let input = [&block.to_le_bytes()[..], &length.to_le_bytes(), data].concat();
        self.send(ioctl::WRITE_BLOCK, input, Box::default(), 0)
    }

    /// Sends IOCTL_VPCI_READ_BLOCK for `length` bytes.
    pub fn send_read(&self, block: u32, length: u32) -> Control {
        let input = [block.to_le_bytes(), length.to_le_bytes()].concat();
        let room = usize::try_from(length).map_or(ROOM, |length| length.min(ROOM));
        self.send(ioctl::READ_BLOCK, input, vec![0; room].into(), length)
    }

    /// Sends IOCTL_VPCI_INVALIDATE_BLOCK, which ends when blocks have new content: see [`Control::mask`].
    pub fn listen(&self) -> Control {
        self.send(ioctl::INVALIDATE_BLOCK, vec![0; 8], Box::default(), 0)
    }

    /// Sends any device control of the bus.
    pub fn send(&self, code: u32, input: Vec<u8>, output: Box<[u8]>, output_length: u32) -> Control {
        let (mut input, mut output) = (input.into_boxed_slice(), output);
        let (in_pointer, in_length) = (input.as_mut_ptr(), input.len() as u32);
        let out_pointer = if output.is_empty() { null_mut() } else { output.as_mut_ptr() };
        let fill = |irp: &mut IRP, location: &mut IO_STACK_LOCATION| {
            location.MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL as u8;
            irp.UserBuffer = out_pointer.cast();
            // SAFETY: writing a member of the union, which is plain data.
            let control = unsafe { &mut location.Parameters.DeviceIoControl };
            control.OutputBufferLength = output_length;
            control.InputBufferLength = in_length;
            control.IoControlCode = code;
            control.Type3InputBuffer = in_pointer.cast::<c_void>();
        };
        let sent = Request::new(self.device, status::SUCCESS, Vec::new(), fill, |_| ()).send();
        Control { sent, input, output }
    }
}

impl Control {
    /// Waits for the end; status, and as many bytes as the request says it moved into the output.
    pub fn finish(self) -> (Status, Vec<u8>) {
        let outcome = self.sent.finish();
        let moved = usize::try_from(outcome.information).unwrap_or(usize::MAX).min(self.output.len());
        (outcome.status, self.output[..moved].to_vec())
    }

    /// Waits for the end of [`VfDriver::listen`], for that time at most; status and mask.
    pub fn mask(&self, limit: Duration) -> Option<(Status, u64)> {
        let outcome = self.sent.wait(Some(limit))?;
        let bytes = self.input.first_chunk().copied().unwrap_or_default();
        Some((outcome.status, u64::from_le_bytes(bytes)))
    }

    /// Asks for the end; says whether somebody was there to be asked.
    pub fn cancel(&self) -> bool {
        self.sent.cancel()
    }

    /// What the bus driver's dispatch routine returned.
    pub fn dispatched(&self) -> Status {
        self.sent.dispatched()
    }

    /// Status and information, once the request has ended.
    pub fn outcome(&self) -> Option<(Status, u64)> {
        self.sent.outcome().map(|outcome| (outcome.status, outcome.information))
    }
}

impl Drop for Control {
    /// A request that nobody waited for is not left with buffers that are gone.
    fn drop(&mut self) {
        if self.sent.outcome().is_none() {
            self.sent.cancel();
            let _ = self.sent.finish();
        }
    }
}

impl Backchannel for VfDriver {
    fn write(&self, block: u32, data: &[u8]) -> Result<(), Refused> {
        match self.write_block(block, data) {
            status::SUCCESS => Ok(()),
            status => Err(Refused { direction: Direction::Write, block, status }),
        }
    }

    fn read(&self, block: u32, out: &mut [u8]) -> Result<(), Refused> {
        let length = u32::try_from(out.len()).expect("a test reads less than 4 GiB");
        match self.read_block(block, out, length) {
            status::SUCCESS => Ok(()),
            status => Err(Refused { direction: Direction::Read, block, status }),
        }
    }
}

impl Drop for VfDriver {
    fn drop(&mut self) {
        let routine = self.bus.0.InterfaceDereference.expect("the bus fills its interface");
        invoke!(routine; self.bus.0.Context);
    }
}

struct Bus(VPCI_INTERFACE_STANDARD);

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VPCI_INTERFACE_STANDARD").finish_non_exhaustive()
    }
}

/// Bytes of an output buffer at most.
const ROOM: usize = 4096;
