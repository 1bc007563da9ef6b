//! WDFKEY: the device's hardware key, where the INF and the operator put parameters.
#![expect(unsafe_code, reason = "calls the framework with handles")]

use wdk_sys::{
    KEY_READ, PLUGPLAY_REGKEY_DEVICE, PWDFDEVICE_INIT, STATUS_OBJECT_NAME_NOT_FOUND, UNICODE_STRING,
    WDF_NO_OBJECT_ATTRIBUTES, WDFDEVICE, WDFKEY, call_unsafe_wdf_function_binding,
};

use backchannel::NtStatus;

use crate::wdf::checked;

/// A value's name: ASCII, kept as UTF-16, because that is how the registry takes it.
#[derive(Debug)]
pub(crate) struct ValueName<const LENGTH: usize>([u16; LENGTH]);

impl<const LENGTH: usize> ValueName<LENGTH> {
    /// Takes the name's text.
    pub(crate) const fn new(text: &[u8; LENGTH]) -> Self {
        const { assert!(LENGTH < 128, "a value's name is short") };
        let mut name = [0; LENGTH];
        let mut to: &mut [u16] = &mut name;
        let mut from: &[u8] = text;
        while let (Some((place, others)), Some(([character], rest))) =
            (to.split_first_mut(), from.split_first_chunk())
        {
            assert!(character.is_ascii(), "a value's name is ASCII");
            *place = u16::from_le_bytes([*character, 0]);
            to = others;
            from = rest;
        }
        Self(name)
    }

    fn unicode(&self) -> UNICODE_STRING {
        let bytes = u16::try_from(size_of_val(&self.0)).unwrap_or(0);
        UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: self.0.as_ptr().cast_mut() }
    }
}

/// A hardware key that is open.
#[derive(Debug)]
pub(crate) struct HardwareKey(WDFKEY);

impl HardwareKey {
    /// Opens the key of a device.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// What the framework says.
    pub(crate) fn open(device: WDFDEVICE) -> Result<Self, NtStatus> {
        let mut key: WDFKEY = core::ptr::null_mut();
        // SAFETY: KMDF gave us the device handle in a callback that still runs; `key` is ours to fill.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceOpenRegistryKey,
                device,
                PLUGPLAY_REGKEY_DEVICE,
                KEY_READ,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut key,
            )
        })?;
        Ok(Self(key))
    }

    /// Opens the key of a device that is being made.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// What the framework says.
    ///
    /// # Safety
    /// `init` is the argument of a running `EvtDriverDeviceAdd`.
    pub(crate) unsafe fn open_early(init: PWDFDEVICE_INIT) -> Result<Self, NtStatus> {
        let mut key: WDFKEY = core::ptr::null_mut();
        // SAFETY: our caller vouches for `init`; `key` is ours to fill.
        checked(unsafe {
            call_unsafe_wdf_function_binding!(
                WdfFdoInitOpenRegistryKey,
                init,
                PLUGPLAY_REGKEY_DEVICE,
                KEY_READ,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut key,
            )
        })?;
        Ok(Self(key))
    }

    /// Reads a DWORD; `None` where the value is not there.
    ///
    /// # Errors
    /// The value is of another type.
    pub(crate) fn dword<const LENGTH: usize>(
        &self,
        name: &ValueName<LENGTH>,
    ) -> Result<Option<u32>, NtStatus> {
        let text = name.unicode();
        let mut value = 0;
        // SAFETY: the key is open; the name and the value outlive the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(WdfRegistryQueryULong, self.0, &raw const text, &raw mut value)
        };
        if status == STATUS_OBJECT_NAME_NOT_FOUND {
            return Ok(None);
        }
        checked(status).map(|()| Some(value))
    }
}

impl Drop for HardwareKey {
    fn drop(&mut self) {
        // SAFETY: KMDF opened the key, and nobody uses it after this.
        unsafe { call_unsafe_wdf_function_binding!(WdfRegistryClose, self.0) };
    }
}
