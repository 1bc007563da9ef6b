//! `pcivirt.h`: what the virtualization stack asks of a PF driver.
//!
//! All functions are called at `PASSIVE_LEVEL`. SPEC: configuration space takes its data first, blocks take the VF index
//! first.

use core::ffi::c_void;

use super::{GUID, INTERFACE_REFERENCE, LUID, NTSTATUS, c_function, ctl_code, layout};

/// The device interface class of a PF whose VFs can be given to guests.
pub const GUID_DEVINTERFACE_VIRTUALIZABLE_DEVICE: GUID =
    GUID::new(0xA13A_7A93, 0x11F0, 0x4BD2, 0xA9F5_6B5C_5B88_527D);

/// Identifies [`SRIOV_DEVICE_INTERFACE_STANDARD`] and its second version.
pub const GUID_SRIOV_DEVICE_INTERFACE_STANDARD: GUID =
    GUID::new(0x937E_E9B6, 0x0ED3, 0x411C, 0x982B_1F56_4AFB_ABD3);

/// Identifies [`MITIGABLE_DEVICE_INTERFACE`].
pub const GUID_MITIGABLE_DEVICE_INTERFACE: GUID =
    GUID::new(0xADFD_9567, 0x4245, 0x497E, 0x8572_78D4_5C16_22B8);

/// The device interface class of a device that can be given to a guest as a whole.
pub const GUID_DEVINTERFACE_DIRECTLY_ASSIGNABLE_DEVICE: GUID =
    GUID::new(0x0DB3_E0F9, 0x3536, 0x4213, 0x9572_AD77_E224_BE27);

/// The largest block, in bytes.
pub const VPCI_MAX_READ_WRITE_BLOCK_SIZE: u32 = 128;

/// The VF index that stands for all VFs in an invalidation.
pub const SRIOV_INVALIDATE_BLOCK_ALL_VFS: u16 = 0xFFFF;

/// How many base address registers a function has.
pub const PCI_TYPE0_ADDRESSES: usize = 6;

/// An event of the PF is to be told (`IOCTL_SRIOV_NOTIFICATION`); output: [`SRIOV_PF_EVENT`].
pub const IOCTL_SRIOV_NOTIFICATION: u32 = sriov_ioctl(1);
/// An event was dealt with; input: [`SRIOV_PNP_EVENT_COMPLETE`].
pub const IOCTL_SRIOV_EVENT_COMPLETE: u32 = sriov_ioctl(2);
/// The virtualization stack begins to use the PF.
pub const IOCTL_SRIOV_ATTACH: u32 = sriov_ioctl(3);
/// The virtualization stack ends to use the PF.
pub const IOCTL_SRIOV_DETACH: u32 = sriov_ioctl(4);
/// Waits for blocks to be invalidated; output: [`SRIOV_INVALIDATE_BLOCK`].
pub const IOCTL_SRIOV_INVALIDATE_BLOCK: u32 = sriov_ioctl(5);
/// Asks how many ranges are mitigated.
pub const IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT: u32 = sriov_ioctl(6);
/// Asks which ranges are mitigated.
pub const IOCTL_SRIOV_QUERY_MITIGATED_RANGES: u32 = sriov_ioctl(7);
/// Waits for the mitigated ranges to change.
pub const IOCTL_SRIOV_MITIGATED_RANGE_UPDATE: u32 = sriov_ioctl(8);
/// Asks for the PF's identifier; the only one that user mode may send.
pub const IOCTL_SRIOV_PROXY_QUERY_LUID: u32 = sriov_ioctl(9);

/// SPEC: abi 6.12: the header's macro takes a method and ignores it: every code is `METHOD_BUFFERED`, with `FILE_READ_DATA`.
const fn sriov_ioctl(index: u32) -> u32 {
    const FILE_DEVICE_UNKNOWN: u32 = 0x22;
    const FILE_READ_DATA: u32 = 1;
    const METHOD_BUFFERED: u32 = 0;
    ctl_code(FILE_DEVICE_UNKNOWN, index.wrapping_add(0x810), METHOD_BUFFERED, FILE_READ_DATA)
}

/// The PF is about to be stopped for a rebalance; [`SRIOV_PF_EVENT`].
pub const SriovEventPfQueryStopDevice: SRIOV_PF_EVENT = 0;
/// The PF runs again; [`SRIOV_PF_EVENT`].
pub const SriovEventPfRestart: SRIOV_PF_EVENT = 1;

/// Names an event of the PF.
pub type SRIOV_PF_EVENT = i32;

/// Names a power state of a device (`wdm.h`): 1 is D0, 4 is D3.
pub type DEVICE_POWER_STATE = i32;

/// Describes a resource of a device (`wdm.h`); only its size matters here.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CM_PARTIAL_RESOURCE_DESCRIPTOR {
    /// The kind of resource; 3 is memory, 7 is large memory.
    pub Type: u8,
    /// Who may share it.
    pub ShareDisposition: u8,
    /// Flags of the kind.
    pub Flags: u16,
    /// The lower half of a memory resource's first address.
    pub StartLow: u32,
    /// The upper half.
    pub StartHigh: i32,
    /// The length of a memory resource, in units that `Flags` tells.
    pub Length: u32,
    /// Used by other kinds.
    pub Reserved: u32,
}

c_function! {
    /// Reads a VF's configuration space.
    pub type SRIOV_READ_CONFIG =
        fn(Context: *mut c_void, Data: *mut c_void, VfIndex: u16, Offset: u32, Length: u32) -> NTSTATUS;
}
c_function! {
    /// Writes a VF's configuration space.
    pub type SRIOV_WRITE_CONFIG =
        fn(Context: *mut c_void, Data: *const c_void, VfIndex: u16, Offset: u32, Length: u32) -> NTSTATUS;
}
c_function! {
    /// Reads a block for a VF; every byte of the buffer is written.
    pub type SRIOV_READ_BLOCK =
        fn(Context: *mut c_void, VfIndex: u16, BlockId: u32, Buffer: *mut c_void, Length: u32) -> NTSTATUS;
}
c_function! {
    /// Writes a block for a VF. SPEC: the header's buffer is not const.
    pub type SRIOV_WRITE_BLOCK =
        fn(Context: *mut c_void, VfIndex: u16, BlockId: u32, Buffer: *mut c_void, Length: u32) -> NTSTATUS;
}
c_function! {
    /// Gives the base address registers of VFs as read after ones were written to them.
    pub type SRIOV_QUERY_PROBED_BARS = fn(Context: *mut c_void, BaseRegisterValues: *mut u32) -> NTSTATUS;
}
c_function! {
    /// Gives the vendor and device id of a VF.
    pub type SRIOV_GET_VENDOR_AND_DEVICE_IDS =
        fn(Context: *mut c_void, VfIndex: u16, VendorId: *mut u16, DeviceId: *mut u16);
}
c_function! {
    /// Gives the place of a VF on the bus.
    pub type SRIOV_GET_DEVICE_LOCATION =
        fn(Context: *mut c_void, VfIndex: u16, SegmentNumber: *mut u16, BusNumber: *mut u8, FunctionNumber: *mut u8);
}
c_function! {
    /// Resets a VF.
    pub type SRIOV_RESET_FUNCTION = fn(Context: *mut c_void, VfIndex: u16) -> NTSTATUS;
}
c_function! {
    /// Puts a VF into a power state.
    pub type SRIOV_SET_POWER_STATE =
        fn(Context: *mut c_void, VfIndex: u16, PowerState: DEVICE_POWER_STATE, Wake: u8) -> NTSTATUS;
}
c_function! {
    /// Gives the memory behind a base address register of a VF.
    pub type SRIOV_GET_RESOURCE_FOR_BAR = fn(
        Context: *mut c_void,
        VfIndex: u16,
        BarIndex: u16,
        Resource: *mut CM_PARTIAL_RESOURCE_DESCRIPTOR,
    ) -> NTSTATUS;
}
c_function! {
    /// Gives the PF's identifier.
    pub type SRIOV_QUERY_LUID = fn(Context: *mut c_void, Luid: *mut LUID) -> NTSTATUS;
}
c_function! {
    /// Gives the base address registers of one VF.
    pub type SRIOV_QUERY_PROBED_BARS_2 =
        fn(Context: *mut c_void, VfIndex: u16, BaseRegisterValues: *mut u32) -> NTSTATUS;
}
c_function! {
    /// Gives a VF's identifier.
    pub type SRIOV_QUERY_VF_LUID = fn(Context: *mut c_void, VfIndex: u16, Luid: *mut LUID) -> NTSTATUS;
}
c_function! {
    /// Finds a VF by its identifier, which is passed by value.
    ///
    /// SPEC: abi 6.15: the pages give this member and others types of their own; the header's are used.
    pub type SRIOV_QUERY_LUID_VF = fn(Context: *mut c_void, Luid: LUID, VfIndex: *mut u16) -> NTSTATUS;
}
c_function! {
    /// Reads or writes a register that is mitigated.
    pub type READ_WRITE_MITIGATED_REGISTER = fn(
        Context: *mut c_void,
        VfIndex: u16,
        Read: u8,
        BarIndex: u16,
        Offset: u64,
        Length: u32,
        Data: *mut u8,
    ) -> NTSTATUS;
}

/// What a PF driver offers, version 1.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each member is the function that its type describes")]
pub struct SRIOV_DEVICE_INTERFACE_STANDARD {
    pub Size: u16,
    pub Version: u16,
    pub Context: *mut c_void,
    pub InterfaceReference: INTERFACE_REFERENCE,
    pub InterfaceDereference: INTERFACE_REFERENCE,
    pub ReadVfConfig: SRIOV_READ_CONFIG,
    pub WriteVfConfig: SRIOV_WRITE_CONFIG,
    pub ReadVfConfigBlock: SRIOV_READ_BLOCK,
    pub WriteVfConfigBlock: SRIOV_WRITE_BLOCK,
    pub QueryProbedBars: SRIOV_QUERY_PROBED_BARS,
    pub GetVendorAndDevice: SRIOV_GET_VENDOR_AND_DEVICE_IDS,
    pub GetDeviceLocation: SRIOV_GET_DEVICE_LOCATION,
    pub ResetVf: SRIOV_RESET_FUNCTION,
    pub SetVfPowerState: SRIOV_SET_POWER_STATE,
    pub GetResourceForBar: SRIOV_GET_RESOURCE_FOR_BAR,
    pub QueryLuid: SRIOV_QUERY_LUID,
}

/// What a PF driver offers whose VFs differ from each other, version 2.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each member is the function that its type describes")]
pub struct SRIOV_DEVICE_INTERFACE_STANDARD_2 {
    pub Size: u16,
    pub Version: u16,
    pub Context: *mut c_void,
    pub InterfaceReference: INTERFACE_REFERENCE,
    pub InterfaceDereference: INTERFACE_REFERENCE,
    pub ReadVfConfig: SRIOV_READ_CONFIG,
    pub WriteVfConfig: SRIOV_WRITE_CONFIG,
    pub ReadVfConfigBlock: SRIOV_READ_BLOCK,
    pub WriteVfConfigBlock: SRIOV_WRITE_BLOCK,
    pub QueryProbedBars: SRIOV_QUERY_PROBED_BARS,
    pub GetVendorAndDevice: SRIOV_GET_VENDOR_AND_DEVICE_IDS,
    pub GetDeviceLocation: SRIOV_GET_DEVICE_LOCATION,
    pub ResetVf: SRIOV_RESET_FUNCTION,
    pub SetVfPowerState: SRIOV_SET_POWER_STATE,
    pub GetResourceForBar: SRIOV_GET_RESOURCE_FOR_BAR,
    pub QueryLuid: SRIOV_QUERY_LUID,
    pub QueryProbedBars_2: SRIOV_QUERY_PROBED_BARS_2,
    pub QueryVfLuid: SRIOV_QUERY_VF_LUID,
    pub QueryLuidVf: SRIOV_QUERY_LUID_VF,
}

/// What a PF driver offers whose registers need to be intercepted.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each member is the function that its type describes")]
pub struct MITIGABLE_DEVICE_INTERFACE {
    pub Size: u16,
    pub Version: u16,
    pub Context: *mut c_void,
    pub InterfaceReference: INTERFACE_REFERENCE,
    pub InterfaceDereference: INTERFACE_REFERENCE,
    pub ReadWriteMitigatedRegister: READ_WRITE_MITIGATED_REGISTER,
}

impl SRIOV_DEVICE_INTERFACE_STANDARD {
    /// The value of `Size`.
    pub const SIZE: u16 = 120;
    /// The value of `Version`. SPEC: the only published sample; the header names none.
    pub const VERSION: u16 = 1;
}

impl SRIOV_DEVICE_INTERFACE_STANDARD_2 {
    /// The value of `Size`.
    pub const SIZE: u16 = 144;
    /// The value of `Version`. SPEC: nothing published says it; it follows from the first.
    pub const VERSION: u16 = 2;
}

impl MITIGABLE_DEVICE_INTERFACE {
    /// The value of `Size`.
    pub const SIZE: u16 = 40;
    /// The value of `Version`. SPEC: nothing published says it; the first of an interface is 1.
    pub const VERSION: u16 = 1;
}

/// Output of [`IOCTL_SRIOV_INVALIDATE_BLOCK`]. SPEC: one page calls it input; by meaning it is output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_INVALIDATE_BLOCK {
    /// The VF, or [`SRIOV_INVALIDATE_BLOCK_ALL_VFS`].
    pub VfIndex: u16,
    /// Padding, zero: it goes to another party.
    pub Padding: [u8; 6],
    /// Bit n is block n.
    pub BlockMask: u64,
}

/// Input of [`IOCTL_SRIOV_EVENT_COMPLETE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_PNP_EVENT_COMPLETE {
    /// What the `PnP` query is answered with.
    pub QueryStatus: NTSTATUS,
}

/// Output of [`IOCTL_SRIOV_PROXY_QUERY_LUID`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_PROXY_QUERY_LUID_OUTPUT {
    /// The PF's identifier.
    pub DeviceLuid: LUID,
}

/// Input of [`IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_MITIGATED_RANGE_COUNT_INPUT {
    /// The VF.
    pub VfIndex: u16,
}

/// Output of [`IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_MITIGATED_RANGE_COUNT_OUTPUT {
    /// The number of ranges in each base address register.
    pub RangeCount: [u32; PCI_TYPE0_ADDRESSES],
}

/// Input of [`IOCTL_SRIOV_QUERY_MITIGATED_RANGES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_MITIGATED_RANGES_INPUT {
    /// The VF.
    pub VfIndex: u16,
    /// The base address register.
    pub BarNumber: u8,
    /// Padding.
    pub Padding: u8,
}

/// One element of the output of [`IOCTL_SRIOV_QUERY_MITIGATED_RANGES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_MITIGATED_RANGES_OUTPUT {
    /// The first page of the range.
    pub BasePageNumber: u64,
    /// How many pages it has.
    pub PageCount: u32,
    /// Whether reads are intercepted.
    pub InterceptReads: u8,
    /// Whether writes are intercepted.
    pub InterceptWrites: u8,
    /// Padding, zero.
    pub Padding: [u8; 2],
}

/// Input and output of [`IOCTL_SRIOV_MITIGATED_RANGE_UPDATE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SRIOV_MITIGATED_RANGE_UPDATE {
    /// The VF.
    pub VfIndex: u16,
}

layout!(SRIOV_DEVICE_INTERFACE_STANDARD, 120, {
    Size: 0, Version: 2, Context: 8, InterfaceReference: 16, InterfaceDereference: 24, ReadVfConfig: 32,
    WriteVfConfig: 40, ReadVfConfigBlock: 48, WriteVfConfigBlock: 56, QueryProbedBars: 64, GetVendorAndDevice: 72,
    GetDeviceLocation: 80, ResetVf: 88, SetVfPowerState: 96, GetResourceForBar: 104, QueryLuid: 112,
});
layout!(SRIOV_DEVICE_INTERFACE_STANDARD_2, 144, {
    Size: 0, Version: 2, Context: 8, InterfaceReference: 16, InterfaceDereference: 24, ReadVfConfig: 32,
    WriteVfConfig: 40, ReadVfConfigBlock: 48, WriteVfConfigBlock: 56, QueryProbedBars: 64, GetVendorAndDevice: 72,
    GetDeviceLocation: 80, ResetVf: 88, SetVfPowerState: 96, GetResourceForBar: 104, QueryLuid: 112,
    QueryProbedBars_2: 120, QueryVfLuid: 128, QueryLuidVf: 136,
});
layout!(MITIGABLE_DEVICE_INTERFACE, 40, { ReadWriteMitigatedRegister: 32 });
layout!(CM_PARTIAL_RESOURCE_DESCRIPTOR, 20, { Type: 0, ShareDisposition: 1, Flags: 2, StartLow: 4, Length: 12 });
layout!(SRIOV_INVALIDATE_BLOCK, 16, { VfIndex: 0, BlockMask: 8 });
layout!(SRIOV_PNP_EVENT_COMPLETE, 4, { QueryStatus: 0 });
layout!(SRIOV_PROXY_QUERY_LUID_OUTPUT, 8, { DeviceLuid: 0 });
layout!(SRIOV_MITIGATED_RANGE_COUNT_INPUT, 2, { VfIndex: 0 });
layout!(SRIOV_MITIGATED_RANGE_COUNT_OUTPUT, 24, { RangeCount: 0 });
layout!(SRIOV_MITIGATED_RANGES_INPUT, 4, { VfIndex: 0, BarNumber: 2 });
layout!(SRIOV_MITIGATED_RANGES_OUTPUT, 16, { BasePageNumber: 0, PageCount: 8, InterceptReads: 12, InterceptWrites: 13 });
layout!(SRIOV_MITIGATED_RANGE_UPDATE, 2, { VfIndex: 0 });

#[cfg(test)]
mod tests {
    use super::{
        IOCTL_SRIOV_ATTACH, IOCTL_SRIOV_DETACH, IOCTL_SRIOV_EVENT_COMPLETE, IOCTL_SRIOV_INVALIDATE_BLOCK,
        IOCTL_SRIOV_MITIGATED_RANGE_UPDATE, IOCTL_SRIOV_NOTIFICATION, IOCTL_SRIOV_PROXY_QUERY_LUID,
        IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT, IOCTL_SRIOV_QUERY_MITIGATED_RANGES,
    };

    #[test]
    fn codes_are_buffered_whatever_method_the_header_writes() {
        let codes = [
            (IOCTL_SRIOV_NOTIFICATION, 0x0022_6044),
            (IOCTL_SRIOV_EVENT_COMPLETE, 0x0022_6048),
            (IOCTL_SRIOV_ATTACH, 0x0022_604C),
            (IOCTL_SRIOV_DETACH, 0x0022_6050),
            (IOCTL_SRIOV_INVALIDATE_BLOCK, 0x0022_6054),
            (IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT, 0x0022_6058),
            (IOCTL_SRIOV_QUERY_MITIGATED_RANGES, 0x0022_605C),
            (IOCTL_SRIOV_MITIGATED_RANGE_UPDATE, 0x0022_6060),
            (IOCTL_SRIOV_PROXY_QUERY_LUID, 0x0022_6064),
        ];
        for (code, expected) in codes {
            assert_eq!(code, expected, "{code:08X}");
            assert_eq!(code & 3, 0, "METHOD_BUFFERED");
        }
    }
}
