//! Power IRPs: what a change of power state does to a device.
//!
//! A filter follows the power IRPs of the stack's power policy owner. A function driver is that owner: for a system power
//! IRP it requests a device power IRP of its own, and carries that one out when it comes down the stack.
//!
//! SPEC: order as in traces `power-sleep`, `sleep-held`, `filter-stop`. Going to sleep ends before the system's IRP is
//! completed; waking up goes on after it, on a thread of its own.

use std::sync::Arc;

use super::device::Device;
use super::handle;
use super::irp::{self, Irp};
use super::kernel;
use super::pnp;
use super::power::{self, DeviceState};
use super::status::{self, Status};

/// Carries out an IRP_MJ_POWER.
pub(super) fn dispatch(device: &Arc<Device>, irp: Irp) -> Status {
    // SAFETY: the union's part is the one that the minor function selects.
    let parameters = unsafe { irp.parameters().Parameters.Power };
    if irp.minor() != SET_POWER {
        return irp.forward(device.attached);
    }
    if parameters.Type as u32 == SYSTEM_POWER_STATE {
        if device.settings.filter {
            return irp.forward(device.attached);
        }
        // SAFETY: the type says which state the union holds.
        let state = unsafe { parameters.State.SystemState } as u32;
        return follow_system(device, irp, state);
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

/// The power policy owner's part of a system power IRP.
fn follow_system(device: &Arc<Device>, irp: Irp, state: u32) -> Status {
    if state == SYSTEM_WORKING {
        let status = irp.forward_and_wait(device.attached);
        irp.complete(0);
        if device.pnp.is_asleep() {
            kernel::run_on_thread(device.wdm, request_d0, device.object.handle);
        }
        return status;
    }
    irp.mark_pending();
    irp.forward_and_wait(device.attached);
    if device.pnp.is_started() && !device.pnp.is_asleep() {
        irp::set_device_power(device.settings.physical_device, D3);
    }
    irp.complete_with(status::SUCCESS);
    status::PENDING
}

/// Work item routine: brings a device back to D0 by a power IRP of its own.
extern "win64" fn request_d0(_device_object: usize, device: usize) {
    if let Ok(device) = handle::try_of::<Device>(device) {
        irp::set_device_power(device.settings.physical_device, D0);
    }
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
const SYSTEM_WORKING: u32 = 1;
const D0: u32 = 1;
const D3: u32 = 4;
