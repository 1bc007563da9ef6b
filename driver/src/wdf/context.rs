//! Typed memory of ours that the framework keeps with an object.
#![expect(unsafe_code, reason = "the framework hands the context back as an untyped pointer")]

use core::ffi::CStr;

use wdk_sys::{
    PCWDF_OBJECT_CONTEXT_TYPE_INFO, WDF_OBJECT_CONTEXT_TYPE_INFO, WDFDEVICE, call_unsafe_wdf_function_binding,
};

use crate::wdf::size_of_u32;

/// A context type: what `WDF_DECLARE_CONTEXT_TYPE` declares in C.
#[repr(transparent)]
pub(crate) struct ContextType(WDF_OBJECT_CONTEXT_TYPE_INFO);

// SAFETY: the structure is never written after its construction; its pointers lead to itself and to a literal.
unsafe impl Sync for ContextType {}

impl ContextType {
    /// Describes the context `T`; `itself` is the address of the static that holds this description, because the
    /// framework tells types apart by it.
    pub(crate) const fn new<T: Context>(name: &'static CStr, itself: &'static Self) -> Self {
        Self(WDF_OBJECT_CONTEXT_TYPE_INFO {
            Size: size_of_u32::<WDF_OBJECT_CONTEXT_TYPE_INFO>(),
            ContextName: name.as_ptr().cast_mut(),
            ContextSize: size_of::<T>(),
            UniqueType: &raw const itself.0,
            EvtDriverGetUniqueContextType: None,
        })
    }

    /// The description as the framework takes it.
    pub(crate) fn info(&'static self) -> PCWDF_OBJECT_CONTEXT_TYPE_INFO {
        &raw const self.0
    }
}

/// A type that may be a device's context.
///
/// # Safety
/// All bytes zero are a valid value of the type: the framework makes it so. Every device that [`of`] is asked for was
/// created with this type.
pub(crate) unsafe trait Context: Sync + 'static {
    /// The type's description.
    const TYPE: &'static ContextType;
}

/// The context of a device; it lives as long as the device, which outlives each of its callbacks.
pub(crate) fn of<'call, T: Context>(device: WDFDEVICE) -> &'call T {
    // SAFETY: KMDF returns the context for a valid handle; our callbacks get valid handles.
    let context = unsafe {
        call_unsafe_wdf_function_binding!(WdfObjectGetTypedContextWorker, device.cast(), T::TYPE.info())
    };
    // SAFETY: `Context` promises that the device was created with `T`; KMDF zeroed it, aligned it to 16 bytes and keeps
    // it until after the last callback.
    unsafe { &*context.cast::<T>() }
}
