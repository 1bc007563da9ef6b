//! The entry point of a plug-in, and its device.
//!
//! The device stands for the plug-in alone: an INF installs it for no hardware (`ROOT\...`). The PF is looked for when it
//! starts and left alone when it stops; requests of the plug-in's operator come to it.
#![expect(unsafe_code, reason = "the system's and the framework's pointers")]

use core::{ffi::c_void, ptr::null_mut};

use backchannel::NtStatus;
use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchSequential, _WDF_TRI_STATE::WdfFalse, NT_SUCCESS,
    NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, STATUS_SUCCESS, WDF_DRIVER_CONFIG,
    WDF_IO_QUEUE_CONFIG, WDF_NO_OBJECT_ATTRIBUTES, WDF_PNPPOWER_EVENT_CALLBACKS, WDFCMRESLIST, WDFDEVICE,
    WDFDRIVER, WDFQUEUE, WDFREQUEST, call_unsafe_wdf_function_binding,
};

use crate::{Operator, Pf, Service, connection};

/// A plug-in: what it serves, and who answers its operator.
#[derive(Clone, Copy)]
pub struct Plugin {
    pub(crate) services: &'static [Service],
    pub(crate) operator: Option<&'static dyn Operator>,
}

impl Plugin {
    /// Serves these blocks, at most 8.
    #[must_use]
    pub const fn new(services: &'static [Service], operator: Option<&'static dyn Operator>) -> Self {
        Self { services, operator }
    }
}

impl core::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Plugin").field("services", &self.services).finish_non_exhaustive()
    }
}

/// Makes the crate that it stands in a plug-in driver: its entry point, and what it serves.
///
/// `plugin!(services: [Service::new(block, &HANDLER), ...])`, with `, operator: &OPERATOR` where a program asks the plug-in.
#[macro_export]
macro_rules! plugin {
    (services: [$($service:expr),+ $(,)?] $(, operator: $operator:expr)? $(,)?) => {
        const _: () = {
            static PLUGIN: $crate::Plugin =
                $crate::Plugin::new(&[$($service),+], $crate::plugin!(@operator $($operator)?));

            // The framework's stub calls this name.
            #[unsafe(export_name = "DriverEntry")]
            unsafe extern "system" fn driver_entry(
                driver: $crate::PDRIVER_OBJECT,
                registry_path: $crate::PCUNICODE_STRING,
            ) -> $crate::NTSTATUS {
                // SAFETY: the system's arguments, handed on.
                unsafe { $crate::driver_entry(driver, registry_path, &PLUGIN) }
            }
        };
    };
    (@operator) => { None };
    (@operator $operator:expr) => { Some($operator) };
}

/// Makes the image a framework driver that is this plug-in; called by what [`plugin!`](crate::plugin!) makes.
///
/// # Safety
/// The first two arguments are those of the running `DriverEntry`.
#[must_use]
pub unsafe fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
    plugin: &'static Plugin,
) -> NTSTATUS {
    if let Err(status) = connection::describe(driver, plugin) {
        return status.raw();
    }
    let mut config = WDF_DRIVER_CONFIG {
        Size: size_of_u32::<WDF_DRIVER_CONFIG>(),
        EvtDriverDeviceAdd: Some(evt_device_add),
        EvtDriverUnload: Some(evt_unload),
        ..WDF_DRIVER_CONFIG::default()
    };
    // SAFETY: the system's arguments, handed on; the framework copies the configuration.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDriverCreate,
            driver,
            registry_path,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut config,
            null_mut::<WDFDRIVER>(),
        )
    }
}

/// Nothing outlives the device.
const unsafe extern "C" fn evt_unload(_driver: WDFDRIVER) {}

unsafe extern "C" fn evt_device_add(_driver: WDFDRIVER, mut init: PWDFDEVICE_INIT) -> NTSTATUS {
    let mut callbacks = WDF_PNPPOWER_EVENT_CALLBACKS {
        Size: size_of_u32::<WDF_PNPPOWER_EVENT_CALLBACKS>(),
        EvtDevicePrepareHardware: Some(evt_prepare_hardware),
        EvtDeviceReleaseHardware: Some(evt_release_hardware),
        ..WDF_PNPPOWER_EVENT_CALLBACKS::default()
    };
    // SAFETY: the framework's argument; it copies the structure.
    unsafe {
        call_unsafe_wdf_function_binding!(WdfDeviceInitSetPnpPowerEventCallbacks, init, &raw mut callbacks,);
    }
    let mut device: WDFDEVICE = null_mut();
    // SAFETY: the framework's argument, used up here; the place for the handle outlives the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDeviceCreate,
            &raw mut init,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut device,
        )
    };
    if !NT_SUCCESS(status) {
        return status;
    }
    let mut config = WDF_IO_QUEUE_CONFIG {
        Size: size_of_u32::<WDF_IO_QUEUE_CONFIG>(),
        DispatchType: WdfIoQueueDispatchSequential,
        PowerManaged: WdfFalse,
        DefaultQueue: 1,
        EvtIoDeviceControl: Some(evt_device_control),
        ..WDF_IO_QUEUE_CONFIG::default()
    };
    // SAFETY: the device was just made; the framework copies the configuration.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfIoQueueCreate,
            device,
            &raw mut config,
            WDF_NO_OBJECT_ATTRIBUTES,
            null_mut::<WDFQUEUE>(),
        )
    }
}

unsafe extern "C" fn evt_prepare_hardware(
    _device: WDFDEVICE,
    _raw: WDFCMRESLIST,
    _translated: WDFCMRESLIST,
) -> NTSTATUS {
    connection::connect().map_or_else(NtStatus::raw, |()| STATUS_SUCCESS)
}

unsafe extern "C" fn evt_release_hardware(_device: WDFDEVICE, _translated: WDFCMRESLIST) -> NTSTATUS {
    connection::disconnect();
    STATUS_SUCCESS
}

unsafe extern "C" fn evt_device_control(
    _queue: WDFQUEUE,
    request: WDFREQUEST,
    output_length: usize,
    input_length: usize,
    code: u32,
) {
    let (status, information) = match answer(request, output_length, input_length, code) {
        Ok(information) => (NtStatus::SUCCESS, information),
        Err(status) => (status, 0),
    };
    let information = u64::try_from(information).unwrap_or(0);
    // SAFETY: the framework gave us the request, which is completed here alone.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfRequestCompleteWithInformation,
            request,
            status.raw(),
            information,
        );
    }
}

fn answer(
    request: WDFREQUEST,
    output_length: usize,
    input_length: usize,
    code: u32,
) -> Result<usize, NtStatus> {
    let operator = connection::operator().ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    // Input and output are one buffer.
    let mut input = [0; LONGEST_INPUT];
    let input = input.get_mut(..input_length).ok_or(NtStatus::INVALID_BUFFER_SIZE)?;
    if input_length != 0 {
        input.copy_from_slice(buffer(request, input_length, Side::Input)?);
    }
    let output = if output_length == 0 { &mut [][..] } else { buffer(request, output_length, Side::Output)? };
    output.fill(0);
    let answered = operator.control(Pf::of_the_operator(), code, input, output)?;
    Ok(answered.min(output_length))
}

#[derive(Clone, Copy)]
enum Side {
    Input,
    Output,
}

/// The request's buffer, of that length.
fn buffer<'a>(request: WDFREQUEST, length: usize, side: Side) -> Result<&'a mut [u8], NtStatus> {
    let mut bytes: *mut c_void = null_mut();
    let status = match side {
        // SAFETY: the framework gave us the request; the place for the pointer outlives the call.
        Side::Input => unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestRetrieveInputBuffer,
                request,
                length,
                &raw mut bytes,
                null_mut(),
            )
        },
        // SAFETY: as above.
        Side::Output => unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestRetrieveOutputBuffer,
                request,
                length,
                &raw mut bytes,
                null_mut(),
            )
        },
    };
    if !NT_SUCCESS(status) {
        return Err(NtStatus::from_raw(status));
    }
    // SAFETY: the framework promises that many bytes until the request is completed, which is after the last use; the two
    // sides are never borrowed at once.
    Ok(unsafe { core::slice::from_raw_parts_mut(bytes.cast(), length) })
}

fn size_of_u32<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(0)
}

const LONGEST_INPUT: usize = 256;
