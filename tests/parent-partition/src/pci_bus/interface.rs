//! What the bus driver lets other drivers call: BUS_INTERFACE_STANDARD and PCI_VIRTUALIZATION_INTERFACE.
//!
//! The context of both is the physical device object. Each routine is judged by its page: its level, a context of no
//! device, and a call by a driver that holds no reference.
#![expect(non_snake_case, reason = "the routines have the interfaces' names")]

use std::ffi::c_void;
use std::sync::Arc;

use super::function::{self, Function};
use super::hardware::Hardware;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL};
use crate::machine::thunk;
use crate::nt::status::{self, Status};
use crate::sys::{BUS_INTERFACE_STANDARD, GUID, IO_STACK_LOCATION, PCI_VIRTUALIZATION_INTERFACE};

/// Answers IRP_MN_QUERY_INTERFACE, or returns `None` for a query that is for no interface of the bus.
///
/// # Safety
/// The location is one of that query, whose pointers are valid and whose buffer is as large as it says.
pub(super) unsafe fn answer(pdo: usize, location: &IO_STACK_LOCATION) -> Option<Status> {
    // SAFETY: the union's member of this minor function.
    let query = unsafe { location.Parameters.QueryInterface };
    // SAFETY: promised by the caller.
    let guid = for_caller(|| unsafe { bytes_of(&*query.InterfaceType) });
    let hardware = Hardware::find(pdo)?;
    let context = std::ptr::with_exposed_provenance_mut(pdo);
    let fits = |size: usize| usize::from(query.Size) >= size && query.Version >= VERSION;
    if guid == bytes_of(&BUS_INTERFACE) && fits(size_of::<BUS_INTERFACE_STANDARD>()) {
        // SAFETY: promised by the caller; the size was compared.
        for_caller(|| unsafe {
            query.Interface.cast::<BUS_INTERFACE_STANDARD>().write(bus_interface(context))
        });
    } else if guid == bytes_of(&VIRTUALIZATION_INTERFACE) && fits(size_of::<PCI_VIRTUALIZATION_INTERFACE>()) {
        // SAFETY: promised by the caller; the size was compared.
        for_caller(|| unsafe {
            query.Interface.cast::<PCI_VIRTUALIZATION_INTERFACE>().write(virtualization_interface(context));
        });
    } else {
        return None;
    }
    hardware.reference();
    Some(status::SUCCESS)
}

/// Makes a thunk for a routine and turns its address into the function pointer that a structure holds.
macro_rules! routine {
    ($name:ident as $shape:ty, $stack_arguments:literal) => {{
        let function: $shape = $name;
        let entry = thunk::make(stringify!($name), function as usize, $stack_arguments);
        // SAFETY: a thunk is called as its target is, whose type this is.
        Some(unsafe { std::mem::transmute::<usize, $shape>(entry) })
    }};
}

fn bus_interface(context: *mut c_void) -> BUS_INTERFACE_STANDARD {
    BUS_INTERFACE_STANDARD {
        Size: size_of::<BUS_INTERFACE_STANDARD>() as u16,
        Version: VERSION,
        Context: context,
        InterfaceReference: routine!(InterfaceReference as unsafe extern "win64" fn(*mut c_void), 0),
        InterfaceDereference: routine!(InterfaceDereference as unsafe extern "win64" fn(*mut c_void), 0),
        SetBusData: routine!(SetBusData as AccessBusData, 1),
        GetBusData: routine!(GetBusData as AccessBusData, 1),
        // No function here has DMA of its own.
        TranslateBusAddress: None,
        GetDmaAdapter: None,
    }
}

fn virtualization_interface(context: *mut c_void) -> PCI_VIRTUALIZATION_INTERFACE {
    PCI_VIRTUALIZATION_INTERFACE {
        Size: size_of::<PCI_VIRTUALIZATION_INTERFACE>() as u16,
        Version: VERSION,
        Context: context,
        InterfaceReference: routine!(InterfaceReference as unsafe extern "win64" fn(*mut c_void), 0),
        InterfaceDereference: routine!(InterfaceDereference as unsafe extern "win64" fn(*mut c_void), 0),
        SetVirtualFunctionData: routine!(SetVirtualFunctionData as AccessVfData, 1),
        GetVirtualFunctionData: routine!(GetVirtualFunctionData as AccessVfData, 1),
        GetLocation: routine!(
            GetLocation as unsafe extern "win64" fn(*mut c_void, u16, *mut u16, *mut u8, *mut u8) -> Status,
            1
        ),
        GetResources: routine!(GetResources as unsafe extern "win64" fn(*mut c_void, *mut u8), 0),
        EnableVirtualization: routine!(
            EnableVirtualization as unsafe extern "win64" fn(*mut c_void, u16, u8, u8, u8) -> Status,
            1
        ),
        GetVirtualFunctionProbedBars: routine!(
            GetVirtualFunctionProbedBars as unsafe extern "win64" fn(*mut c_void, *mut u32) -> Status,
            0
        ),
    }
}

type AccessBusData = unsafe extern "win64" fn(*mut c_void, u32, *mut c_void, u32, u32) -> u32;
type AccessVfData = unsafe extern "win64" fn(*mut c_void, u16, *mut c_void, u32, u32) -> u32;

unsafe extern "win64" fn InterfaceReference(context: *mut c_void) {
    judge::irql_at_most(DISPATCH_LEVEL);
    expect(context).reference();
}

unsafe extern "win64" fn InterfaceDereference(context: *mut c_void) {
    judge::irql_at_most(DISPATCH_LEVEL);
    if !expect(context).dereference() {
        violation(Rule::Reference, "an interface of the bus was dereferenced once too often");
    }
}

unsafe extern "win64" fn GetBusData(
    context: *mut c_void,
    space: u32,
    buffer: *mut c_void,
    offset: u32,
    length: u32,
) -> u32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    let hardware = expect_held(context);
    if space != CONFIGURATION {
        return 0;
    }
    fill(buffer, &hardware.read(offset, length))
}

unsafe extern "win64" fn SetBusData(
    context: *mut c_void,
    space: u32,
    buffer: *mut c_void,
    offset: u32,
    length: u32,
) -> u32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    let hardware = expect_held(context);
    if space != CONFIGURATION {
        return 0;
    }
    hardware.write(offset, &taken(buffer, length))
}

unsafe extern "win64" fn GetVirtualFunctionData(
    context: *mut c_void,
    vf: u16,
    buffer: *mut c_void,
    offset: u32,
    length: u32,
) -> u32 {
    judge::irql_at_most(APC_LEVEL);
    fill(buffer, &expect_held(context).read_vf(vf, offset, length))
}

unsafe extern "win64" fn SetVirtualFunctionData(
    context: *mut c_void,
    vf: u16,
    buffer: *mut c_void,
    offset: u32,
    length: u32,
) -> u32 {
    judge::irql_at_most(APC_LEVEL);
    expect_held(context).write_vf(vf, offset, &taken(buffer, length))
}

unsafe extern "win64" fn GetLocation(
    context: *mut c_void,
    vf: u16,
    segment: *mut u16,
    bus: *mut u8,
    function: *mut u8,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let hardware = expect_held(context);
    if vf >= hardware.vfs() {
        return status::INVALID_PARAMETER;
    }
    let routing_id = Function::routing_id(vf);
    // SAFETY: the caller lends three writable places.
    for_caller(|| unsafe {
        *segment = 0;
        *bus = (routing_id >> 8) as u8;
        *function = routing_id as u8;
    });
    status::SUCCESS
}

unsafe extern "win64" fn GetResources(context: *mut c_void, captured_buses: *mut u8) {
    judge::irql_at_most(PASSIVE_LEVEL);
    let hardware = expect_held(context);
    let last = hardware.function().total_vfs.saturating_sub(1);
    let buses = (Function::routing_id(last) >> 8) - 1;
    // SAFETY: the caller lends a writable place.
    for_caller(|| unsafe { *captured_buses = buses as u8 });
}

unsafe extern "win64" fn EnableVirtualization(
    context: *mut c_void,
    count: u16,
    migration: u8,
    migration_interrupt: u8,
    enable: u8,
) -> Status {
    judge::irql_at_most(DISPATCH_LEVEL);
    let hardware = expect_held(context);
    if migration != 0 || migration_interrupt != 0 {
        // The capability says that its VFs do not migrate.
        return status::INVALID_PARAMETER;
    }
    hardware.enable(count, enable != 0).err().unwrap_or(status::SUCCESS)
}

unsafe extern "win64" fn GetVirtualFunctionProbedBars(context: *mut c_void, values: *mut u32) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    if expect_held(context).function().total_vfs == 0 {
        return status::INVALID_DEVICE_STATE;
    }
    let bars = function::probed_bars();
    // SAFETY: the caller lends room for six registers.
    for_caller(|| unsafe { values.copy_from_nonoverlapping(bars.as_ptr(), bars.len()) });
    status::SUCCESS
}

/// The function behind a context; anything else breaks [`Rule::ObjectState`].
fn expect(context: *mut c_void) -> Arc<Hardware> {
    Hardware::find(context.addr()).unwrap_or_else(|| {
        violation(Rule::ObjectState, format_args!("{context:p} is no context of a device on the bus"))
    })
}

/// As [`expect`]; a caller without a reference breaks [`Rule::Reference`].
fn expect_held(context: *mut c_void) -> Arc<Hardware> {
    let hardware = expect(context);
    if !hardware.is_referenced() {
        violation(Rule::Reference, "a routine of a bus interface that was given back");
    }
    hardware
}

/// Copies bytes into the caller's buffer and returns how many.
fn fill(buffer: *mut c_void, bytes: &[u8]) -> u32 {
    // SAFETY: the caller lends a buffer of the length that `bytes` was cut to.
    for_caller(|| unsafe { buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) });
    bytes.len() as u32
}

/// Copies the caller's bytes; no more than there are registers.
fn taken(buffer: *mut c_void, length: u32) -> Vec<u8> {
    let mut bytes = vec![0; (length as usize).min(super::registers::SIZE)];
    // SAFETY: the caller lends a buffer of `length` bytes.
    for_caller(|| unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(buffer.cast(), bytes.len()) });
    bytes
}

fn bytes_of(guid: &GUID) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&guid.Data1.to_le_bytes());
    bytes[4..6].copy_from_slice(&guid.Data2.to_le_bytes());
    bytes[6..8].copy_from_slice(&guid.Data3.to_le_bytes());
    bytes[8..].copy_from_slice(&guid.Data4);
    bytes
}

/// PCI_WHICHSPACE_CONFIG.
const CONFIGURATION: u32 = 0;
const VERSION: u16 = 1;
/// GUID_BUS_INTERFACE_STANDARD.
pub(super) const BUS_INTERFACE: GUID = GUID {
    Data1: 0x496b_8280,
    Data2: 0x6f25,
    Data3: 0x11d0,
    Data4: [0xbe, 0xaf, 0x08, 0x00, 0x2b, 0xe2, 0x09, 0x2f],
};
/// GUID_PCI_VIRTUALIZATION_INTERFACE.
pub(super) const VIRTUALIZATION_INTERFACE: GUID = GUID {
    Data1: 0x6489_7b47,
    Data2: 0x3a4a,
    Data3: 0x4d75,
    Data4: [0xbc, 0x74, 0x89, 0xdd, 0x6c, 0x07, 0x82, 0x93],
};
const _: () = assert!(size_of::<BUS_INTERFACE_STANDARD>() == 64);
const _: () = assert!(size_of::<PCI_VIRTUALIZATION_INTERFACE>() == 80);
