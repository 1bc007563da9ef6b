//! What the driver knows of a PF that has its resources: the bus driver's interfaces, its VFs' number, ids and memory.
//!
//! It is found at every start and dropped at every stop; VFs are turned on and off while it is there.

use backchannel::{
    MemoryRanges, NtStatus, ProbedBars, VfWindows, abi::pcivirt::CM_PARTIAL_RESOURCE_DESCRIPTOR, identity,
    sriov_capability,
};
use wdk_sys::{STATUS_DEVICE_CONFIGURATION_ERROR, WDFDEVICE};

use crate::{
    bus::{StandardBus, VirtualizationBus},
    wdf::resources::{Resource, Resources, describe},
};

/// A PF's hardware, as far as VFs are concerned.
#[derive(Debug)]
pub(crate) struct Hardware {
    /// `None` only where there are no VFs.
    bus: Option<VirtualizationBus>,
    vfs: u16,
    total_vfs: u16,
    vendor: u16,
    vf_device: u16,
    windows: VfWindows,
}

impl Hardware {
    /// Asks the bus driver, and finds the windows of the VFs among the PF's resources.
    ///
    /// `asked` is how many VFs the operator wants; `None` is as many as there can be.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// More VFs are wanted than there can be, or the hardware is not what VFs need.
    pub(crate) fn find(
        device: WDFDEVICE,
        resources: &Resources,
        asked: Option<u32>,
    ) -> Result<Self, NtStatus> {
        let mut hardware = Self::without_vfs(VirtualizationBus::query(device)?);
        if hardware.bus.is_some() {
            hardware.look_at_pf(device)?;
        }
        hardware.vfs = wanted(asked, hardware.total_vfs)?;
        if hardware.vfs != 0 {
            hardware.look_at_windows(resources)?;
        }
        Ok(hardware)
    }

    /// Finds the PF's vendor id and its SR-IOV capability, if it has one.
    fn look_at_pf(&mut self, device: WDFDEVICE) -> Result<(), NtStatus> {
        let Some(bus) = StandardBus::query(device)? else { return Ok(()) };
        if let (Some((vendor, _)), Some(capability)) = (identity(&bus), sriov_capability(&bus)) {
            self.vendor = vendor;
            self.total_vfs = capability.total_vfs;
            self.vf_device = capability.vf_device;
        }
        Ok(())
    }

    /// Finds the windows of the VFs among the resources.
    fn look_at_windows(&mut self, resources: &Resources) -> Result<(), NtStatus> {
        let bars = self.bus()?.probed_bars().map_err(failure)?;
        let mut ranges = MemoryRanges::new();
        add_memory_of(resources, &mut ranges)?;
        self.windows =
            VfWindows::find(bars, &ranges, self.vfs).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(())
    }

    fn without_vfs(bus: Option<VirtualizationBus>) -> Self {
        Self { bus, vfs: 0, total_vfs: 0, vendor: 0, vf_device: 0, windows: VfWindows::default() }
    }

    /// How many VFs there are, and how many there could be.
    pub(crate) const fn vfs(&self) -> (u16, u16) {
        (self.vfs, self.total_vfs)
    }

    /// The bus driver's side of the VFs.
    ///
    /// # Errors
    /// There are no VFs.
    pub(crate) fn bus(&self) -> Result<&VirtualizationBus, NtStatus> {
        self.bus.as_ref().ok_or(NtStatus::NOT_SUPPORTED)
    }

    /// Turns the VFs on, if there are any.
    ///
    /// # Errors
    /// What the bus driver says.
    pub(crate) fn enable(&self) -> Result<(), NtStatus> {
        if self.vfs == 0 { Ok(()) } else { self.bus()?.enable(self.vfs).map_err(failure) }
    }

    /// Turns the VFs off, if there are any.
    ///
    /// # Errors
    /// What the bus driver says.
    pub(crate) fn disable(&self) -> Result<(), NtStatus> {
        if self.vfs == 0 { Ok(()) } else { self.bus()?.disable() }
    }

    /// The vendor id and the device id of every VF.
    ///
    /// SPEC: a VF's own configuration space has no ids; the vendor is the PF's, the device stands in the SR-IOV capability.
    pub(crate) const fn vf_ids(&self) -> (u16, u16) {
        (self.vendor, self.vf_device)
    }

    /// The registers of VFs as read after ones were written to them.
    ///
    /// SPEC: abi 6.17: one page says that these are the PF's registers; the bus driver's page says that they are for the
    /// VFs' sizes, and those are given.
    pub(crate) const fn probed_bars(&self) -> ProbedBars {
        self.windows.bars()
    }

    /// The memory behind a register of a VF; a descriptor of no kind where the register is not implemented.
    pub(crate) fn resource(&self, vf: u16, bar: usize) -> CM_PARTIAL_RESOURCE_DESCRIPTOR {
        self.windows.share(vf, bar).and_then(describe).unwrap_or(NO_RESOURCE)
    }
}

/// Collects the PF's memory.
fn add_memory_of(resources: &Resources, ranges: &mut MemoryRanges) -> Result<(), NtStatus> {
    for resource in resources.iter() {
        match resource {
            // Further ranges than a function can have are not looked at: windows are then missing, and said to be.
            Resource::Memory(range) => drop(ranges.push(range)),
            // SPEC: abi 6.31: the root complex and the ports above are the bus driver's to check, which refuses to turn VFs on;
            // what a PF's driver sees itself is that interrupts are messages.
            Resource::LineInterrupt => return Err(NtStatus::from_raw(STATUS_DEVICE_CONFIGURATION_ERROR)),
            Resource::Other => {}
        }
    }
    Ok(())
}

/// How many VFs to turn on.
fn wanted(asked: Option<u32>, total: u16) -> Result<u16, NtStatus> {
    // SPEC: abi 6.4: VFs are counted from 0, and 0xFFFF stands for all of them, so no PF has so many.
    let most = total.min(u16::MAX - 1);
    match asked {
        None => Ok(most),
        Some(0) => Ok(0),
        Some(_) if total == 0 => Err(NtStatus::from_raw(STATUS_DEVICE_CONFIGURATION_ERROR)),
        Some(asked) => {
            u16::try_from(asked).ok().filter(|asked| *asked <= most).ok_or(NtStatus::INVALID_PARAMETER)
        }
    }
}

/// A status that a start callback may return: `STATUS_NOT_SUPPORTED` means something else to the framework.
fn failure(status: NtStatus) -> NtStatus {
    if status == NtStatus::NOT_SUPPORTED || !status.is_error() {
        NtStatus::from_raw(STATUS_DEVICE_CONFIGURATION_ERROR)
    } else {
        status
    }
}

const NO_RESOURCE: CM_PARTIAL_RESOURCE_DESCRIPTOR = CM_PARTIAL_RESOURCE_DESCRIPTOR {
    Type: 0,
    ShareDisposition: 0,
    Flags: 0,
    StartLow: 0,
    StartHigh: 0,
    Length: 0,
    Reserved: 0,
};
