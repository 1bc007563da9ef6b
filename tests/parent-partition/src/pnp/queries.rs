//! What the PnP manager asks a stack that has just started: capabilities, state, children.

use super::minor::{Minor, send};
use crate::nt::object;
use crate::nt::pool;
use crate::nt::status;
use crate::sys::{DEVICE_CAPABILITIES, DEVICE_OBJECT, DEVICE_RELATIONS};

/// Asks in the order in which the PnP manager does; false when the stack says that its device has failed.
///
/// Follows the IRP_MN_QUERY_CAPABILITIES, IRP_MN_QUERY_PNP_DEVICE_STATE and IRP_MN_QUERY_DEVICE_RELATIONS pages. The list of
/// children and its references are given back; no stack is built for a child.
pub(super) fn after_start(device: *mut DEVICE_OBJECT) -> bool {
    ask_capabilities(device);
    let healthy = ask_state(device) & (DISABLED | FAILED | REMOVED) == 0;
    ask_children(device);
    healthy
}

fn ask_capabilities(device: *mut DEVICE_OBJECT) {
    let mut capabilities = DEVICE_CAPABILITIES {
        Size: size_of::<DEVICE_CAPABILITIES>() as u16,
        Version: 1,
        Address: u32::MAX,
        UINumber: u32::MAX,
        ..Default::default()
    };
    let asked = send(device, Minor::QueryCapabilities, |location| {
        location.Parameters.DeviceCapabilities.Capabilities = &raw mut capabilities;
    });
    asked.finish();
}

fn ask_state(device: *mut DEVICE_OBJECT) -> u64 {
    let outcome = send(device, Minor::QueryPnpDeviceState, |_| {}).finish();
    if status::is_success(outcome.status) { outcome.information } else { 0 }
}

fn ask_children(device: *mut DEVICE_OBJECT) {
    let asked = send(device, Minor::QueryDeviceRelations, |location| {
        location.Parameters.QueryDeviceRelations.Type = BUS_RELATIONS;
    });
    let outcome = asked.finish();
    if !status::is_success(outcome.status) || outcome.information == 0 {
        return;
    }
    let relations: *mut DEVICE_RELATIONS =
        std::ptr::with_exposed_provenance_mut(outcome.information as usize);
    // SAFETY: a driver that answers with success answers with a list in pool; one that does not is blamed for the fault.
    crate::judge::for_caller(|| unsafe {
        let children = (&raw const (*relations).Objects).cast::<*mut DEVICE_OBJECT>();
        for index in 0..(*relations).Count as usize {
            object::dereference((*children.add(index)).addr());
        }
    });
    pool::free(relations.cast(), None);
}

const BUS_RELATIONS: i32 = 0;
/// Flags of PNP_DEVICE_STATE.
const DISABLED: u64 = 0x1;
const FAILED: u64 = 0x4;
const REMOVED: u64 = 0x8;
