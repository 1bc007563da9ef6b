//! The PF's device: what PnP and power do to it.
//!
//! It offers the device interface by which the virtualization stack finds virtualizable devices, and answers its query for
//! the routines. VFs are served from D0 entry to D0 exit; before, between and after, calls get a definite refusal.

use core::sync::atomic::{AtomicU16, Ordering};

use backchannel::NtStatus;
use wdk_sys::{STATUS_DEVICE_BUSY, WDFDEVICE};

use crate::{
    pf::{Handlers, Pf},
    sriov,
    storage::Reference,
    wdf::{
        context::{Context, ContextType},
        device::{DeviceInit, PnpCallbacks},
        registry::{ValueName, hardware_key_dword},
    },
};

/// How many VFs are served; none where the hardware key has no such value.
const NUM_VFS: ValueName<6> = ValueName::new(b"NumVFs");

/// What the framework keeps with the device.
#[derive(Debug)]
pub(crate) struct Device {
    pf: Reference<Pf>,
    num_vfs: AtomicU16,
}

static DEVICE: ContextType = ContextType::new::<Device>(c"Device", &DEVICE);

impl Context for Device {
    const TYPE: &'static ContextType = &DEVICE;
}

/// Makes a device for a PF: its callbacks, its interface class, its answer to the virtualization stack's query.
///
/// IRQL: `PASSIVE_LEVEL`, from `EvtDriverDeviceAdd`.
///
/// # Errors
/// What the framework says, or no memory; the framework then removes the device.
pub(crate) fn add(init: DeviceInit, handlers: &'static Handlers) -> Result<(), NtStatus> {
    let pf = Pf::new(handlers)?;
    let offered = pf.clone();
    let device = init.create(Device { pf, num_vfs: AtomicU16::new(0) })?;
    sriov::offer(device, &offered)
}

impl PnpCallbacks for Device {
    fn prepare_hardware(&self, device: WDFDEVICE) -> Result<(), NtStatus> {
        let asked = hardware_key_dword(device, &NUM_VFS)?.unwrap_or(0);
        // SPEC: 0xFFFF stands for all VFs in an invalidation, so no PF has so many.
        let count =
            u16::try_from(asked).ok().filter(|count| *count < u16::MAX).ok_or(NtStatus::INVALID_PARAMETER)?;
        self.pf.make_room(count)?;
        self.num_vfs.store(count, Ordering::Relaxed);
        Ok(())
    }

    fn release_hardware(&self) {
        self.pf.stop();
    }

    fn d0_entry(&self) -> Result<(), NtStatus> {
        self.pf.start(self.num_vfs.load(Ordering::Relaxed))
    }

    fn d0_exit(&self) {
        self.pf.stop();
    }

    fn surprise_removal(&self) {
        self.pf.stop();
    }

    fn query_remove(&self) -> Result<(), NtStatus> {
        // One reference is the device's own; the others are interfaces that were handed out and not given back.
        if self.pf.count() > 1 { Err(NtStatus::from_raw(STATUS_DEVICE_BUSY)) } else { Ok(()) }
    }
}
