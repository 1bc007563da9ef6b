//! System power: a device's stack is asked whether it can follow, and told to.

use super::device::DeviceRef;
use super::leaks::PATIENCE;
use crate::judge::{self, Rule};
use crate::nt::power::{QUERY_POWER, SET_POWER, SYSTEM_POWER, fill};
use crate::nt::request::{Request, Sent};
use crate::nt::status::{self, Status};
use crate::nt::{callback_object, work_item};

/// The system power states that a machine goes through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum SystemState {
    /// S0: at work.
    Working = 1,
    /// S3: asleep.
    Sleeping3 = 4,
    /// S5: off.
    Shutdown = 6,
}

/// Asks a stack whether the system may go to a state.
pub fn query_power(device: &DeviceRef, state: SystemState) -> Status {
    send(device, QUERY_POWER, state).finish().status
}

/// Tells a stack that the system goes to a state; back when the whole stack has followed.
///
/// Who listens to `\Callback\PowerState` is told before the working state is left, and after it is back.
pub fn set_power(device: &DeviceRef, state: SystemState) -> Status {
    if state != SystemState::Working {
        callback_object::notify_power_state(false);
    }
    let status = send(device, SET_POWER, state).finish().status;
    if state == SystemState::Working {
        callback_object::notify_power_state(true);
    }
    status
}

/// Sends the system to sleep, and waits until the device is.
pub fn sleep(device: &DeviceRef) -> Status {
    set_power(device, SystemState::Sleeping3)
}

/// Brings the system back to work, and waits until the device's own way back, which follows, is done.
///
/// Breaks [`Rule::Leak`] when that takes more than five seconds.
pub fn resume(device: &DeviceRef) -> Status {
    let status = set_power(device, SystemState::Working);
    if !work_item::settle(PATIENCE) {
        judge::violation_at(Rule::Leak, "IRP_MN_SET_POWER", 0, "a device that does not come back to work");
    }
    status
}

fn send(device: &DeviceRef, minor: u8, state: SystemState) -> Sent {
    let action = match state {
        SystemState::Working | SystemState::Sleeping3 => ACTION_SLEEP,
        SystemState::Shutdown => ACTION_SHUTDOWN,
    };
    let request = Request::new(
        device.physical(),
        status::NOT_SUPPORTED,
        Vec::new(),
        |_, location| fill(location, minor, SYSTEM_POWER, state as i32, action),
        |_| {},
    );
    request.send()
}

/// POWER_ACTION.
const ACTION_SLEEP: i32 = 2;
const ACTION_SHUTDOWN: i32 = 4;
