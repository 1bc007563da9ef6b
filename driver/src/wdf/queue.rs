//! WDFQUEUE: the one queue of a device.
#![expect(unsafe_code, reason = "the framework's callbacks are C functions")]

use backchannel::NtStatus;
use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchParallel,
    _WDF_REQUEST_TYPE::{WdfRequestTypeDeviceControl, WdfRequestTypeDeviceControlInternal},
    _WDF_TRI_STATE::WdfFalse,
    WDF_IO_QUEUE_CONFIG, WDF_NO_OBJECT_ATTRIBUTES, WDFDEVICE, WDFQUEUE, WDFREQUEST,
    call_unsafe_wdf_function_binding,
};

use crate::wdf::{
    checked, context,
    request::{Request, RequestCallbacks},
    size_of_u32,
};

/// Makes the queue of a device: parallel, not power-managed, for device control requests of both major functions.
///
/// It is no default queue: one that has no callback for reads, say, refuses them, and a filter is to pass them down.
///
/// SPEC: abi 6.11: requests come while the device is stopped, because they end its stop; nothing waits on a thread.
///
/// IRQL: `PASSIVE_LEVEL`.
///
/// # Errors
/// What the framework says.
pub(crate) fn create<T: RequestCallbacks>(device: WDFDEVICE) -> Result<(), NtStatus> {
    let mut config = config::<T>();
    let mut queue: WDFQUEUE = core::ptr::null_mut();
    // SAFETY: KMDF gave us the device; it copies the configuration.
    checked(unsafe {
        call_unsafe_wdf_function_binding!(
            WdfIoQueueCreate,
            device,
            &raw mut config,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut queue
        )
    })?;
    // SPEC: abi 6.13: the header says internal device control, the pages say device control: both are served.
    for kind in [WdfRequestTypeDeviceControl, WdfRequestTypeDeviceControlInternal] {
        // SAFETY: KMDF gave us the device and the queue.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(WdfDeviceConfigureRequestDispatching, device, queue, kind)
        })?;
    }
    Ok(())
}

/// As `WDF_IO_QUEUE_CONFIG_INIT` makes it for a parallel queue, with our callbacks.
fn config<T: RequestCallbacks>() -> WDF_IO_QUEUE_CONFIG {
    let mut config = WDF_IO_QUEUE_CONFIG {
        Size: size_of_u32::<WDF_IO_QUEUE_CONFIG>(),
        DispatchType: WdfIoQueueDispatchParallel,
        PowerManaged: WdfFalse,
        EvtIoDeviceControl: Some(control::<T>),
        EvtIoInternalDeviceControl: Some(control::<T>),
        ..WDF_IO_QUEUE_CONFIG::default()
    };
    // A parallel queue that may present 0 requests presents none.
    config.Settings.Parallel.NumberOfPresentedRequests = u32::MAX;
    config
}

unsafe extern "C" fn control<T: RequestCallbacks>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    _output_length: usize,
    _input_length: usize,
    code: u32,
) {
    // SAFETY: KMDF presents the request to this driver once.
    let request = unsafe { Request::new(request) };
    // SAFETY: KMDF gave us the queue.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfIoQueueGetDevice, queue) };
    match context::of::<T>(device) {
        Some(context) => context.control(device, request, code),
        None => request.complete(NtStatus::DEVICE_NOT_READY),
    }
}
