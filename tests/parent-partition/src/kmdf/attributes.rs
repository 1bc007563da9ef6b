//! WDF_OBJECT_ATTRIBUTES, read and checked once.

use super::callback;
use super::driver_memory;
use super::status::{self, Status};
use crate::sys;

/// What a driver said of an object it makes; the default is what WDF_NO_OBJECT_ATTRIBUTES means.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    /// Address of EvtCleanupCallback, or 0.
    pub(super) cleanup: usize,
    /// Address of EvtDestroyCallback, or 0.
    pub(super) destroy: usize,
    /// ExecutionLevel.
    pub(super) execution_level: ExecutionLevel,
    /// SynchronizationScope.
    pub(super) scope: SynchronizationScope,
    /// Handle of the parent, or 0.
    pub(super) parent: usize,
    /// Address of the context type (WDF_OBJECT_CONTEXT_TYPE_INFO), or 0.
    pub(super) context_type: usize,
    /// ContextSizeOverride.
    pub(super) context_size: usize,
}

impl Attributes {
    /// Reads the structure at `address`; NULL stands for the default.
    ///
    /// A wrong Size is STATUS_INFO_LENGTH_MISMATCH (trace `misuse-size-attributes-verifier`).
    pub(super) fn read(address: usize) -> Result<Self, Status> {
        if address == 0 {
            return Ok(Self::default());
        }
        let given: sys::WDF_OBJECT_ATTRIBUTES = driver_memory::read(address);
        if given.Size as usize != size_of::<sys::WDF_OBJECT_ATTRIBUTES>() {
            return Err(status::INFO_LENGTH_MISMATCH);
        }
        Ok(Self {
            cleanup: callback::address(&given.EvtCleanupCallback),
            destroy: callback::address(&given.EvtDestroyCallback),
            execution_level: ExecutionLevel::read(given.ExecutionLevel as u32)?,
            scope: SynchronizationScope::read(given.SynchronizationScope as u32)?,
            parent: given.ParentObject as usize,
            context_type: given.ContextTypeInfo as usize,
            context_size: given.ContextSizeOverride,
        })
    }

    /// As [`Attributes::read`], for objects whose place in the tree the framework decides.
    pub(super) fn read_without_parent(address: usize) -> Result<Self, Status> {
        let attributes = Self::read(address)?;
        if attributes.parent != 0 { Err(status::WDF_PARENT_ASSIGNMENT_NOT_ALLOWED) } else { Ok(attributes) }
    }
}

/// WDF_EXECUTION_LEVEL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ExecutionLevel {
    /// As the parent.
    #[default]
    Inherit,
    /// Callbacks run at PASSIVE_LEVEL only.
    Passive,
    /// Callbacks may run up to DISPATCH_LEVEL.
    Dispatch,
}

impl ExecutionLevel {
    fn read(value: u32) -> Result<Self, Status> {
        match value {
            1 => Ok(Self::Inherit),
            2 => Ok(Self::Passive),
            3 => Ok(Self::Dispatch),
            _ => Err(status::WDF_EXECUTION_LEVEL_INVALID),
        }
    }

    /// The level of an object below one of level `parent`; a driver's default is DISPATCH_LEVEL.
    pub(super) fn under(self, parent: Option<Self>) -> Self {
        match self {
            Self::Inherit => parent.unwrap_or(Self::Dispatch),
            given => given,
        }
    }
}

/// WDF_SYNCHRONIZATION_SCOPE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SynchronizationScope {
    /// As the parent.
    #[default]
    Inherit,
    /// One callback of the device at a time.
    Device,
    /// One callback of the queue at a time.
    Queue,
    /// Callbacks may run at once.
    None,
}

impl SynchronizationScope {
    fn read(value: u32) -> Result<Self, Status> {
        match value {
            1 => Ok(Self::Inherit),
            2 => Ok(Self::Device),
            3 => Ok(Self::Queue),
            4 => Ok(Self::None),
            _ => Err(status::WDF_SYNCHRONIZATION_SCOPE_INVALID),
        }
    }

    /// The scope of an object below one of scope `parent`; a driver's default is none.
    pub(super) fn under(self, parent: Option<Self>) -> Self {
        match self {
            Self::Inherit => parent.unwrap_or(Self::None),
            given => given,
        }
    }
}
