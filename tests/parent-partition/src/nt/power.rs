//! Power IRPs that drivers ask for: PoRequestPowerIrp and its neighbours.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

use super::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::object::{self, Kind};
use super::request::Request;
use super::status::{self, Status};
use super::work_item;
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::irql;
use crate::sys::{DEVICE_OBJECT, IO_STATUS_BLOCK, IRP, POWER_STATE};

/// Sends a device power IRP to the top of a device's stack and calls a routine when it has come back; always pending.
///
/// Follows the PoRequestPowerIrp page (IRQL <= DISPATCH_LEVEL). The IRP is sent at PASSIVE_LEVEL, by a worker thread where
/// the caller is above it. Judged: IRQL; something that is no live device; a minor function that cannot be asked for.
///
/// # Safety
/// `irp` is NULL or writable; `context` is what the routine expects.
pub unsafe extern "win64" fn PoRequestPowerIrp(
    device: *mut DEVICE_OBJECT,
    minor: u8,
    state: POWER_STATE,
    routine: usize,
    context: *mut c_void,
    irp: *mut *mut IRP,
) -> Status {
    judge::irql_at_most(DISPATCH_LEVEL);
    object::expect(device.addr(), Kind::Device);
    if ![WAIT_WAKE, SET_POWER, QUERY_POWER].contains(&minor) {
        violation(
            Rule::BadParameter,
            format_args!("no power IRP of the minor function {minor} can be asked for"),
        );
    }
    // SAFETY: both members are numbers of one size.
    let number = unsafe { state.DeviceState };
    let (device, context) = (device.expose_provenance(), context.expose_provenance());
    object::reference(device);
    let request = Request::new(
        std::ptr::with_exposed_provenance_mut(device),
        status::NOT_SUPPORTED,
        Vec::new(),
        |_, location| fill(location, minor, DEVICE_POWER, number, 0),
        move |irp| {
            let mut block: IO_STATUS_BLOCK = irp.IoStatus;
            if routine != 0 {
                invoke!(routine; device, minor, number, context, &raw mut block);
            }
            object::dereference(device);
        },
    );
    if !irp.is_null() && minor == WAIT_WAKE {
        // SAFETY: the caller promises a writable pointer.
        for_caller(|| unsafe { *irp = std::ptr::with_exposed_provenance_mut(request.irp()) });
    }
    if irql::current() > PASSIVE_LEVEL {
        work_item::run_later(move || drop(request.send()));
    } else {
        request.send();
    }
    status::PENDING
}

/// Says which power state a device is in now, and returns the one before.
///
/// Follows the PoSetPowerState page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live device.
pub extern "win64" fn PoSetPowerState(
    device: *mut DEVICE_OBJECT,
    kind: i32,
    state: POWER_STATE,
) -> POWER_STATE {
    judge::irql_at_most(DISPATCH_LEVEL);
    object::expect(device.addr(), Kind::Device);
    // SAFETY: both members are numbers of one size.
    let number = unsafe { state.DeviceState };
    let mut states = STATES.lock().unwrap_or_else(PoisonError::into_inner);
    let before = states.insert((device.addr(), kind), number).unwrap_or(0);
    POWER_STATE { DeviceState: before }
}

/// Fills a stack location for a power IRP.
pub(crate) fn fill(
    location: &mut crate::sys::_IO_STACK_LOCATION,
    minor: u8,
    kind: i32,
    state: i32,
    action: i32,
) {
    location.MajorFunction = MJ_POWER;
    location.MinorFunction = minor;
    // SAFETY: the union's member of this major function.
    let power = unsafe { &mut location.Parameters.Power };
    power.Type = kind;
    power.State = POWER_STATE { DeviceState: state };
    power.ShutdownType = action;
}

const MJ_POWER: u8 = 22;
/// Minor functions of power.
const WAIT_WAKE: u8 = 0;
pub(crate) const SET_POWER: u8 = 2;
pub(crate) const QUERY_POWER: u8 = 3;
/// POWER_STATE_TYPE.
pub(crate) const SYSTEM_POWER: i32 = 0;
const DEVICE_POWER: i32 = 1;
static STATES: Mutex<BTreeMap<(usize, i32), i32>> = Mutex::new(BTreeMap::new());
