//! Interfaces for other drivers: registered by a driver, handed out on IRP_MN_QUERY_INTERFACE.
//!
//! SPEC: traces `qi-*`. The first registration with the GUID answers if its size and version are not above what is asked:
//! exactly its own bytes are copied, then the driver's callback runs, then the framework takes the reference, then the
//! IRP goes down. Nothing else is touched; there is no way to take a registration back.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::callback;
use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle};
use super::irp::Irp;
use super::loader;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::machine::thunk;
use crate::sys;

/// What a device answers to interface queries.
#[derive(Debug, Default)]
pub(super) struct QueryInterfaces(Mutex<Vec<Arc<Registration>>>);

#[derive(Debug)]
struct Registration {
    guid: [u8; 16],
    /// The INTERFACE as the driver gave it, all of its Size.
    bytes: Vec<u8>,
    version: u16,
    /// EvtDeviceProcessQueryInterfaceRequest.
    process: usize,
    /// The importer's structure is not filled: the callback does that.
    import: bool,
}

/// Carries out an IRP_MN_QUERY_INTERFACE.
pub(super) fn dispatch(device: &Arc<Device>, irp: Irp) -> Status {
    // SAFETY: the union's part is the one that the minor function selects.
    let query = unsafe { irp.parameters().Parameters.QueryInterface };
    let guid: [u8; 16] = driver_memory::read(query.InterfaceType as usize);
    let found = {
        let registrations = device.query_interfaces.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = registrations.iter().find(|known| known.guid == guid);
        let fits = |known: &&Arc<Registration>| {
            known.bytes.len() <= usize::from(query.Size) && known.version <= query.Version
        };
        first.filter(fits).cloned()
    };
    let Some(registration) = found else { return irp.forward(device.attached) };
    let buffer = query.Interface as usize;
    if !registration.import {
        driver_memory::copy(registration.bytes.as_ptr() as usize, buffer, registration.bytes.len());
    }
    let mut answer = status::SUCCESS;
    if registration.process != 0 {
        let arguments = [
            device.object.handle as u64,
            query.InterfaceType as u64,
            buffer as u64,
            query.InterfaceSpecificData as u64,
        ];
        answer = callback::call_for_status(registration.process, &arguments);
        if !status::is_success(answer) && answer != status::NOT_SUPPORTED {
            return irp.complete_with(answer);
        }
    }
    let header: sys::INTERFACE = driver_memory::read(buffer);
    callback::notify(callback::address(&header.InterfaceReference), &[header.Context as u64]);
    if answer != status::NOT_SUPPORTED {
        irp.set_status(status::SUCCESS);
    }
    irp.forward(device.attached)
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfDeviceAddQueryInterface]
}

/// Registers an interface for other drivers. PASSIVE_LEVEL.
///
/// Follows the WdfDeviceAddQueryInterface page; refusals as in traces `qi-bad-config`, `qi-parent`, `qi-null-interface`;
/// a NULL InterfaceType ends the run (`qi-null-guid`). NULL reference routines become ones that do nothing.
extern "win64" fn WdfDeviceAddQueryInterface(globals: usize, device: Handle, config: usize) -> Status {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    verify::required(config, "InterfaceConfig");
    verify::passive_level();
    let config: sys::WDF_QUERY_INTERFACE_CONFIG = driver_memory::read(config);
    if config.Size as usize != size_of::<sys::WDF_QUERY_INTERFACE_CONFIG>() {
        return status::INFO_LENGTH_MISMATCH;
    }
    verify::required(config.InterfaceType as usize, "InterfaceConfig->InterfaceType");
    let process = callback::address(&config.EvtDeviceProcessQueryInterfaceRequest);
    if config.SendQueryToParentStack != 0 || config.Interface.is_null() {
        return status::INVALID_PARAMETER;
    }
    if config.ImportInterface != 0 && process == 0 {
        return status::INVALID_PARAMETER;
    }
    let header: sys::INTERFACE = driver_memory::read(config.Interface as usize);
    if usize::from(header.Size) < size_of::<sys::INTERFACE>() {
        return status::INVALID_PARAMETER;
    }
    let mut bytes = driver_memory::bytes(config.Interface as usize, usize::from(header.Size));
    fill_empty_references(&mut bytes);
    let registration = Registration {
        guid: driver_memory::read(config.InterfaceType as usize),
        bytes,
        version: header.Version,
        process,
        import: config.ImportInterface != 0,
    };
    let mut registrations = device.query_interfaces.0.lock().unwrap_or_else(PoisonError::into_inner);
    registrations.push(Arc::new(registration));
    status::SUCCESS
}

fn fill_empty_references(bytes: &mut [u8]) {
    for offset in [
        std::mem::offset_of!(sys::INTERFACE, InterfaceReference),
        std::mem::offset_of!(sys::INTERFACE, InterfaceDereference),
    ] {
        let field = &mut bytes[offset..offset + size_of::<usize>()];
        if field.iter().all(|byte| *byte == 0) {
            field.copy_from_slice(&NO_REFERENCE.to_ne_bytes());
        }
    }
}

static NO_REFERENCE: LazyLock<usize> =
    LazyLock::new(|| thunk::make("WdfDeviceInterfaceReferenceNoOp", no_reference as *const () as usize, 0));

/// InterfaceReference and InterfaceDereference of an interface that does not count.
extern "win64" fn no_reference(_context: usize) {}
