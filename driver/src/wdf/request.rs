//! WDFREQUEST: one request, completed exactly once.
#![expect(unsafe_code, reason = "calls the framework with handles")]

use core::ffi::c_void;

use backchannel::{
    NtStatus,
    abi::{
        operator_interface::{
            PF_BACKCHANNEL_BLOCK, PF_BACKCHANNEL_CHANGE, PF_BACKCHANNEL_EVENT, PF_BACKCHANNEL_EVIDENCE,
            PF_BACKCHANNEL_INVALIDATE, PF_BACKCHANNEL_PERMIT, PF_BACKCHANNEL_PF, PF_BACKCHANNEL_SET_BLOCK,
            PF_BACKCHANNEL_VF, PF_BACKCHANNEL_VF_INPUT,
        },
        pcivirt::{
            SRIOV_INVALIDATE_BLOCK, SRIOV_MITIGATED_RANGE_COUNT_OUTPUT, SRIOV_MITIGATED_RANGES_INPUT,
            SRIOV_MITIGATED_RANGES_OUTPUT, SRIOV_PROXY_QUERY_LUID_OUTPUT,
        },
    },
};
use wdk_sys::{
    _MODE::UserMode, _WDF_REQUEST_SEND_OPTIONS_FLAGS::WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET,
    WDF_REQUEST_SEND_OPTIONS, WDFDEVICE, WDFREQUEST, call_unsafe_wdf_function_binding,
    ntddk::IoGetRequestorProcessId,
};

use crate::wdf::{
    checked,
    context::{self, Context},
    flags,
    irp::File,
    size_of_u32,
};

/// A request that this driver holds; who has it completes it or passes it on, both of which consume it.
#[derive(Debug)]
#[must_use = "a request that is dropped is never completed"]
pub(crate) struct Request(WDFREQUEST);

/// A request that waits, and that its sender may cancel meanwhile.
#[derive(Debug)]
pub(crate) struct Parked(WDFREQUEST);

/// What a device does with requests.
pub(crate) trait RequestCallbacks: Context {
    /// A device control request came, by either major function. Up to `DISPATCH_LEVEL`.
    fn control(&self, device: WDFDEVICE, request: Request, code: u32);

    /// A parked request was cancelled: it is to be found and forgotten, and completed. Up to `DISPATCH_LEVEL`, at the level of
    /// the canceller.
    fn cancelled(&self, request: Request);
}

/// A structure that crosses the boundary as bytes.
///
/// # Safety
/// Any bytes are a value, and there are no bytes between its members that are not members.
pub(crate) unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($type:ty),* $(,)?) => {
        $(
            // SAFETY: the structure's layout is asserted where it is declared; its members are integers, padding included.
            unsafe impl Plain for $type {}
        )*
    };
}

plain!(
    u16,
    i32,
    SRIOV_INVALIDATE_BLOCK,
    SRIOV_MITIGATED_RANGE_COUNT_OUTPUT,
    SRIOV_MITIGATED_RANGES_INPUT,
    SRIOV_MITIGATED_RANGES_OUTPUT,
    SRIOV_PROXY_QUERY_LUID_OUTPUT,
    PF_BACKCHANNEL_BLOCK,
    PF_BACKCHANNEL_CHANGE,
    PF_BACKCHANNEL_EVENT,
    PF_BACKCHANNEL_EVIDENCE,
    PF_BACKCHANNEL_INVALIDATE,
    PF_BACKCHANNEL_PERMIT,
    PF_BACKCHANNEL_PF,
    PF_BACKCHANNEL_SET_BLOCK,
    PF_BACKCHANNEL_VF,
    PF_BACKCHANNEL_VF_INPUT,
);

// SAFETY: a handle may be used from any thread.
unsafe impl Send for Request {}
// SAFETY: as above.
unsafe impl Sync for Request {}
// SAFETY: as above.
unsafe impl Send for Parked {}
// SAFETY: as above.
unsafe impl Sync for Parked {}

impl Request {
    /// Takes what a queue presented.
    ///
    /// # Safety
    /// KMDF gave the request to this driver just now, and this is the only value made of it.
    pub(crate) const unsafe fn new(handle: WDFREQUEST) -> Self {
        Self(handle)
    }

    /// Completes without output.
    pub(crate) fn complete(self, status: NtStatus) {
        // SAFETY: we hold the request, and it is consumed here.
        unsafe { call_unsafe_wdf_function_binding!(WdfRequestComplete, self.0, status.raw()) };
    }

    /// Completes with `output`, or fails where the sender's buffer is too small for it.
    pub(crate) fn answer<T: Plain>(self, output: &T) {
        // SAFETY: a plain value is its bytes.
        let bytes =
            unsafe { core::slice::from_raw_parts(core::ptr::from_ref(output).cast(), size_of::<T>()) };
        self.answer_bytes(bytes);
    }

    /// Completes with what `find` makes of its input.
    pub(crate) fn reply<I: Plain, O: Plain>(self, find: impl FnOnce(I) -> Result<O, NtStatus>) {
        match self.input::<I>().and_then(find) {
            Ok(output) => self.answer(&output),
            Err(status) => self.complete(status),
        }
    }

    /// Completes with an array of at most `count` items, which `list` gives one by one.
    ///
    /// Fails where the sender's buffer is too small for so many, and where `list` does.
    pub(crate) fn answer_each<T: Plain>(
        self,
        count: usize,
        list: impl FnOnce(&mut dyn FnMut(T)) -> Result<(), NtStatus>,
    ) {
        // A buffer of no bytes is no buffer to the framework.
        if count == 0 {
            return self.complete(NtStatus::SUCCESS);
        }
        let place = match self.output(size_of::<T>().saturating_mul(count)) {
            Ok(place) => place,
            Err(status) => return self.complete(status),
        };
        let mut items = 0_usize;
        let listed = list(&mut |item| {
            if items < count {
                // SAFETY: KMDF says that the buffer has room for `count` items.
                let next = unsafe { place.cast::<T>().add(items) };
                // SAFETY: as above; the buffer is ours until the request is completed.
                unsafe { next.write_unaligned(item) };
                items = items.saturating_add(1);
            }
        });
        match listed {
            Ok(()) => self.complete_with(size_of::<T>().saturating_mul(items)),
            Err(status) => self.complete(status),
        }
    }

    fn answer_bytes(self, bytes: &[u8]) {
        let place = match self.output(bytes.len()) {
            Ok(place) => place,
            Err(status) => return self.complete(status),
        };
        // SAFETY: KMDF says that the buffer has room for so many; it is ours until the request is completed.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        self.complete_with(bytes.len());
    }

    /// Completes with so many bytes of output.
    fn complete_with(self, length: usize) {
        let information = u64::try_from(length).unwrap_or(0);
        // SAFETY: we hold the request, and it is consumed here.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestCompleteWithInformation,
                self.0,
                NtStatus::SUCCESS.raw(),
                information
            );
        }
    }

    /// Says whether the sender's buffer has room for a `T`.
    pub(crate) fn has_room_for<T: Plain>(&self) -> Result<(), NtStatus> {
        self.output(size_of::<T>()).map(|_| ())
    }

    /// Copies the input.
    pub(crate) fn input<T: Plain>(&self) -> Result<T, NtStatus> {
        let bytes = self.input_bytes(size_of::<T>())?;
        // SAFETY: KMDF says that so many bytes are there, and of any bytes a `T` can be made.
        Ok(unsafe { bytes.cast::<T>().read_unaligned() })
    }

    fn input_bytes(&self, length: usize) -> Result<*const u8, NtStatus> {
        let mut buffer: *mut c_void = core::ptr::null_mut();
        // SAFETY: we hold the request; the place for the pointer outlives the call.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestRetrieveInputBuffer,
                self.0,
                length,
                &raw mut buffer,
                core::ptr::null_mut()
            )
        })?;
        Ok(buffer.cast())
    }

    fn output(&self, length: usize) -> Result<*mut u8, NtStatus> {
        let mut buffer: *mut c_void = core::ptr::null_mut();
        // SAFETY: we hold the request; the place for the pointer outlives the call.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestRetrieveOutputBuffer,
                self.0,
                length,
                &raw mut buffer,
                core::ptr::null_mut()
            )
        })?;
        Ok(buffer.cast())
    }

    /// Says whether a program sent it.
    pub(crate) fn is_from_user(&self) -> bool {
        // SAFETY: we hold the request.
        let mode = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetRequestorMode, self.0) };
        i32::from(mode) == UserMode
    }

    /// The process that sent it.
    pub(crate) fn process(&self) -> u32 {
        // SAFETY: we hold the request.
        let irp = unsafe { call_unsafe_wdf_function_binding!(WdfRequestWdmGetIrp, self.0) };
        // SAFETY: the IRP is there as long as the request.
        unsafe { IoGetRequestorProcessId(irp) }
    }

    /// The file that it was sent on.
    pub(crate) fn file(&self) -> File {
        // SAFETY: we hold the request.
        unsafe { File::of(self.0) }
    }

    /// Sends it to the drivers below and forgets it.
    pub(crate) fn pass_down(self, device: WDFDEVICE) {
        // SAFETY: we hold the request.
        unsafe { call_unsafe_wdf_function_binding!(WdfRequestFormatRequestUsingCurrentType, self.0) };
        // SAFETY: KMDF gave us the device.
        let target = unsafe { call_unsafe_wdf_function_binding!(WdfDeviceGetIoTarget, device) };
        let mut options = forget();
        // SAFETY: we hold the request, which the target takes over if it says so; the options are copied.
        let sent =
            unsafe { call_unsafe_wdf_function_binding!(WdfRequestSend, self.0, target, &raw mut options) };
        if sent == 0 {
            // SAFETY: the target did not take the request: we still hold it.
            let status = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetStatus, self.0) };
            self.complete(NtStatus::from_raw(status));
        }
    }

    /// Lets it wait; [`RequestCallbacks::cancelled`] hears if its sender gives it up. Given back if that was so before.
    ///
    /// May be called with the lock that the callback takes: the callback is not called in here.
    pub(crate) fn park<T: RequestCallbacks>(self) -> Result<Parked, Self> {
        // SAFETY: we hold the request.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(WdfRequestMarkCancelableEx, self.0, Some(cancel::<T>))
        };
        if checked(status).is_ok() { Ok(Parked(self.0)) } else { Err(self) }
    }
}

impl Parked {
    /// Ends the waiting; `None` if the request was cancelled meanwhile: the callback then completes it.
    ///
    /// To be called with the lock that the callback takes: as long as it is held, the request is there.
    pub(crate) fn take_back(self) -> Option<Request> {
        // SAFETY: the request waits, and a callback that would complete it has to take our caller's lock first.
        let status = unsafe { call_unsafe_wdf_function_binding!(WdfRequestUnmarkCancelable, self.0) };
        checked(status).ok().map(|()| Request(self.0))
    }

    /// The file that it was sent on. To be called with the lock that the callback takes.
    pub(crate) fn file(&self) -> File {
        // SAFETY: as long as the lock is held, the request is there.
        unsafe { File::of(self.0) }
    }

    /// Says whether it is this request.
    pub(crate) fn is(&self, request: &Request) -> bool {
        self.0 == request.0
    }
}

unsafe extern "C" fn cancel<T: RequestCallbacks>(request: WDFREQUEST) {
    // SAFETY: KMDF gives the request back to us until it is completed.
    let queue = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetIoQueue, request) };
    // SAFETY: the queue presented the request.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfIoQueueGetDevice, queue) };
    // SAFETY: KMDF calls this once, and whoever parked the request gave it up with that.
    let request = unsafe { Request::new(request) };
    match context::of::<T>(device) {
        Some(context) => context.cancelled(request),
        None => request.complete(NtStatus::CANCELLED),
    }
}

/// As `WDF_REQUEST_SEND_OPTIONS_INIT` makes it.
fn forget() -> WDF_REQUEST_SEND_OPTIONS {
    WDF_REQUEST_SEND_OPTIONS {
        Size: size_of_u32::<WDF_REQUEST_SEND_OPTIONS>(),
        Flags: flags(WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET),
        ..WDF_REQUEST_SEND_OPTIONS::default()
    }
}
