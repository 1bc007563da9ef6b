//! Power IRPs: what a change of power state does to a device.
//!
//! A filter follows device power IRPs of the power policy owner; a function driver owns the policy, sends its own device
//! power IRP for a system power IRP and completes that one when the device has got there. Sleep of the system is not
//! simulated by the PnP manager here, so the owner's part ends the run by name.

use std::sync::Arc;

use super::device::Device;
use super::irp::Irp;
use super::pnp;
use super::power::{self, DeviceState};
use super::status::{self, Status};
use crate::judge::{self, Rule};

/// Carries out an IRP_MJ_POWER.
pub(super) fn dispatch(device: &Arc<Device>, irp: Irp) -> Status {
    // SAFETY: the union's part is the one that the minor function selects.
    let parameters = unsafe { irp.parameters().Parameters.Power };
    if irp.minor() != SET_POWER {
        return irp.forward(device.attached);
    }
    if parameters.Type as u32 == SYSTEM_POWER_STATE {
        if !device.settings.filter {
            judge::violation(Rule::NotServed, "system power IRPs are not served");
        }
        return irp.forward(device.attached);
    }
    // SAFETY: the type says which state the union holds.
    let state = unsafe { parameters.State.DeviceState } as u32;
    irp.mark_pending();
    if state == D0 {
        set_d0(device, irp);
    } else {
        leave_d0(device, irp);
    }
    status::PENDING
}

/// Up: the bus first, then the device (trace `filter-stop`).
fn set_d0(device: &Arc<Device>, irp: Irp) {
    let status = irp.forward_and_wait(device.attached);
    if status::is_success(status) && device.pnp.is_asleep() {
        device.pnp.set_asleep(false);
        if power::up(device, DeviceState::D3).is_err() {
            device.pnp.set_failed(device);
        }
    }
    irp.complete(0);
}

/// Down: the device first, then the bus.
fn leave_d0(device: &Arc<Device>, irp: Irp) {
    if device.pnp.is_started() && !device.pnp.is_asleep() {
        device.pnp.set_asleep(true);
        if power::down(device, DeviceState::D3).is_err() {
            device.pnp.set_failed(device);
        }
    }
    irp.set_status(status::SUCCESS);
    pnp::finish_below(device, irp);
}

const SET_POWER: u8 = 2;
const SYSTEM_POWER_STATE: u32 = 0;
const D0: u32 = 1;
