//! Plug and play: what each IRP does to a device, and the callbacks on the way.
//!
//! ```text
//!              START                 QUERY_STOP            STOP
//!   Added ───────────────► Started ─────────────► (same) ─────────► Stopped ──START──► Started
//!     │                      │ │                                      │
//!     │ START fails          │ └──SURPRISE_REMOVAL──► SurpriseRemoved ◄┘
//!     ▼                      │                             │
//!   Failed ──────────────────┴──────────REMOVE─────────────┴──► Removed
//! ```
//!
//! SPEC: order of callbacks, statuses and the moments at which the bus sees an IRP are those of traces `start*`,
//! `rebalance*`, `surprise-*`, `remove-held`, `restart-*`, `fail-*`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::callback;
use super::device::{self, Device};
use super::irp::{self, Irp};
use super::kernel;
use super::object;
use super::power;
use super::query_interface;
use super::resource_list::ResourceList;
use super::status::{self, Status};
use super::verify;
use crate::judge::Rule;
use crate::sys;

/// Where a device is between being added and being removed.
#[derive(Debug)]
pub(super) struct Pnp(Mutex<State>);

#[derive(Debug)]
struct State {
    stage: Stage,
    /// START_DEVICE was seen before.
    started_before: bool,
    /// EvtDeviceSelfManagedIoInit was called: flush and cleanup have to follow.
    self_managed: bool,
    /// PrepareHardware was called and ReleaseHardware was not.
    prepared: bool,
    /// The driver or the framework gave the device up (PNP_DEVICE_FAILED).
    failed: bool,
    /// A power IRP took the started device out of D0.
    asleep: bool,
    /// Usage counts of special files (paging, hibernation, dump, boot, ...): none may be stopped or removed.
    special_files: i32,
    resources: Option<(Arc<ResourceList>, Arc<ResourceList>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Added,
    Started,
    Stopped,
    SurpriseRemoved,
    Failed,
    Removed,
}

impl Pnp {
    /// A device that was just added.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            stage: Stage::Added,
            started_before: false,
            self_managed: false,
            prepared: false,
            failed: false,
            asleep: false,
            special_files: 0,
            resources: None,
        }))
    }

    /// Gives the device up: PnP is told that its state changed.
    pub(super) fn set_failed(&self, device: &Device) {
        self.state().failed = true;
        kernel::invalidate_device_state(device.settings.physical_device);
    }

    /// Whether EvtDeviceSelfManagedIoInit is still to come.
    pub(super) fn begin_self_managed(&self) -> bool {
        !std::mem::replace(&mut self.state().self_managed, true)
    }

    /// Whether the device is started (asleep or not).
    pub(super) fn is_started(&self) -> bool {
        self.stage() == Stage::Started
    }

    /// Whether a power IRP took the started device out of D0.
    pub(super) fn is_asleep(&self) -> bool {
        self.state().asleep
    }

    /// Notes that a power IRP takes the device out of D0, or back.
    pub(super) fn set_asleep(&self, asleep: bool) {
        self.state().asleep = asleep;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stage(&self) -> Stage {
        self.state().stage
    }

    fn set_stage(&self, stage: Stage) {
        self.state().stage = stage;
    }
}

/// Carries out an IRP_MJ_PNP.
pub(super) fn dispatch(device: &Arc<Device>, irp: Irp) -> Status {
    match irp.minor() {
        START_DEVICE => pended(irp, || start(device, irp)),
        QUERY_STOP_DEVICE => pended(irp, || query(device, irp, device.settings.events.query_stop)),
        QUERY_REMOVE_DEVICE => pended(irp, || query(device, irp, device.settings.events.query_remove)),
        STOP_DEVICE => pended(irp, || stop(device, irp)),
        CANCEL_STOP_DEVICE | CANCEL_REMOVE_DEVICE => pended(irp, || {
            irp.set_status(status::SUCCESS);
            finish_below(device, irp);
        }),
        SURPRISE_REMOVAL => pended(irp, || surprise_removal(device, irp)),
        REMOVE_DEVICE => remove(device, irp),
        QUERY_INTERFACE => query_interface::dispatch(device, irp),
        QUERY_DEVICE_RELATIONS => {
            // SAFETY: the union's part is the one that the minor function selects.
            let kind = unsafe { irp.parameters().Parameters.QueryDeviceRelations.Type };
            // SPEC: trace `start`: not for the relations of which the device has no list.
            if kind as u32 == BUS_RELATIONS {
                let arguments = [device.object.handle as u64, u64::from(BUS_RELATIONS)];
                callback::notify(device.settings.events.relations_query, &arguments);
            }
            irp.forward(device.attached)
        }
        QUERY_PNP_DEVICE_STATE => query_device_state(device, irp),
        DEVICE_USAGE_NOTIFICATION => usage_notification(device, irp),
        _ => irp.forward(device.attached),
    }
}

/// Marks an IRP pending and carries it out; `body` completes it.
fn pended(irp: Irp, body: impl FnOnce()) -> Status {
    irp.mark_pending();
    body();
    status::PENDING
}

/// Sends an IRP down, takes it back and completes it with what the drivers below said.
pub(super) fn finish_below(device: &Device, irp: Irp) -> Status {
    let status = irp.forward_and_wait(device.attached);
    irp.complete(0);
    status
}

fn start(device: &Arc<Device>, irp: Irp) {
    if device.pnp.stage() == Stage::Failed {
        irp.complete_with(status::INVALID_DEVICE_STATE);
        return;
    }
    let status = irp.forward_and_wait(device.attached);
    if !status::is_success(status) {
        device.pnp.set_stage(Stage::Failed);
        irp.complete(0);
        return;
    }
    let first = !std::mem::replace(&mut device.pnp.state().started_before, true);
    if first {
        device::ask_for_interface(device.attached, &device::REENUMERATE_SELF_INTERFACE);
        if device.settings.filter {
            device::ask_for_interface(device.attached, &device::POWER_THREAD_INTERFACE);
        }
    }
    match bring_up(device, irp, first) {
        Ok(()) => {
            device.pnp.set_stage(Stage::Started);
            for interface in device.device_interfaces().iter() {
                interface.enable();
            }
            irp.complete_with(status::SUCCESS);
        }
        Err(status) => {
            device.pnp.set_failed(device);
            device.pnp.set_stage(Stage::Failed);
            release_hardware(device);
            end_managed_io(device);
            irp.complete_with(status);
            kernel::invalidate_device_state(device.settings.physical_device);
        }
    }
}

fn bring_up(device: &Arc<Device>, irp: Irp, first: bool) -> Result<(), Status> {
    prepare_hardware(device, irp)?;
    if first && !device.settings.filter {
        let mut capabilities = sys::DEVICE_CAPABILITIES::default();
        irp::query_capabilities(device.attached, &mut capabilities);
    }
    // SPEC: whatever a power callback returned, START fails with this (trace `fail-d0entry`).
    power::up(device, power::DeviceState::D3Final).map_err(|_| status::DEVICE_POWER_FAILURE)
}

fn prepare_hardware(device: &Arc<Device>, irp: Irp) -> Result<(), Status> {
    // SAFETY: the union's part is the one that the minor function selects.
    let lists = unsafe { irp.parameters().Parameters.StartDevice };
    let raw = ResourceList::new(device, lists.AllocatedResources as usize)?;
    let translated = ResourceList::new(device, lists.AllocatedResourcesTranslated as usize)?;
    {
        let mut state = device.pnp.state();
        state.prepared = true;
        state.resources = Some((raw.clone(), translated.clone()));
    }
    let function = device.settings.events.prepare_hardware;
    if function == 0 {
        return Ok(());
    }
    let arguments = [device.object.handle as u64, raw.object.handle as u64, translated.object.handle as u64];
    let status = callback::in_critical_region(|| callback::call_for_status(function, &arguments));
    refuse_not_supported("EvtDevicePrepareHardware", status);
    if status::is_success(status) { Ok(()) } else { Err(status) }
}

/// Calls EvtDeviceReleaseHardware if EvtDevicePrepareHardware was called, whatever that returned.
fn release_hardware(device: &Arc<Device>) {
    let resources = {
        let mut state = device.pnp.state();
        if !std::mem::take(&mut state.prepared) {
            return;
        }
        state.resources.take()
    };
    let Some((raw, translated)) = resources else { return };
    let function = device.settings.events.release_hardware;
    if function != 0 {
        let arguments = [device.object.handle as u64, translated.object.handle as u64];
        // SPEC: the status changes nothing (trace `fail-release`).
        let status = callback::in_critical_region(|| callback::call_for_status(function, &arguments));
        refuse_not_supported("EvtDeviceReleaseHardware", status);
    }
    raw.object.delete();
    translated.object.delete();
}

fn query(device: &Arc<Device>, irp: Irp, function: usize) {
    if device.pnp.state().special_files > 0 {
        irp.complete_with(status::DEVICE_NOT_READY);
        return;
    }
    if function != 0 && device.pnp.stage() == Stage::Started {
        let status = callback::call_for_status(function, &[device.object.handle as u64]);
        refuse_not_supported("a query callback", status);
        if !status::is_success(status) {
            irp.complete_with(status);
            return;
        }
    }
    irp.set_status(status::SUCCESS);
    finish_below(device, irp);
}

fn stop(device: &Arc<Device>, irp: Irp) {
    if device.pnp.stage() == Stage::Started {
        disable_interfaces(device);
        let down = power::down(device, power::DeviceState::D3Final);
        if down.is_err() {
            device.pnp.set_failed(device);
            device.pnp.set_stage(Stage::Failed);
            release_hardware(device);
            end_managed_io(device);
            kernel::invalidate_device_state(device.settings.physical_device);
        } else {
            device.pnp.set_stage(Stage::Stopped);
            release_hardware(device);
        }
    }
    irp.set_status(status::SUCCESS);
    finish_below(device, irp);
}

fn surprise_removal(device: &Arc<Device>, irp: Irp) {
    callback::notify(device.settings.events.surprise_removal, &[device.object.handle as u64]);
    let stage = device.pnp.stage();
    if stage != Stage::Failed {
        leave_started(device, stage);
        if device.pnp.state().failed {
            kernel::invalidate_device_state(device.settings.physical_device);
        }
    }
    device.pnp.set_stage(Stage::SurpriseRemoved);
    irp.set_status(status::SUCCESS);
    finish_below(device, irp);
}

/// Everything between the last request and the released hardware, from whatever stage.
fn leave_started(device: &Arc<Device>, stage: Stage) {
    if stage == Stage::Started {
        disable_interfaces(device);
        if power::down(device, power::DeviceState::D3Final).is_err() {
            device.pnp.set_failed(device);
        }
        release_hardware(device);
    }
    if stage != Stage::Added {
        end_managed_io(device);
    }
}

/// Ends the power-managed queues and flushes self-managed I/O.
fn end_managed_io(device: &Arc<Device>) {
    device.queues.purge(true);
    if device.pnp.state().self_managed {
        callback::notify(device.settings.events.self_managed_io_flush, &[device.object.handle as u64]);
    }
}

/// Ends the device: its requests, its objects, its place in the stack.
///
/// SPEC: trace `remove-held`: the IRP waits for the requests that the driver still has, after cleanup of self-managed
/// I/O; the bus sees it when everything below the device is destroyed; the device itself is destroyed last.
fn remove(device: &Arc<Device>, irp: Irp) -> Status {
    let stage = device.pnp.stage();
    if matches!(stage, Stage::Started | Stage::Stopped) {
        leave_started(device, stage);
    }
    device.pnp.set_stage(Stage::Removed);
    device.queues.purge(false);
    if device.pnp.state().self_managed {
        callback::notify(device.settings.events.self_managed_io_cleanup, &[device.object.handle as u64]);
    }
    device.remove_interfaces();
    device.object.dispose();
    device.object.release_children();
    irp.set_status(status::SUCCESS);
    let status = irp.forward(device.attached);
    device.leave_stack();
    status
}

/// Adds the framework's part to the device's state: STATUS_NOT_SUPPORTED from below becomes success
/// (traces `start`, `fail-setfailed`).
fn query_device_state(device: &Device, irp: Irp) -> Status {
    irp.forward_and_wait(device.attached);
    let mut bits = 0;
    if irp.status() == status::NOT_SUPPORTED {
        irp.set_status(status::SUCCESS);
    } else {
        bits = irp.information();
    }
    let state = device.pnp.state();
    if state.failed {
        bits |= PNP_DEVICE_FAILED;
    }
    if state.special_files > 0 {
        bits |= PNP_DEVICE_NOT_DISABLEABLE;
    }
    drop(state);
    irp.set_information(bits);
    let status = irp.status();
    irp.complete(0);
    status
}

/// A function driver supports no special file unless it said so; a filter follows the stack (traces `filter-not`,
/// `filter-plain`).
fn usage_notification(device: &Device, irp: Irp) -> Status {
    if !device.settings.filter {
        return irp.complete_with(status::NOT_IMPLEMENTED);
    }
    // SAFETY: the union's part is the one that the minor function selects.
    let usage = unsafe { irp.parameters().Parameters.UsageNotification };
    irp.set_status(status::SUCCESS);
    let status = irp.forward_and_wait(device.attached);
    if status::is_success(status) {
        device.pnp.state().special_files += if usage.InPath != 0 { 1 } else { -1 };
        let arguments = [device.object.handle as u64, u64::from(usage.Type as u32), u64::from(usage.InPath)];
        callback::notify(device.settings.events.usage_notification, &arguments);
        kernel::invalidate_device_state(device.settings.physical_device);
    }
    irp.complete(0);
    status
}

fn disable_interfaces(device: &Device) {
    for interface in device.device_interfaces().iter() {
        interface.disable();
    }
}

/// A power or plug and play callback may not return STATUS_NOT_SUPPORTED
/// (trace `fail-prepare-notsupported-verifier`).
pub(super) fn refuse_not_supported(callback: &str, status: Status) {
    if status == status::NOT_SUPPORTED && verify::verifier() {
        verify::finding(Rule::BadParameter, format_args!("{callback} returned STATUS_NOT_SUPPORTED"));
    }
}

/// Makes an object of the framework's own under a device.
pub(super) fn make_under<T: super::handle::Kind>(
    device: &Device,
    make: impl FnOnce(Arc<object::Object>) -> T,
) -> Result<Arc<T>, Status> {
    object::create(
        &device.object.binding,
        &super::attributes::Attributes::default(),
        Some(&device.object),
        make,
    )
}

const START_DEVICE: u8 = 0x00;
const QUERY_REMOVE_DEVICE: u8 = 0x01;
const REMOVE_DEVICE: u8 = 0x02;
const CANCEL_REMOVE_DEVICE: u8 = 0x03;
const STOP_DEVICE: u8 = 0x04;
const QUERY_STOP_DEVICE: u8 = 0x05;
const CANCEL_STOP_DEVICE: u8 = 0x06;
const QUERY_DEVICE_RELATIONS: u8 = 0x07;
const QUERY_INTERFACE: u8 = 0x08;
const QUERY_PNP_DEVICE_STATE: u8 = 0x14;
const DEVICE_USAGE_NOTIFICATION: u8 = 0x16;
const SURPRISE_REMOVAL: u8 = 0x17;
const BUS_RELATIONS: u32 = 0;
const PNP_DEVICE_FAILED: usize = 4;
const PNP_DEVICE_NOT_DISABLEABLE: usize = 0x20;
