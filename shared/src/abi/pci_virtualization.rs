//! `PCI_VIRTUALIZATION_INTERFACE`: what the PCI bus driver offers to a PF driver.
//!
//! Source: the DDI pages of the routines; the identifier is in `wdmguid.h`.

use core::ffi::c_void;

use super::{GUID, INTERFACE_REFERENCE, NTSTATUS, c_function, layout};

/// Identifies [`PCI_VIRTUALIZATION_INTERFACE`].
pub const GUID_PCI_VIRTUALIZATION_INTERFACE: GUID =
    GUID::new(0x6489_7B47, 0x3A4A, 0x4D75, 0xBC74_89DD_6C07_8293);

c_function! {
    /// Reads or writes a VF's configuration space; gives the number of bytes, 0 for failure. Up to `APC_LEVEL`.
    pub type GET_SET_VIRTUAL_DEVICE_DATA =
        fn(Context: *mut c_void, VirtualFunction: u16, Buffer: *mut c_void, Offset: u32, Length: u32) -> u32;
}
c_function! {
    /// Gives the place of a VF on the bus. `PASSIVE_LEVEL`.
    pub type GET_VIRTUAL_DEVICE_LOCATION = fn(
        Context: *mut c_void,
        VirtualFunction: u16,
        SegmentNumber: *mut u16,
        BusNumber: *mut u8,
        FunctionNumber: *mut u8,
    ) -> NTSTATUS;
}
c_function! {
    /// Gives the number of buses that the VFs take up. `PASSIVE_LEVEL`.
    pub type GET_VIRTUAL_DEVICE_RESOURCES = fn(Context: *mut c_void, CapturedBusNumbers: *mut u8);
}
c_function! {
    /// Turns VFs on or off. Up to `DISPATCH_LEVEL`. SPEC: 0 VFs is an invalid parameter only when turning on.
    pub type ENABLE_VIRTUALIZATION = fn(
        Context: *mut c_void,
        NumVFs: u16,
        EnableVfMigration: u8,
        EnableMigrationInterrupt: u8,
        EnableVirtualization: u8,
    ) -> NTSTATUS;
}
c_function! {
    /// Gives the base address registers of VFs as read after ones were written to them. `PASSIVE_LEVEL`.
    pub type GET_VIRTUAL_FUNCTION_PROBED_BARS =
        fn(Context: *mut c_void, BaseRegisterValues: *mut u32) -> NTSTATUS;
}

/// What the PCI bus driver offers.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each member is the function that its type describes")]
pub struct PCI_VIRTUALIZATION_INTERFACE {
    pub Size: u16,
    pub Version: u16,
    pub Context: *mut c_void,
    pub InterfaceReference: INTERFACE_REFERENCE,
    pub InterfaceDereference: INTERFACE_REFERENCE,
    pub SetVirtualFunctionData: GET_SET_VIRTUAL_DEVICE_DATA,
    pub GetVirtualFunctionData: GET_SET_VIRTUAL_DEVICE_DATA,
    pub GetLocation: GET_VIRTUAL_DEVICE_LOCATION,
    pub GetResources: GET_VIRTUAL_DEVICE_RESOURCES,
    pub EnableVirtualization: ENABLE_VIRTUALIZATION,
    pub GetVirtualFunctionProbedBars: GET_VIRTUAL_FUNCTION_PROBED_BARS,
}

layout!(PCI_VIRTUALIZATION_INTERFACE, 80, {
    Size: 0, Version: 2, Context: 8, InterfaceReference: 16, InterfaceDereference: 24, SetVirtualFunctionData: 32,
    GetVirtualFunctionData: 40, GetLocation: 48, GetResources: 56, EnableVirtualization: 64,
    GetVirtualFunctionProbedBars: 72,
});
