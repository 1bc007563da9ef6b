//! The IRPs of the PnP manager.

use std::ffi::c_void;

use crate::judge;
use crate::machine::irql::PASSIVE_LEVEL;
use crate::nt::request::{Request, Sent};
use crate::nt::status::{self, Status};
use crate::sys::{DEVICE_OBJECT, GUID, IO_STACK_LOCATION};

/// The minor functions of IRP_MJ_PNP that the PnP manager sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Minor {
    /// IRP_MN_START_DEVICE.
    StartDevice = 0,
    /// IRP_MN_QUERY_REMOVE_DEVICE.
    QueryRemoveDevice = 1,
    /// IRP_MN_REMOVE_DEVICE.
    RemoveDevice = 2,
    /// IRP_MN_CANCEL_REMOVE_DEVICE.
    CancelRemoveDevice = 3,
    /// IRP_MN_STOP_DEVICE.
    StopDevice = 4,
    /// IRP_MN_QUERY_STOP_DEVICE.
    QueryStopDevice = 5,
    /// IRP_MN_CANCEL_STOP_DEVICE.
    CancelStopDevice = 6,
    /// IRP_MN_QUERY_DEVICE_RELATIONS.
    QueryDeviceRelations = 7,
    /// IRP_MN_QUERY_INTERFACE.
    QueryInterface = 8,
    /// IRP_MN_QUERY_CAPABILITIES.
    QueryCapabilities = 9,
    /// IRP_MN_QUERY_PNP_DEVICE_STATE.
    QueryPnpDeviceState = 20,
    /// IRP_MN_SURPRISE_REMOVAL.
    SurpriseRemoval = 23,
}

/// Sends a PnP IRP to the top of a device's stack; `fill` sets its parameters.
pub fn send(device: *mut DEVICE_OBJECT, minor: Minor, fill: impl FnOnce(&mut IO_STACK_LOCATION)) -> Sent {
    judge::irql_exactly(PASSIVE_LEVEL);
    let request = Request::new(
        device,
        status::NOT_SUPPORTED,
        Vec::new(),
        |_, location| {
            location.MajorFunction = MJ_PNP;
            location.MinorFunction = minor as u8;
            fill(location);
        },
        |_| {},
    );
    request.send()
}

/// Asks a device's stack for an interface, into a buffer of `size` bytes, and returns the stack's answer.
///
/// Follows the IRP_MN_QUERY_INTERFACE page.
///
/// # Safety
/// `device` is a live device, and `buffer` has `size` writable bytes.
pub unsafe fn query_interface(
    device: *mut DEVICE_OBJECT,
    interface: &GUID,
    size: u16,
    version: u16,
    buffer: *mut c_void,
) -> Status {
    let asked = send(device, Minor::QueryInterface, |location| {
        // SAFETY: the union's member of this minor function.
        let query = unsafe { &mut location.Parameters.QueryInterface };
        query.InterfaceType = interface;
        query.Size = size;
        query.Version = version;
        query.Interface = buffer.cast();
        query.InterfaceSpecificData = std::ptr::null_mut();
    });
    asked.finish().status
}

const MJ_PNP: u8 = 27;
