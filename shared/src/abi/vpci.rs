//! `vpci.h`: what a VF driver in a guest asks of the bus driver below it.

use core::ffi::c_void;

use super::{GUID, INTERFACE_REFERENCE, NTSTATUS, c_function, ctl_code, layout};

/// The bus that a VF is on, in a guest.
pub const GUID_BUS_VPCI: GUID = GUID::new(0xC066_F39A, 0xDE00, 0x4667, 0x8941_3368_ED5D_83B5);

/// Identifies [`VPCI_INTERFACE_STANDARD`]; offered in guests only.
pub const GUID_VPCI_INTERFACE_STANDARD: GUID = GUID::new(0x12E6_5E71, 0xB651, 0x4067, 0x831A_1383_203C_B0CB);

/// The device interface class of a VF, in a guest.
pub const GUID_DEVINTERFACE_VPCI: GUID = GUID::new(0x5786_3182, 0xC948, 0x4692, 0x97E3_34B5_7662_A3E0);

/// Waits for blocks to be invalidated; output: [`VPCI_INVALIDATE_BLOCK_OUTPUT`].
///
/// SPEC: the page passes the structure in the input slot; it is an output there.
pub const IOCTL_VPCI_INVALIDATE_BLOCK: u32 = vpci_ioctl(1);
/// Reads a block; input: [`VPCI_READ_BLOCK_INPUT`].
pub const IOCTL_VPCI_READ_BLOCK: u32 = vpci_ioctl(2);
/// Writes a block; input: [`VPCI_WRITE_BLOCK_INPUT`].
pub const IOCTL_VPCI_WRITE_BLOCK: u32 = vpci_ioctl(3);

/// `METHOD_NEITHER`, for readers and writers.
const fn vpci_ioctl(function: u32) -> u32 {
    const FILE_DEVICE_BUS_EXTENDER: u32 = 0x2A;
    const FILE_READ_AND_WRITE_ACCESS: u32 = 3;
    const METHOD_NEITHER: u32 = 3;
    ctl_code(FILE_DEVICE_BUS_EXTENDER, function, METHOD_NEITHER, FILE_READ_AND_WRITE_ACCESS)
}

c_function! {
    /// Writes a block to the PF; up to `APC_LEVEL`.
    pub type VPCI_WRITE_BLOCK =
        fn(Context: *mut c_void, BlockId: u32, Buffer: *mut c_void, Length: u32) -> NTSTATUS;
}
c_function! {
    /// Reads a block from the PF; up to `APC_LEVEL`.
    pub type VPCI_READ_BLOCK =
        fn(Context: *mut c_void, BlockId: u32, Buffer: *mut c_void, Length: u32) -> NTSTATUS;
}

/// What the bus driver offers to a VF driver. SPEC: the write comes before the read here, the other way round in
/// `pcivirt.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each member is the function that its type describes")]
pub struct VPCI_INTERFACE_STANDARD {
    pub Size: u16,
    pub Version: u16,
    pub Context: *mut c_void,
    pub InterfaceReference: INTERFACE_REFERENCE,
    pub InterfaceDereference: INTERFACE_REFERENCE,
    pub WriteVfConfigBlock: VPCI_WRITE_BLOCK,
    pub ReadVfConfigBlock: VPCI_READ_BLOCK,
    pub SerialNumber: u32,
}

/// Identifies a VF's hardware (`VPCI_PNP_ID`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[expect(
    missing_docs,
    reason = "members of a PCI configuration header, by their names in the PCI specification"
)]
pub struct VPCI_PNP_ID {
    pub VendorID: u16,
    pub DeviceID: u16,
    pub RevisionID: u8,
    pub ProgIf: u8,
    pub SubClass: u8,
    pub BaseClass: u8,
    pub SubVendorID: u16,
    pub SubSystemID: u16,
}

/// Input of [`IOCTL_VPCI_READ_BLOCK`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct VPCI_READ_BLOCK_INPUT {
    /// The block.
    pub BlockId: u32,
    /// How many bytes are wanted; the output buffer has exactly as many.
    pub BytesRequested: u32,
}

/// Input of [`IOCTL_VPCI_WRITE_BLOCK`]. SPEC: its length is 8 + `DataLength`, not the size of this structure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct VPCI_WRITE_BLOCK_INPUT {
    /// The block.
    pub BlockId: u32,
    /// How many bytes follow.
    pub DataLength: u32,
    /// The first of them.
    pub Data: [u8; 1],
}

/// Output of [`IOCTL_VPCI_INVALIDATE_BLOCK`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct VPCI_INVALIDATE_BLOCK_OUTPUT {
    /// Bit n is block n.
    pub BlockMask: u64,
}

layout!(VPCI_INTERFACE_STANDARD, 56, {
    Size: 0, Version: 2, Context: 8, InterfaceReference: 16, InterfaceDereference: 24, WriteVfConfigBlock: 32,
    ReadVfConfigBlock: 40, SerialNumber: 48,
});
layout!(VPCI_PNP_ID, 12, {
    VendorID: 0, DeviceID: 2, RevisionID: 4, ProgIf: 5, SubClass: 6, BaseClass: 7, SubVendorID: 8, SubSystemID: 10,
});
layout!(VPCI_READ_BLOCK_INPUT, 8, { BlockId: 0, BytesRequested: 4 });
layout!(VPCI_WRITE_BLOCK_INPUT, 12, { BlockId: 0, DataLength: 4, Data: 8 });
layout!(VPCI_INVALIDATE_BLOCK_OUTPUT, 8, { BlockMask: 0 });

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_those_of_the_header() {
        assert_eq!(super::IOCTL_VPCI_INVALIDATE_BLOCK, 0x002A_C007);
        assert_eq!(super::IOCTL_VPCI_READ_BLOCK, 0x002A_C00B);
        assert_eq!(super::IOCTL_VPCI_WRITE_BLOCK, 0x002A_C00F);
    }
}
