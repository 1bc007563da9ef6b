//! Typed memory of ours that the framework keeps with a device.
#![expect(unsafe_code, reason = "the framework hands the context back as an untyped pointer")]

use core::{
    cell::UnsafeCell,
    ffi::CStr,
    mem::MaybeUninit,
    sync::atomic::{AtomicBool, Ordering},
};

use wdk_sys::{
    PCWDF_OBJECT_CONTEXT_TYPE_INFO, WDF_OBJECT_CONTEXT_TYPE_INFO, WDFDEVICE, call_unsafe_wdf_function_binding,
};

use crate::wdf::size_of_u32;

/// A type that a device keeps as its context.
pub(crate) trait Context: Sized + Sync + 'static {
    /// The type's description: a static of its own for each type, because the framework tells types apart by its address.
    const TYPE: &'static ContextType;
}

/// What `WDF_DECLARE_CONTEXT_TYPE` declares in C.
#[repr(transparent)]
pub(crate) struct ContextType(WDF_OBJECT_CONTEXT_TYPE_INFO);

/// The memory behind a context; the framework makes it of zeros, and zero is empty.
#[repr(C)]
struct Kept<T> {
    filled: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the structure is never written after its construction; its pointers lead to itself and to a literal.
unsafe impl Sync for ContextType {}

impl ContextType {
    /// Describes the context `T`; `itself` is the static that this value becomes.
    pub(crate) const fn new<T: Context>(name: &'static CStr, itself: &'static Self) -> Self {
        const { assert!(align_of::<Kept<T>>() <= 16, "the framework aligns contexts to 16 bytes") };
        Self(WDF_OBJECT_CONTEXT_TYPE_INFO {
            Size: size_of_u32::<WDF_OBJECT_CONTEXT_TYPE_INFO>(),
            ContextName: name.as_ptr().cast_mut(),
            ContextSize: size_of::<Kept<T>>(),
            UniqueType: &raw const itself.0,
            EvtDriverGetUniqueContextType: None,
        })
    }

    /// The description as the framework takes it.
    pub(crate) const fn info(&'static self) -> PCWDF_OBJECT_CONTEXT_TYPE_INFO {
        &raw const self.0
    }
}

/// The context of a device, which lives longer than each of its callbacks; `None` before it was filled.
pub(crate) fn of<'call, T: Context>(device: WDFDEVICE) -> Option<&'call T> {
    let kept = kept::<T>(device)?;
    if !kept.filled.load(Ordering::Acquire) {
        return None;
    }
    // SAFETY: it was filled, and is emptied by the device's last callback only.
    Some(unsafe { &*kept.value.get().cast::<T>() })
}

/// Fills the context of a device that was just made.
pub(crate) fn fill<T: Context>(device: WDFDEVICE, value: T) {
    if let Some(kept) = kept::<T>(device) {
        // SAFETY: nobody looks before `filled` is set, and only the device's maker fills.
        unsafe { kept.value.get().cast::<T>().write(value) };
        kept.filled.store(true, Ordering::Release);
    }
}

/// Takes the value out, in the device's last callback.
pub(crate) fn take<T: Context>(device: WDFDEVICE) -> Option<T> {
    let kept = kept::<T>(device)?;
    if !kept.filled.swap(false, Ordering::AcqRel) {
        return None;
    }
    // SAFETY: it was filled and is not any more, so it is read out once; no other callback of the device runs.
    Some(unsafe { kept.value.get().cast::<T>().read() })
}

fn kept<'call, T: Context>(device: WDFDEVICE) -> Option<&'call Kept<T>> {
    // SAFETY: our callbacks get valid handles from KMDF, which finds the context by its type or returns NULL.
    let context = unsafe {
        call_unsafe_wdf_function_binding!(WdfObjectGetTypedContextWorker, device.cast(), T::TYPE.info())
    };
    // SAFETY: KMDF zeroed the memory, which is an empty `Kept`, aligned it to 16 bytes, and keeps it until after the last
    // callback of the device.
    unsafe { context.cast::<Kept<T>>().as_ref() }
}
