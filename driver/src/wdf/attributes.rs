//! `WDF_OBJECT_ATTRIBUTES`: what an object is made with.

use wdk_sys::{
    _WDF_EXECUTION_LEVEL::WdfExecutionLevelInheritFromParent,
    _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeInheritFromParent, WDF_OBJECT_ATTRIBUTES, WDFDEVICE,
};

use crate::wdf::{context::ContextType, size_of_u32};

/// Attributes as `WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE` makes them.
pub(crate) fn with_context(context: &'static ContextType) -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES { ContextTypeInfo: context.info(), ..plain() }
}

/// Attributes of an object of a device.
pub(crate) fn below(device: WDFDEVICE) -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES { ParentObject: device.cast(), ..plain() }
}

/// As `WDF_OBJECT_ATTRIBUTES_INIT` makes them.
fn plain() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        Size: size_of_u32::<WDF_OBJECT_ATTRIBUTES>(),
        ExecutionLevel: WdfExecutionLevelInheritFromParent,
        SynchronizationScope: WdfSynchronizationScopeInheritFromParent,
        ..WDF_OBJECT_ATTRIBUTES::default()
    }
}
