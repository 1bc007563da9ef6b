//! WDFCMRESLIST: the hardware resources of a started device.

use std::fmt;
use std::sync::Arc;

use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::loader;
use super::object::Object;
use super::pnp;
use super::status::Status;
use super::table::{Routine, routines};
use crate::sys;

/// A list of resource descriptors; a driver gets pointers into it.
pub(super) struct ResourceList {
    /// The common part.
    pub(super) object: Arc<Object>,
    descriptors: Vec<sys::CM_PARTIAL_RESOURCE_DESCRIPTOR>,
}

impl Kind for ResourceList {
    const NAME: &'static str = "WDFCMRESLIST";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl fmt::Debug for ResourceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.object, self.descriptors.len())
    }
}

impl ResourceList {
    /// Copies the first list of a CM_RESOURCE_LIST; NULL gives an empty one.
    pub(super) fn new(device: &Device, address: usize) -> Result<Arc<Self>, Status> {
        let descriptors = descriptors_of(address);
        let list = pnp::make_under(device, |object| Self { object, descriptors })?;
        list.object.keep_from_deletion();
        Ok(list)
    }
}

/// A CM_RESOURCE_LIST of one full list: its descriptors follow the counts.
fn descriptors_of(address: usize) -> Vec<sys::CM_PARTIAL_RESOURCE_DESCRIPTOR> {
    if address == 0 {
        return Vec::new();
    }
    let full = address + std::mem::offset_of!(sys::CM_RESOURCE_LIST, List);
    let partial = full + std::mem::offset_of!(sys::CM_FULL_RESOURCE_DESCRIPTOR, PartialResourceList);
    let count: u32 =
        driver_memory::read(partial + std::mem::offset_of!(sys::CM_PARTIAL_RESOURCE_LIST, Count));
    let first = partial + std::mem::offset_of!(sys::CM_PARTIAL_RESOURCE_LIST, PartialDescriptors);
    let size = size_of::<sys::CM_PARTIAL_RESOURCE_DESCRIPTOR>();
    (0..count as usize).map(|index| driver_memory::read(first + index * size)).collect()
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfCmResourceListGetCount, WdfCmResourceListGetDescriptor]
}

/// Returns the number of descriptors. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCmResourceListGetCount(globals: usize, list: Handle) -> u32 {
    loader::binding(globals);
    handle::of::<ResourceList>(list).descriptors.len() as u32
}

/// Returns the address of a descriptor, valid as long as the list; NULL past the end. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCmResourceListGetDescriptor(globals: usize, list: Handle, index: u32) -> usize {
    loader::binding(globals);
    let list = handle::of::<ResourceList>(list);
    list.descriptors.get(index as usize).map_or(0, |descriptor| std::ptr::from_ref(descriptor) as usize)
}
