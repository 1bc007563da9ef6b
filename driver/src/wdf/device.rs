//! WDFDEVICE: how a device is made, and its callbacks as safe functions.
#![expect(unsafe_code, reason = "the framework's callbacks are C functions")]

use backchannel::NtStatus;
use wdk_sys::{
    NTSTATUS, PWDFDEVICE_INIT, STATUS_SUCCESS, WDF_PNPPOWER_EVENT_CALLBACKS, WDF_POWER_DEVICE_STATE,
    WDFCMRESLIST, WDFDEVICE, WDFOBJECT, call_unsafe_wdf_function_binding,
};

use crate::wdf::{
    attributes, checked,
    context::{self, Context},
    irp::{self, PnpIrps},
    registry::{HardwareKey, ValueName},
    resources::Resources,
    size_of_u32,
};

/// A device that is being made; the framework owns it until [`DeviceInit::create`].
#[derive(Debug)]
pub(crate) struct DeviceInit(PWDFDEVICE_INIT);

/// What a device does when PnP and power call; every function runs at `PASSIVE_LEVEL`.
pub(crate) trait PnpCallbacks: Context {
    /// The device's resources are there (start, and restart after a rebalance).
    ///
    /// # Errors
    /// The device then does not start; [`PnpCallbacks::release_hardware`] is called all the same.
    fn prepare_hardware(&self, device: WDFDEVICE, resources: &Resources) -> Result<(), NtStatus>;

    /// The device's resources go; expects half-made state.
    fn release_hardware(&self);

    /// The device is in D0.
    ///
    /// # Errors
    /// The device then does not start; no D0 exit follows.
    fn d0_entry(&self) -> Result<(), NtStatus>;

    /// The device leaves D0.
    fn d0_exit(&self);

    /// The device is gone without a word.
    fn surprise_removal(&self);

    /// Somebody asks whether the device may be stopped for a rebalance; may take long.
    ///
    /// # Errors
    /// It may not now; never `STATUS_NOT_SUPPORTED`.
    fn query_stop(&self) -> Result<(), NtStatus>;

    /// Somebody asks whether the device may be removed.
    ///
    /// # Errors
    /// It may not now.
    fn query_remove(&self) -> Result<(), NtStatus>;
}

impl DeviceInit {
    /// Takes what `EvtDriverDeviceAdd` was given.
    ///
    /// # Safety
    /// `init` is the argument of a running `EvtDriverDeviceAdd`, and this is the only value made of it.
    pub(crate) const unsafe fn new(init: PWDFDEVICE_INIT) -> Self {
        Self(init)
    }

    /// Reads a DWORD of the hardware key; `None` where the value is not there.
    ///
    /// # Errors
    /// The key cannot be opened, or the value is of another type.
    pub(crate) fn hardware_key_dword<const LENGTH: usize>(
        &self,
        name: &ValueName<LENGTH>,
    ) -> Result<Option<u32>, NtStatus> {
        // SAFETY: `new`'s caller vouches for the handle.
        unsafe { HardwareKey::open_early(self.0) }?.dword(name)
    }

    /// Makes it a filter: what it does not serve goes to the drivers below.
    pub(crate) fn set_filter(&self) {
        // SAFETY: `new`'s caller vouches for the handle.
        unsafe { call_unsafe_wdf_function_binding!(WdfFdoInitSetFilter, self.0) };
    }

    /// Makes the device with `value` as its context, which is dropped with the device, and `T`'s callbacks; `T` sees the
    /// IRPs of [`PnpIrps`] first.
    ///
    /// # Errors
    /// What the framework says; it then frees what it holds.
    pub(crate) fn create<T: PnpCallbacks + PnpIrps>(self, value: T) -> Result<WDFDEVICE, NtStatus> {
        // SAFETY: `new`'s caller vouches for the handle.
        unsafe { irp::see_first::<T>(self.0) }?;
        let mut callbacks = callbacks::<T>();
        // SAFETY: `new`'s caller vouches for the handle; KMDF copies the structure.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetPnpPowerEventCallbacks,
                self.0,
                &raw mut callbacks
            );
        }
        let mut attributes = attributes::with_context(T::TYPE);
        attributes.EvtCleanupCallback = Some(cleanup::<T>);
        let mut init = self.0;
        let mut device: WDFDEVICE = core::ptr::null_mut();
        // SAFETY: `new`'s caller vouches for the handle, which KMDF takes over; the attributes are copied.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceCreate,
                &raw mut init,
                &raw mut attributes,
                &raw mut device
            )
        })?;
        context::fill(device, value);
        Ok(device)
    }
}

/// As `WDF_PNPPOWER_EVENT_CALLBACKS_INIT` makes it, with our callbacks.
fn callbacks<T: PnpCallbacks>() -> WDF_PNPPOWER_EVENT_CALLBACKS {
    WDF_PNPPOWER_EVENT_CALLBACKS {
        Size: size_of_u32::<WDF_PNPPOWER_EVENT_CALLBACKS>(),
        EvtDevicePrepareHardware: Some(prepare_hardware::<T>),
        EvtDeviceReleaseHardware: Some(release_hardware::<T>),
        EvtDeviceD0Entry: Some(d0_entry::<T>),
        EvtDeviceD0Exit: Some(d0_exit::<T>),
        EvtDeviceSurpriseRemoval: Some(surprise_removal::<T>),
        EvtDeviceQueryStop: Some(query_stop::<T>),
        EvtDeviceQueryRemove: Some(query_remove::<T>),
        ..WDF_PNPPOWER_EVENT_CALLBACKS::default()
    }
}

/// Makes one call of a callback with the device's context; a device that has none was never made whole.
fn with<T: PnpCallbacks>(device: WDFDEVICE, callback: impl FnOnce(&T) -> Result<(), NtStatus>) -> NTSTATUS {
    let done = context::of::<T>(device).map_or(Err(NtStatus::INVALID_DEVICE_STATE), callback);
    done.map_or_else(NtStatus::raw, |()| STATUS_SUCCESS)
}

/// The same for callbacks that cannot fail.
fn notify<T: PnpCallbacks>(device: WDFDEVICE, callback: impl FnOnce(&T)) -> NTSTATUS {
    with(device, |context: &T| {
        callback(context);
        Ok(())
    })
}

unsafe extern "C" fn prepare_hardware<T: PnpCallbacks>(
    device: WDFDEVICE,
    _raw: WDFCMRESLIST,
    translated: WDFCMRESLIST,
) -> NTSTATUS {
    // SAFETY: KMDF keeps the list during this callback.
    let resources = unsafe { Resources::new(translated) };
    with(device, |context: &T| context.prepare_hardware(device, &resources))
}

unsafe extern "C" fn release_hardware<T: PnpCallbacks>(
    device: WDFDEVICE,
    _translated: WDFCMRESLIST,
) -> NTSTATUS {
    notify(device, T::release_hardware)
}

unsafe extern "C" fn d0_entry<T: PnpCallbacks>(
    device: WDFDEVICE,
    _previous: WDF_POWER_DEVICE_STATE,
) -> NTSTATUS {
    with(device, T::d0_entry)
}

unsafe extern "C" fn d0_exit<T: PnpCallbacks>(
    device: WDFDEVICE,
    _target: WDF_POWER_DEVICE_STATE,
) -> NTSTATUS {
    notify(device, T::d0_exit)
}

unsafe extern "C" fn surprise_removal<T: PnpCallbacks>(device: WDFDEVICE) {
    let _always_success = notify(device, T::surprise_removal);
}

unsafe extern "C" fn query_stop<T: PnpCallbacks>(device: WDFDEVICE) -> NTSTATUS {
    with(device, T::query_stop)
}

unsafe extern "C" fn query_remove<T: PnpCallbacks>(device: WDFDEVICE) -> NTSTATUS {
    with(device, T::query_remove)
}

unsafe extern "C" fn cleanup<T: PnpCallbacks>(device: WDFOBJECT) {
    drop(context::take::<T>(device.cast()));
}
