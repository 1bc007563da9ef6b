//! WDFKEY: the device's hardware key, where the INF and the operator put parameters.
#![expect(unsafe_code, reason = "calls the framework with handles")]

use wdk_sys::{
    KEY_READ, PLUGPLAY_REGKEY_DEVICE, STATUS_OBJECT_NAME_NOT_FOUND, UNICODE_STRING, WDF_NO_OBJECT_ATTRIBUTES, WDFDEVICE,
    WDFKEY, call_unsafe_wdf_function_binding,
};

use backchannel::NtStatus;

use crate::wdf::checked;

/// A value's name: UTF-16 without a terminating zero, at most 127 characters.
#[derive(Debug)]
pub(crate) struct ValueName(&'static [u16]);

impl ValueName {
    /// Takes the name's UTF-16 text.
    pub(crate) const fn new(text: &'static [u16]) -> Self {
        assert!(text.len() < 128, "a value's name is short");
        Self(text)
    }

    fn unicode(&self) -> UNICODE_STRING {
        let bytes = u16::try_from(size_of_val(self.0)).unwrap_or(0);
        UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: self.0.as_ptr().cast_mut() }
    }
}

/// Reads a DWORD of the device's hardware key; `None` where the value is not there.
///
/// IRQL: `PASSIVE_LEVEL`.
///
/// # Errors
/// The key cannot be opened, or the value is of another type.
pub(crate) fn hardware_key_dword(device: WDFDEVICE, name: &ValueName) -> Result<Option<u32>, NtStatus> {
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
    let text = name.unicode();
    let mut value = 0;
    // SAFETY: KMDF opened `key` above; the name and the value outlive the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(WdfRegistryQueryULong, key, &raw const text, &raw mut value)
    };
    // SAFETY: KMDF opened `key` above, and nobody uses it after this.
    unsafe { call_unsafe_wdf_function_binding!(WdfRegistryClose, key) };
    if status == STATUS_OBJECT_NAME_NOT_FOUND {
        return Ok(None);
    }
    checked(status).map(|()| Some(value))
}
