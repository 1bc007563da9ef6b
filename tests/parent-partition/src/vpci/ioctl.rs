//! IOCTL_VPCI_WRITE_BLOCK, _READ_BLOCK and _INVALIDATE_BLOCK: requests that are pended and completed.
//!
//! A pended IRP belongs to whoever takes its waiter off the link's list: the answer, or the cancel routine. So
//! it is completed once, and an answer that finds its waiter gone is dropped.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::device::{self, State};
use super::interface::{is_block_length, read, written};
use super::link::{Answer, Ejected};
use crate::nt::complete::IofCompleteRequest;
use crate::nt::irp;
use crate::nt::spin_lock::{IoAcquireCancelSpinLock, IoReleaseCancelSpinLock};
use crate::nt::status::{self, Status};
use crate::sys::{DEVICE_OBJECT, IRP, SL_PENDING_RETURNED};
use crate::vmbus::message::GuestMessage;

/// IOCTL_VPCI_INVALIDATE_BLOCK.
pub const INVALIDATE_BLOCK: u32 = control_code(1);
/// IOCTL_VPCI_READ_BLOCK.
pub const READ_BLOCK: u32 = control_code(2);
/// IOCTL_VPCI_WRITE_BLOCK.
pub const WRITE_BLOCK: u32 = control_code(3);

/// Serves IRP_MJ_DEVICE_CONTROL and IRP_MJ_INTERNAL_DEVICE_CONTROL.
///
/// # Safety
/// `irp` is live and this driver's, and its buffers are as long as it says.
pub(super) unsafe fn dispatch(state: &State, irp: *mut IRP) -> Status {
    // SAFETY: promised by the caller.
    let control = unsafe { (*irp::current(irp)).Parameters.DeviceIoControl };
    if control.IoControlCode == INVALIDATE_BLOCK {
        // SAFETY: promised by the caller.
        return unsafe { listen(state, irp, control.Type3InputBuffer.cast(), control.InputBufferLength) };
    }
    // SAFETY: promised by the caller.
    let request = match unsafe { Request::parse(state, irp) } {
        Ok(request) => request,
        // SAFETY: promised by the caller.
        Err(status) => return unsafe { device::complete(irp, status, 0) },
    };
    let pended = Pended { irp, output: request.output };
    // SAFETY: the IRP is this driver's until it is completed.
    unsafe { (*irp::current(irp)).Control |= SL_PENDING_RETURNED as u8 };
    // SAFETY: the link calls this before the waiter is on its list, so the IRP is not completed yet.
    let arm = |transaction| unsafe { arm(pended.irp, transaction) };
    match state.link.register_if(arm, move |answer| pended.answer(answer)) {
        Err(_) => pended.complete(status::DEVICE_NOT_READY, 0),
        Ok(None) => pended.complete(status::CANCELLED, 0),
        Ok(Some(transaction)) => state.link.post(transaction, &request.question),
    }
    status::PENDING
}

/// Serves IOCTL_VPCI_INVALIDATE_BLOCK: pended until blocks have new content, whose mask it then brings.
///
/// # Safety
/// As [`dispatch`]; `mask` has `length` bytes until the IRP is completed.
unsafe fn listen(state: &State, irp: *mut IRP, mask: *mut u64, length: u32) -> Status {
    // SPEC: the structure travels in the input's place, and the page's output length is a member that does not exist.
    if mask.is_null() || length < MASK {
        // SAFETY: promised by the caller.
        return unsafe { device::complete(irp, status::BUFFER_TOO_SMALL, 0) };
    }
    let pended = Listening { pended: Pended { irp, output: Output::Nothing(0) }, mask };
    // SAFETY: the IRP is this driver's until it is completed.
    unsafe { (*irp::current(irp)).Control |= SL_PENDING_RETURNED as u8 };
    // SAFETY: the link calls this before the waiter is on its list, so the IRP is not completed yet.
    let arm = |transaction| unsafe { arm(pended.pended.irp, transaction) };
    match state.link.listen_if(arm, move |told| pended.tell(told)) {
        Err(_) => pended.pended.complete(status::DEVICE_NOT_READY, 0),
        Ok(false) => pended.pended.complete(status::CANCELLED, 0),
        Ok(true) => {}
    }
    status::PENDING
}

/// An IRP that waits for blocks with new content, and where their mask goes.
#[derive(Clone, Copy)]
struct Listening {
    pended: Pended,
    mask: *mut u64,
}

// SAFETY: as of `Pended`, whose caller owns the mask's place too.
unsafe impl Send for Listening {}

impl Listening {
    fn tell(self, told: Result<u64, Ejected>) {
        // SAFETY: whoever is told has the IRP.
        unsafe { disarm(self.pended.irp) };
        match told {
            Ok(mask) => {
                // SAFETY: the caller promised eight bytes until completion.
                unsafe { self.mask.write_unaligned(mask) };
                self.pended.complete(status::SUCCESS, 0);
            }
            Err(Ejected) => self.pended.complete(status::DEVICE_NOT_READY, 0),
        }
    }
}

/// A request whose lengths hold.
struct Request {
    question: GuestMessage,
    output: Output,
}

/// Where the bytes of an answer go.
#[derive(Clone, Copy)]
enum Output {
    /// Nowhere: a write, of so many bytes.
    Nothing(u32),
    /// To the caller's buffer, which has so many.
    Buffer(*mut u8, u32),
}

impl Request {
    /// # Safety
    /// As [`dispatch`].
    unsafe fn parse(state: &State, irp: *mut IRP) -> Result<Self, Status> {
        // SAFETY: the caller promises a live IRP of a device control request.
        let (control, user_buffer) =
            unsafe { ((*irp::current(irp)).Parameters.DeviceIoControl, (*irp).UserBuffer.cast::<u8>()) };
        let slot = state.link.slot();
        let input = control.Type3InputBuffer.cast::<u32>();
        let input_length = control.InputBufferLength;
        if ![READ_BLOCK, WRITE_BLOCK].contains(&control.IoControlCode) {
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        if state.link.is_ejected() {
            return Err(status::DEVICE_NOT_READY);
        }
        if input.is_null() || input_length < FIXED_PART {
            return Err(status::BUFFER_TOO_SMALL);
        }
        // SAFETY: the caller promises `input_length` bytes, of which both fields are the first eight.
        let (block, length) = unsafe { (input.read_unaligned(), input.add(1).read_unaligned()) };
        if !is_block_length(length) {
            return Err(status::INVALID_PARAMETER);
        }
        if control.IoControlCode == WRITE_BLOCK {
            // SPEC: the page asks for the structure's size, which is 12 with its padding and says nothing of a
            // block's length; the data must be there, and no more than that.
            if input_length < FIXED_PART + length {
                return Err(status::BUFFER_TOO_SMALL);
            }
            // SAFETY: the input holds that many bytes behind its fixed part.
            let bytes = unsafe { std::slice::from_raw_parts(input.add(2).cast::<u8>(), length as usize) };
            let question = GuestMessage::WriteBlock { slot, block, bytes: bytes.to_vec() };
            return Ok(Self { question, output: Output::Nothing(length) });
        }
        if control.OutputBufferLength < length {
            return Err(status::BUFFER_TOO_SMALL);
        }
        if user_buffer.is_null() || control.OutputBufferLength != length {
            return Err(status::INVALID_PARAMETER);
        }
        let question = GuestMessage::ReadBlock { slot, block, bytes_requested: length };
        Ok(Self { question, output: Output::Buffer(user_buffer, length) })
    }
}

/// An IRP that waits for the PF.
#[derive(Clone, Copy)]
struct Pended {
    irp: *mut IRP,
    output: Output,
}

// SAFETY: the IRP and its buffer are touched by whoever took the waiter off the list, and by nobody else.
unsafe impl Send for Pended {}

impl Pended {
    fn answer(self, answer: Answer) {
        // SAFETY: whoever is told the answer has the IRP.
        unsafe { disarm(self.irp) };
        match (answer, self.output) {
            (Err(_), _) => self.complete(status::DEVICE_NOT_READY, 0),
            (Ok(answer), Output::Nothing(length)) => match written(&answer) {
                status::SUCCESS => self.complete(status::SUCCESS, length),
                refused => self.complete(refused, 0),
            },
            (Ok(answer), Output::Buffer(buffer, length)) => match read(&answer, length) {
                Ok(bytes) => {
                    // SAFETY: the caller promised `length` bytes until completion, and there are as many.
                    unsafe { buffer.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
                    self.complete(status::SUCCESS, length);
                }
                Err(refused) => self.complete(refused, 0),
            },
        }
    }

    /// Completes the IRP with the number of bytes moved.
    fn complete(self, status: Status, information: u32) {
        // SAFETY: the IRP is the caller's: no cancel routine is set, and its waiter is gone.
        unsafe {
            irp::set_status(self.irp, status, u64::from(information));
            IofCompleteRequest(self.irp, 0);
        }
    }
}

/// Makes a pended IRP cancellable; `false` when it was cancelled before.
///
/// # Safety
/// `irp` is live and this driver's.
unsafe fn arm(irp: *mut IRP, transaction: u64) -> bool {
    let mut level = 0;
    // SAFETY: promised by the caller; the lock keeps IoCancelIrp out between the look and the change.
    unsafe {
        IoAcquireCancelSpinLock(&raw mut level);
        let wanted = (*irp).Cancel == 0;
        if wanted {
            *transaction_of(irp) = std::ptr::without_provenance_mut(transaction as usize);
            slot(irp).store(cancel as *const () as usize, Ordering::Release);
        }
        IoReleaseCancelSpinLock(level);
        wanted
    }
}

/// Takes the cancel routine out, and waits for one that is looking at the IRP.
///
/// # Safety
/// `irp` is live and the caller's to complete.
unsafe fn disarm(irp: *mut IRP) {
    let mut level = 0;
    // SAFETY: promised by the caller; a cancel routine that finds no waiter leaves the IRP alone once it has
    // released the lock.
    unsafe {
        IoAcquireCancelSpinLock(&raw mut level);
        slot(irp).store(0, Ordering::Release);
        IoReleaseCancelSpinLock(level);
    }
}

unsafe extern "win64" fn cancel(device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: IoCancelIrp calls with the cancel lock held, which keeps the IRP live; after its release the IRP
    // is touched only where this routine took the waiter off the list.
    unsafe {
        let transaction = (*transaction_of(irp)).addr() as u64;
        IoReleaseCancelSpinLock((*irp).CancelIrql);
        if device::state(device).link.forget(transaction) {
            irp::set_status(irp, status::CANCELLED, 0);
            IofCompleteRequest(irp, 0);
        }
    }
}

/// # Safety
/// `irp` is live.
unsafe fn slot<'a>(irp: *mut IRP) -> &'a AtomicUsize {
    // SAFETY: promised by the caller; the member is only touched atomically while the IRP is pended.
    unsafe { AtomicUsize::from_ptr((&raw mut (*irp).CancelRoutine).cast()) }
}

/// Where the driver that has an IRP may keep something: here, its transaction id.
///
/// # Safety
/// `irp` is live.
unsafe fn transaction_of(irp: *mut IRP) -> *mut *mut std::ffi::c_void {
    // SAFETY: promised by the caller.
    unsafe { &raw mut (*irp).Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext[0] }
}

/// CTL_CODE with FILE_DEVICE_VPCI, METHOD_NEITHER, and both accesses.
const fn control_code(function: u32) -> u32 {
    0x2A << 16 | 3 << 14 | function << 2 | 3
}

const _: () = assert!(INVALIDATE_BLOCK == 0x002A_C007);
const _: () = assert!(READ_BLOCK == 0x002A_C00B && WRITE_BLOCK == 0x002A_C00F);

/// Bytes of VPCI_INVALIDATE_BLOCK_OUTPUT.
const MASK: u32 = 8;
/// Block id and length.
const FIXED_PART: u32 = 8;
