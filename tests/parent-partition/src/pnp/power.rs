//! The power manager: the system goes to sleep and comes back.

use super::device::DeviceRef;
use super::leaks::PATIENCE;
use crate::judge::{self, Rule};
use crate::machine::irql::PASSIVE_LEVEL;
use crate::nt::request::Request;
use crate::nt::status::{self, Status};
use crate::nt::work_item;
use crate::sys::IO_STACK_LOCATION;

/// Sends the stack the system's way to sleep (S3), and waits until it is done.
pub fn sleep(device: &DeviceRef) -> Status {
    set_system_power(device, SYSTEM_SLEEPING_3)
}

/// Sends the stack the system's way back to work (S0), and waits until the device's own way back, which follows, is done.
///
/// Breaks [`Rule::Leak`] when that takes more than five seconds.
pub fn resume(device: &DeviceRef) -> Status {
    let status = set_system_power(device, SYSTEM_WORKING);
    if !work_item::settle(PATIENCE) {
        judge::violation_at(Rule::Leak, "IRP_MN_SET_POWER", 0, "a device that does not come back to work");
    }
    status
}

fn set_system_power(device: &DeviceRef, state: i32) -> Status {
    judge::irql_exactly(PASSIVE_LEVEL);
    let fill = |_: &mut crate::sys::IRP, location: &mut IO_STACK_LOCATION| {
        location.MajorFunction = MJ_POWER;
        location.MinorFunction = SET_POWER;
        // SAFETY: the union's member of this major function.
        let power = unsafe { &mut location.Parameters.Power };
        power.Type = SYSTEM_POWER_STATE;
        power.State.SystemState = state;
    };
    Request::new(device.physical(), status::NOT_SUPPORTED, Vec::new(), fill, |_| {}).send().finish().status
}

const MJ_POWER: u8 = 22;
const SET_POWER: u8 = 2;
/// The type of a power IRP that is for the system.
const SYSTEM_POWER_STATE: i32 = 0;
const SYSTEM_WORKING: i32 = 1;
const SYSTEM_SLEEPING_3: i32 = 4;
