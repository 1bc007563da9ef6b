//! Typed contexts: memory that a driver keeps with an object.

use super::attributes::Attributes;
use super::driver_memory;
use super::handle::Handle;
use super::kernel;
use super::status::{self, Status};
use crate::sys;

/// One context of an object, with the callbacks that came with it.
#[derive(Debug)]
pub(super) struct Context {
    /// Identity of the type (WDF_OBJECT_CONTEXT_TYPE_INFO.UniqueType), 0 for callbacks without memory.
    pub(super) unique_type: usize,
    /// Where the driver's bytes are, zeroed when made; 0 without memory.
    pub(super) address: usize,
    /// EvtCleanupCallback.
    pub(super) cleanup: usize,
    /// EvtDestroyCallback.
    pub(super) destroy: usize,
}

impl Context {
    /// Makes what the attributes ask for; `None` when they ask for neither memory nor callbacks.
    pub(super) fn new(attributes: &Attributes, object: Handle) -> Result<Option<Self>, Status> {
        let (unique_type, size) = match attributes.context_type {
            0 if attributes.context_size != 0 => return Err(status::OBJECT_NAME_INVALID),
            0 => (0, 0),
            address => {
                let info: sys::WDF_OBJECT_CONTEXT_TYPE_INFO = driver_memory::read(address);
                if info.Size as usize != size_of::<sys::WDF_OBJECT_CONTEXT_TYPE_INFO>() {
                    return Err(status::INFO_LENGTH_MISMATCH);
                }
                if attributes.context_size != 0 && attributes.context_size < info.ContextSize {
                    return Err(status::INVALID_PARAMETER);
                }
                (unique_type(address), info.ContextSize.max(attributes.context_size))
            }
        };
        if unique_type == 0 && attributes.cleanup == 0 && attributes.destroy == 0 {
            return Ok(None);
        }
        let address = match unique_type {
            0 => 0,
            _ => kernel::allocate(size.max(1)).ok_or(status::INSUFFICIENT_RESOURCES)?,
        };
        if address != 0 {
            owners().insert(address, object);
        }
        Ok(Some(Self { unique_type, address, cleanup: attributes.cleanup, destroy: attributes.destroy }))
    }

    /// Gives the memory back; a driver that touches it from now on faults.
    pub(super) fn free(self) {
        if self.address != 0 {
            owners().remove(&self.address);
            kernel::free(self.address);
        }
    }
}

/// The identity of the type that a WDF_OBJECT_CONTEXT_TYPE_INFO at `address` stands for.
pub(super) fn unique_type(address: usize) -> usize {
    let info: sys::WDF_OBJECT_CONTEXT_TYPE_INFO = driver_memory::read(address);
    if info.UniqueType.is_null() { address } else { info.UniqueType as usize }
}

/// The object that a context belongs to (WdfObjectContextGetObject).
pub(super) fn owner(address: usize) -> Option<Handle> {
    owners().get(&address).copied()
}

type Owners = std::collections::HashMap<usize, Handle>;

fn owners() -> std::sync::MutexGuard<'static, Owners> {
    static OWNERS: std::sync::LazyLock<std::sync::Mutex<Owners>> = std::sync::LazyLock::new(Default::default);
    OWNERS.lock().expect("no holder of the context table panics")
}
