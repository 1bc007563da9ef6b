//! The bus driver's side: the interfaces that it lends to the driver of a PF.
//!
//! `PCI_VIRTUALIZATION_INTERFACE` reaches configuration space, location and registers of VFs, and turns VFs on and off.
//! `BUS_INTERFACE_STANDARD` reaches the PF's own configuration space, where the SR-IOV capability is. Both are counted
//! references of the bus driver, taken by its answer and given back when the value is dropped.
#![expect(unsafe_code, reason = "calls the bus driver's C functions")]

use core::{ffi::c_void, fmt};

use backchannel::{
    BARS, ConfigSpace, NtStatus, ProbedBars,
    abi::{
        GUID,
        pci_virtualization::{GUID_PCI_VIRTUALIZATION_INTERFACE, PCI_VIRTUALIZATION_INTERFACE},
    },
};
use wdk_sys::{BUS_INTERFACE_STANDARD, PCI_WHICHSPACE_CONFIG, WDFDEVICE};

use crate::wdf::interface;

/// A reference to `PCI_VIRTUALIZATION_INTERFACE`.
pub(crate) struct VirtualizationBus(PCI_VIRTUALIZATION_INTERFACE);

/// A reference to `BUS_INTERFACE_STANDARD`.
pub(crate) struct StandardBus(BUS_INTERFACE_STANDARD);

/// The configuration space of one VF.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VfConfigSpace<'bus> {
    bus: &'bus VirtualizationBus,
    vf: u16,
}

/// Where a function is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Location {
    pub(crate) segment: u16,
    pub(crate) bus: u8,
    pub(crate) function: u8,
}

// SAFETY: the bus driver allows calls of its functions from any thread.
unsafe impl Send for VirtualizationBus {}
// SAFETY: as above.
unsafe impl Sync for VirtualizationBus {}

impl VirtualizationBus {
    /// Asks the drivers below for it; `None` if nobody there has it.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// The answer is not what was asked for.
    pub(crate) fn query(device: WDFDEVICE) -> Result<Option<Self>, NtStatus> {
        // SAFETY: the structure begins with an INTERFACE, and zeros are a value of it.
        let answer = unsafe {
            interface::query_below(device, &GUID_PCI_VIRTUALIZATION_INTERFACE, VIRTUALIZATION_VERSION)
        }?;
        let Some(table) = answer else { return Ok(None) };
        let bus = Self(table);
        // Whatever came is given back by drop, once.
        if bus.is_whole() { Ok(Some(bus)) } else { Err(NtStatus::REVISION_MISMATCH) }
    }

    fn is_whole(&self) -> bool {
        let table = &self.0;
        usize::from(table.Size) >= size_of::<PCI_VIRTUALIZATION_INTERFACE>()
            && table.Version >= VIRTUALIZATION_VERSION
            && table.SetVirtualFunctionData.is_some()
            && table.GetVirtualFunctionData.is_some()
            && table.GetLocation.is_some()
            && table.EnableVirtualization.is_some()
            && table.GetVirtualFunctionProbedBars.is_some()
    }

    /// Turns `vfs` VFs on. IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// What the bus driver says.
    pub(crate) fn enable(&self, vfs: u16) -> Result<(), NtStatus> {
        self.virtualize(vfs, true)
    }

    /// Turns all VFs off. IRQL: up to `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// What the bus driver says.
    pub(crate) fn disable(&self) -> Result<(), NtStatus> {
        // SPEC: abi 6.22: the page demands 0 VFs for turning off and lists 0 as a wrong parameter; 0 is wrong for turning on.
        self.virtualize(0, false)
    }

    fn virtualize(&self, vfs: u16, on: bool) -> Result<(), NtStatus> {
        let function = self.0.EnableVirtualization.ok_or(NtStatus::NOT_SUPPORTED)?;
        // SAFETY: the reference keeps the bus driver's function and context.
        let status = unsafe { function(self.0.Context, vfs, 0, 0, on.into()) };
        checked(status)
    }

    /// Reads a VF's configuration space; says how many bytes. IRQL: up to `APC_LEVEL`.
    ///
    /// # Safety
    /// `buffer` can be written for `length` bytes.
    pub(crate) unsafe fn read(&self, vf: u16, buffer: *mut c_void, offset: u32, length: u32) -> u32 {
        let Some(function) = self.0.GetVirtualFunctionData else { return 0 };
        // SAFETY: the reference keeps the bus driver's function and context; our caller vouches for the buffer.
        unsafe { function(self.0.Context, vf, buffer, offset, length) }
    }

    /// Writes a VF's configuration space; says how many bytes. IRQL: up to `APC_LEVEL`.
    ///
    /// # Safety
    /// `buffer` can be read for `length` bytes.
    pub(crate) unsafe fn write(&self, vf: u16, buffer: *const c_void, offset: u32, length: u32) -> u32 {
        let Some(function) = self.0.SetVirtualFunctionData else { return 0 };
        // SAFETY: as in `read`; the bus driver only reads it.
        unsafe { function(self.0.Context, vf, buffer.cast_mut(), offset, length) }
    }

    /// Says where a VF is. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// What the bus driver says.
    pub(crate) fn location(&self, vf: u16) -> Result<Location, NtStatus> {
        let function = self.0.GetLocation.ok_or(NtStatus::NOT_SUPPORTED)?;
        let Location { mut segment, mut bus, function: mut number } = Location::default();
        // SAFETY: the reference keeps the bus driver's function and context; the places outlive the call.
        let status = unsafe { function(self.0.Context, vf, &raw mut segment, &raw mut bus, &raw mut number) };
        checked(status)?;
        Ok(Location { segment, bus, function: number })
    }

    /// Gives the registers of VFs as read after ones were written to them. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// What the bus driver says.
    pub(crate) fn probed_bars(&self) -> Result<ProbedBars, NtStatus> {
        let function = self.0.GetVirtualFunctionProbedBars.ok_or(NtStatus::NOT_SUPPORTED)?;
        let mut values = [0; BARS];
        // SAFETY: the reference keeps the bus driver's function and context; the array has the six registers.
        checked(unsafe { function(self.0.Context, values.as_mut_ptr()) })?;
        Ok(ProbedBars::new(values))
    }

    /// A VF's configuration space.
    pub(crate) const fn config_space(&self, vf: u16) -> VfConfigSpace<'_> {
        VfConfigSpace { bus: self, vf }
    }
}

impl Drop for VirtualizationBus {
    fn drop(&mut self) {
        if let Some(function) = self.0.InterfaceDereference {
            // SAFETY: the answer to our query took the reference, and this value is the only one made of it.
            unsafe { function(self.0.Context) };
        }
    }
}

impl ConfigSpace for VfConfigSpace<'_> {
    fn read(&self, offset: u16) -> Option<u32> {
        let mut bytes = [0_u8; 4];
        // SAFETY: the array has the four bytes.
        let moved = unsafe { self.bus.read(self.vf, bytes.as_mut_ptr().cast(), offset.into(), 4) };
        (moved == 4).then_some(u32::from_le_bytes(bytes))
    }

    fn write(&self, offset: u16, value: u16) -> bool {
        let bytes = value.to_le_bytes();
        // SAFETY: the array has the two bytes.
        unsafe { self.bus.write(self.vf, bytes.as_ptr().cast(), offset.into(), 2) == 2 }
    }
}

impl StandardBus {
    /// Asks the drivers below for it; `None` if nobody there has it.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// They fail the question.
    pub(crate) fn query(device: WDFDEVICE) -> Result<Option<Self>, NtStatus> {
        // SAFETY: the structure begins with an INTERFACE, and zeros are a value of it.
        let answer =
            unsafe { interface::query_below(device, &GUID_BUS_INTERFACE_STANDARD, STANDARD_VERSION) }?;
        Ok(answer.map(Self))
    }
}

impl Drop for StandardBus {
    fn drop(&mut self) {
        if let Some(function) = self.0.InterfaceDereference {
            // SAFETY: as in `VirtualizationBus`.
            unsafe { function(self.0.Context) };
        }
    }
}

impl ConfigSpace for StandardBus {
    fn read(&self, offset: u16) -> Option<u32> {
        let function = self.0.GetBusData?;
        let mut bytes = [0_u8; 4];
        // SAFETY: the reference keeps the bus driver's function and context; the array has the four bytes.
        let moved = unsafe {
            function(self.0.Context, PCI_WHICHSPACE_CONFIG, bytes.as_mut_ptr().cast(), offset.into(), 4)
        };
        (moved == 4).then_some(u32::from_le_bytes(bytes))
    }

    fn write(&self, offset: u16, value: u16) -> bool {
        let Some(function) = self.0.SetBusData else { return false };
        let mut bytes = value.to_le_bytes();
        // SAFETY: as in `read`; the array has the two bytes.
        let moved = unsafe {
            function(self.0.Context, PCI_WHICHSPACE_CONFIG, bytes.as_mut_ptr().cast(), offset.into(), 2)
        };
        moved == 2
    }
}

fn checked(status: i32) -> Result<(), NtStatus> {
    let status = NtStatus::from_raw(status);
    if status.is_success() { Ok(()) } else { Err(status) }
}

impl fmt::Debug for VirtualizationBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VirtualizationBus")
    }
}

impl fmt::Debug for StandardBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandardBus")
    }
}

const VIRTUALIZATION_VERSION: u16 = 1;
const STANDARD_VERSION: u16 = 1;

/// `wdmguid.h`.
const GUID_BUS_INTERFACE_STANDARD: GUID = GUID::new(0x496B_8280, 0x6F25, 0x11D0, 0xBEAF_0800_2BE2_092F);
