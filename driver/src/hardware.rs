//! What the driver knows of a PF that has its resources: the bus driver's interfaces, its VFs' number, ids and memory.
//!
//! It is found at every start and dropped at every stop; VFs are turned on and off while it is there.

use backchannel::{
    MemoryRange, MemoryRanges, NtStatus, ProbedBars, SriovCapability, VfWindows,
    abi::pcivirt::CM_PARTIAL_RESOURCE_DESCRIPTOR, identity, sriov_capability,
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
    bars: ProbedBars,
    windows: VfWindows,
    /// The flags of each memory range's descriptor.
    flags: [u16; RANGES],
}

/// The PF's memory, and whether it interrupts by a line.
#[derive(Debug)]
struct Given {
    ranges: MemoryRanges,
    flags: [u16; RANGES],
    has_line: bool,
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
        let (ids, capability) = match StandardBus::query(device)? {
            Some(bus) => (identity(&bus), sriov_capability(&bus)),
            None => (None, None),
        };
        let bus = VirtualizationBus::query(device)?;
        let able = bus.is_some() && ids.is_some();
        let (vendor, _) = ids.unwrap_or_default();
        let SriovCapability { total_vfs, vf_device } = capability.filter(|_| able).unwrap_or_default();
        let vfs = wanted(asked, total_vfs)?;
        let given = Given::of(resources);
        let bars = match &bus {
            Some(bus) if vfs != 0 => bus.probed_bars().map_err(failure)?,
            _ => ProbedBars::new([0; backchannel::BARS]),
        };
        // SPEC: abi 6.31: the root complex and the ports above are the bus driver's to check, which refuses to turn VFs on; what a
        // PF's driver sees itself is that interrupts are messages.
        if vfs != 0 && given.has_line {
            return Err(NtStatus::from_raw(STATUS_DEVICE_CONFIGURATION_ERROR));
        }
        let windows =
            VfWindows::find(&bars, &given.ranges, vfs).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { bus, vfs, total_vfs, vendor, vf_device, bars, windows, flags: given.flags })
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
    pub(crate) const fn probed_bars(&self) -> &ProbedBars {
        &self.bars
    }

    /// The memory behind a register of a VF; a descriptor of no kind where the register is not implemented.
    pub(crate) fn resource(&self, vf: u16, bar: usize) -> CM_PARTIAL_RESOURCE_DESCRIPTOR {
        self.windows
            .share(vf, bar)
            .and_then(|(share, range)| describe(share, self.flags.get(range).copied().unwrap_or(0)))
            .unwrap_or(NO_RESOURCE)
    }
}

impl Given {
    fn of(resources: &Resources) -> Self {
        let mut given = Self { ranges: MemoryRanges::new(), flags: [0; RANGES], has_line: false };
        for resource in resources.iter() {
            match resource {
                Resource::Memory(range, flags) => given.add(range, flags),
                Resource::LineInterrupt => given.has_line = true,
                Resource::Other => {}
            }
        }
        given
    }

    fn add(&mut self, range: MemoryRange, flags: u16) {
        if let Some(place) = self.flags.get_mut(self.ranges.len()) {
            *place = flags;
        }
        // Further ranges than a function can have are not looked at: windows are then missing, and said to be.
        let _more_than_can_be = self.ranges.push(range);
    }
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

const RANGES: usize = 16;
const NO_RESOURCE: CM_PARTIAL_RESOURCE_DESCRIPTOR = CM_PARTIAL_RESOURCE_DESCRIPTOR {
    Type: 0,
    ShareDisposition: 0,
    Flags: 0,
    StartLow: 0,
    StartHigh: 0,
    Length: 0,
    Reserved: 0,
};
