//! Into D0 and out of it: the callbacks around it, and the queues between them.
//!
//! SPEC: order as in traces `start`, `start-early-io`, `rebalance-held`, `power-sleep`; what follows a failure as in
//! `fail-d0entry`, `fail-d0entry-post`, `fail-selfmanaged-*`, `fail-d0exit*`.

use std::sync::Arc;

use super::callback;
use super::device::Device;
use super::pnp::refuse_not_supported;
use super::status::{self, Status};

/// WDF_POWER_DEVICE_STATE, as far as a device here gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum DeviceState {
    /// Asleep, and back after it.
    D3 = 4,
    /// Stopped or gone; where a device is before its first start.
    D3Final = 5,
}

/// Brings a device to D0 from `previous`, lets its requests go on and (re)starts self-managed I/O.
///
/// The error is that of the callback that failed; the device is out of D0 again then.
pub(super) fn up(device: &Arc<Device>, previous: DeviceState) -> Result<(), Status> {
    let events = &device.settings.events;
    with_state("EvtDeviceD0Entry", events.d0_entry, device, previous)?;
    let entered = with_state(
        "EvtDeviceD0EntryPostInterruptsEnabled",
        events.d0_entry_post_interrupts_enabled,
        device,
        previous,
    );
    if let Err(status) = entered {
        // SPEC: trace `fail-d0entry-post`: EvtDeviceD0Exit alone follows.
        exit(device, DeviceState::D3Final).ok();
        return Err(status);
    }
    device.queues.resume_for_power();
    let restarted = if device.pnp.begin_self_managed() {
        plain("EvtDeviceSelfManagedIoInit", events.self_managed_io_init, device)
    } else {
        plain("EvtDeviceSelfManagedIoRestart", events.self_managed_io_restart, device)
    };
    if let Err(status) = restarted {
        device.queues.stop_for_power();
        leave(device, DeviceState::D3Final).ok();
        return Err(status);
    }
    Ok(())
}

/// Takes a device out of D0: self-managed I/O suspended, requests stopped, D0 left. Goes on after a failed callback and
/// returns the first failure.
pub(super) fn down(device: &Arc<Device>, target: DeviceState) -> Result<(), Status> {
    let events = &device.settings.events;
    let suspended = plain("EvtDeviceSelfManagedIoSuspend", events.self_managed_io_suspend, device);
    device.queues.stop_for_power();
    let left = leave(device, target);
    suspended.and(left)
}

fn leave(device: &Arc<Device>, target: DeviceState) -> Result<(), Status> {
    let function = device.settings.events.d0_exit_pre_interrupts_disabled;
    let before = with_state("EvtDeviceD0ExitPreInterruptsDisabled", function, device, target);
    let exited = exit(device, target);
    before.and(exited)
}

fn exit(device: &Arc<Device>, target: DeviceState) -> Result<(), Status> {
    with_state("EvtDeviceD0Exit", device.settings.events.d0_exit, device, target)
}

fn with_state(name: &str, function: usize, device: &Device, state: DeviceState) -> Result<(), Status> {
    run(name, function, &[device.object.handle as u64, state as u64])
}

fn plain(name: &str, function: usize, device: &Device) -> Result<(), Status> {
    run(name, function, &[device.object.handle as u64])
}

fn run(name: &str, function: usize, arguments: &[u64]) -> Result<(), Status> {
    if function == 0 {
        return Ok(());
    }
    let status = callback::in_critical_region(|| callback::call_for_status(function, arguments));
    refuse_not_supported(name, status);
    if status::is_success(status) { Ok(()) } else { Err(status) }
}
