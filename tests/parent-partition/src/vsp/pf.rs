//! The VSP's connection to the PF: an open handle, and the interface it was given.

use super::buffer::Lender;
use super::members::UNTOUCHED;
use crate::invoke;
use crate::judge::{self, Rule};
use crate::machine::{Word, irql};
use crate::nt::status::{self, Status};
use crate::nt::{device_interface, file};
use crate::pnp;
use crate::sys::{
    FILE_OBJECT, GUID, MITIGABLE_DEVICE_INTERFACE, SRIOV_DEVICE_INTERFACE_STANDARD,
    SRIOV_DEVICE_INTERFACE_STANDARD_2,
};

/// The PF, open and asked for its interface.
#[derive(Debug)]
pub struct Pf {
    file: *mut FILE_OBJECT,
    interface: Interface,
}

// SAFETY: the file object is only closed, once, by the last owner; the interface is never written again, and
// its routines may be called from any thread.
unsafe impl Send for Pf {}
// SAFETY: as above.
unsafe impl Sync for Pf {}

impl Pf {
    /// Opens the one PF there is and asks it for its interface.
    ///
    /// Breaks [`Rule::BadParameter`] when the structure that comes back is not version 1, or lacks a
    /// routine that the VSP calls.
    ///
    /// # Errors
    ///
    /// STATUS_NO_SUCH_DEVICE when no device has the interface class enabled, else the PF's own status.
    pub fn open() -> Result<Self, Status> {
        let path = device_interface::enabled_of(&CLASS).into_iter().next().ok_or(status::NO_SUCH_DEVICE)?;
        let file = file::open_path(&path)?;
        let mut interface = SRIOV_DEVICE_INTERFACE_STANDARD::default();
        // SAFETY: the file object is open.
        let top = unsafe { file::IoGetRelatedDeviceObject(file) };
        let buffer = (&raw mut interface).cast();
        // SAFETY: the device is live while the file is open, and the buffer has the size.
        let status = unsafe { pnp::query_interface(top, &INTERFACE, SIZE, VERSION, buffer) };
        if status != status::SUCCESS {
            file::close_handle(file);
            return Err(status);
        }
        judge_interface(&interface);
        Ok(Self { file, interface: Interface(interface) })
    }

    /// Calls WriteVfConfigBlock with exactly these arguments, at PASSIVE_LEVEL.
    ///
    /// `None` is a NULL buffer. Breaks [`Rule::Access`] when the routine changed the buffer, which it is given
    /// to read.
    pub fn write_block(
        &self,
        lender: &mut Lender,
        vf: u16,
        block: u32,
        length: u32,
        data: Option<&[u8]>,
    ) -> Status {
        let function = address(self.interface.0.WriteVfConfigBlock);
        let call = |buffer| self.call(function, vf, block, buffer, length);
        let Some(data) = data else { return call(std::ptr::null_mut()) };
        let lent = lender.lend(data);
        let status = call(lent.pointer());
        if lent.back("WriteVfConfigBlock", function) != data {
            judge::violation_at(
                Rule::Access,
                "WriteVfConfigBlock",
                function,
                "changed the buffer it was given to read",
            );
        }
        status
    }

    /// Calls ReadVfConfigBlock with exactly these arguments, at PASSIVE_LEVEL; returns what the buffer holds then.
    ///
    /// `before` is what the buffer holds when the routine gets it; `None` is a NULL buffer.
    pub fn read_block(
        &self,
        lender: &mut Lender,
        vf: u16,
        block: u32,
        length: u32,
        before: Option<&[u8]>,
    ) -> (Status, Vec<u8>) {
        let function = self.read_routine();
        let call = |buffer| self.call(function, vf, block, buffer, length);
        let Some(before) = before else { return (call(std::ptr::null_mut()), Vec::new()) };
        let lent = lender.lend(before);
        let status = call(lent.pointer());
        (status, lent.back("ReadVfConfigBlock", function))
    }

    /// The PF's handle, for requests.
    pub fn file(&self) -> *mut FILE_OBJECT {
        self.file
    }

    /// Asks for an interface, into a buffer of `size` bytes that ends at an inaccessible page; what it holds then.
    pub fn ask(&self, interface: &GUID, size: u16, version: u16) -> (Status, Vec<u8>) {
        // SAFETY: the file object is open.
        let top = unsafe { file::IoGetRelatedDeviceObject(self.file) };
        let mut lender = Lender::new(size.into());
        let lent = lender.lend(&vec![UNTOUCHED; size.into()]);
        // SAFETY: the device is live while the file is open, and the buffer has the size.
        let status = unsafe { pnp::query_interface(top, interface, size, version, lent.pointer().cast()) };
        (status, lent.back("IRP_MN_QUERY_INTERFACE", 0))
    }

    /// The interface in version 2, which the caller gives back; `None` from a PF that has version 1 alone.
    pub(super) fn second(&self) -> Option<SRIOV_DEVICE_INTERFACE_STANDARD_2> {
        let mut second = SRIOV_DEVICE_INTERFACE_STANDARD_2::default();
        // SAFETY: the file object is open.
        let top = unsafe { file::IoGetRelatedDeviceObject(self.file) };
        let buffer = (&raw mut second).cast();
        // SAFETY: the device is live while the file is open, and the buffer has the size.
        let status = unsafe { pnp::query_interface(top, &INTERFACE, SIZE_2, VERSION_2, buffer) };
        if status != status::SUCCESS {
            return None;
        }
        if (second.Size, second.Version) == (SIZE_2, VERSION_2) {
            return Some(second);
        }
        invoke!(address(second.InterfaceDereference); second.Context);
        None
    }

    /// The interface of mitigated registers, which the caller gives back; `None` from a PF without any.
    pub(super) fn mitigable(&self) -> Option<MITIGABLE_DEVICE_INTERFACE> {
        let mut table = MITIGABLE_DEVICE_INTERFACE::default();
        // SAFETY: the file object is open.
        let top = unsafe { file::IoGetRelatedDeviceObject(self.file) };
        let buffer = (&raw mut table).cast();
        // SAFETY: the device is live while the file is open, and the buffer has the size.
        let status = unsafe { pnp::query_interface(top, &MITIGABLE, MITIGABLE_SIZE, VERSION, buffer) };
        (status == status::SUCCESS).then_some(table)
    }

    pub(super) fn table(&self) -> &SRIOV_DEVICE_INTERFACE_STANDARD {
        &self.interface.0
    }

    /// Address of the PF's ReadVfConfigBlock.
    pub fn read_routine(&self) -> usize {
        address(self.interface.0.ReadVfConfigBlock)
    }

    fn call(&self, function: usize, vf: u16, block: u32, buffer: *mut u8, length: u32) -> Status {
        judge::irql_exactly(irql::PASSIVE_LEVEL);
        invoke!(function; self.interface.0.Context, vf, block, buffer, length) as Status
    }
}

impl Drop for Pf {
    fn drop(&mut self) {
        let interface = &self.interface.0;
        invoke!(address(interface.InterfaceDereference); interface.Context);
        file::close_handle(self.file);
    }
}

fn judge_interface(interface: &SRIOV_DEVICE_INTERFACE_STANDARD) {
    let routines = [
        ("InterfaceReference", address(interface.InterfaceReference)),
        ("InterfaceDereference", address(interface.InterfaceDereference)),
        ("ReadVfConfigBlock", address(interface.ReadVfConfigBlock)),
        ("WriteVfConfigBlock", address(interface.WriteVfConfigBlock)),
    ];
    let (size, version) = (interface.Size, interface.Version);
    // Any routine tells whose interface it is.
    let at = routines.iter().map(|(_, routine)| *routine).find(|routine| *routine != 0).unwrap_or(0);
    let fault =
        |detail: String| judge::violation_at(Rule::BadParameter, "IRP_MN_QUERY_INTERFACE", at, detail);
    if (size, version) != (SIZE, VERSION) {
        fault(format!("answered an interface of {size} bytes, version {version}"));
    }
    if let Some((name, _)) = routines.iter().find(|(_, routine)| *routine == 0) {
        fault(format!("answered an interface without {name}"));
    }
}

pub(super) fn address<F: Word>(routine: Option<F>) -> usize {
    routine.map_or(0, |routine| routine.word() as usize)
}

struct Interface(SRIOV_DEVICE_INTERFACE_STANDARD);

impl std::fmt::Debug for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SRIOV_DEVICE_INTERFACE_STANDARD")
            .field("Context", &self.0.Context)
            .finish_non_exhaustive()
    }
}

const _: () = assert!(size_of::<SRIOV_DEVICE_INTERFACE_STANDARD>() == 120);
const _: () = assert!(size_of::<SRIOV_DEVICE_INTERFACE_STANDARD_2>() == 144);
const _: () = assert!(size_of::<MITIGABLE_DEVICE_INTERFACE>() == 40);
const SIZE: u16 = 120;
const VERSION: u16 = 1;
const SIZE_2: u16 = 144;
const VERSION_2: u16 = 2;
const MITIGABLE_SIZE: u16 = 40;
/// GUID_MITIGABLE_DEVICE_INTERFACE.
const MITIGABLE: GUID = GUID {
    Data1: 0xadfd_9567,
    Data2: 0x4245,
    Data3: 0x497e,
    Data4: [0x85, 0x72, 0x78, 0xd4, 0x5c, 0x16, 0x22, 0xb8],
};
/// GUID_DEVINTERFACE_VIRTUALIZABLE_DEVICE.
pub const CLASS: GUID = GUID {
    Data1: 0xa13a_7a93,
    Data2: 0x11f0,
    Data3: 0x4bd2,
    Data4: [0xa9, 0xf5, 0x6b, 0x5c, 0x5b, 0x88, 0x52, 0x7d],
};
/// GUID_SRIOV_DEVICE_INTERFACE_STANDARD.
pub const INTERFACE: GUID = GUID {
    Data1: 0x937e_e9b6,
    Data2: 0x0ed3,
    Data3: 0x411c,
    Data4: [0x98, 0x2b, 0x1f, 0x56, 0x4a, 0xfb, 0xab, 0xd3],
};
