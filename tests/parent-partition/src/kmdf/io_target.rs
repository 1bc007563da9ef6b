//! WDFIOTARGET: where a driver sends requests on; here the stack below a device.

use std::sync::{Arc, Weak};

use super::device::Device;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::irp::{self, InterfaceQuery};
use super::kernel;
use super::loader;
use super::object::Object;
use super::pnp;
use super::request::{Place, Request};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::{self, Rule};
use crate::sys;

/// The target that stands for the rest of a device's stack.
#[derive(Debug)]
pub(super) struct IoTarget {
    /// The common part.
    pub(super) object: Arc<Object>,
    device: Weak<Device>,
    /// The DEVICE_OBJECT that requests go to.
    wdm: usize,
}

impl Kind for IoTarget {
    const NAME: &'static str = "WDFIOTARGET";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl IoTarget {
    /// Makes the target of a device's stack.
    pub(super) fn of_stack(device: &Arc<Device>) -> Result<Arc<Self>, Status> {
        let (owner, wdm) = (Arc::downgrade(device), device.attached);
        let target = pnp::make_under(device, |object| Self { object, device: owner, wdm })?;
        target.object.keep_from_deletion();
        Ok(target)
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfIoTargetGetDevice,
        WdfIoTargetWdmGetTargetDeviceObject,
        WdfIoTargetWdmGetTargetPhysicalDevice,
        WdfIoTargetQueryForInterface,
        WdfRequestFormatRequestUsingCurrentType,
        WdfRequestSend,
    ]
}

/// Returns the device whose target this is. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoTargetGetDevice(globals: usize, target: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<IoTarget>(target).device.upgrade().map_or(0, |device| device.object.handle)
}

/// Returns the DEVICE_OBJECT that requests go to. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoTargetWdmGetTargetDeviceObject(globals: usize, target: Handle) -> usize {
    loader::binding(globals);
    handle::of::<IoTarget>(target).wdm
}

/// Returns the physical device object of the stack. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoTargetWdmGetTargetPhysicalDevice(globals: usize, target: Handle) -> usize {
    loader::binding(globals);
    handle::of::<IoTarget>(target).device.upgrade().map_or(0, |device| device.settings.physical_device)
}

/// Asks the target for an interface. PASSIVE_LEVEL.
extern "win64" fn WdfIoTargetQueryForInterface(
    globals: usize,
    target: Handle,
    guid: usize,
    interface: usize,
    size: u16,
    version: u16,
    specific_data: usize,
) -> Status {
    loader::binding(globals);
    let target = handle::of::<IoTarget>(target);
    verify::required(guid, "InterfaceType");
    verify::required(interface, "Interface");
    verify::passive_level();
    irp::query_interface(
        target.wdm,
        &InterfaceQuery { guid, buffer: interface, size, version, specific_data },
    )
}

/// Formats a request for the next driver as it came. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfRequestFormatRequestUsingCurrentType(globals: usize, request: Handle) {
    loader::binding(globals);
    handle::of::<Request>(request).irp_for_driver().copy_to_next();
}

/// Sends a request to the stack below: for good (send and forget) or until it is completed (synchronously).
///
/// Follows the WdfRequestSend page and trace `filter-send`; with a completion routine it is not served. IRQL <=
/// DISPATCH_LEVEL, synchronously PASSIVE_LEVEL. FALSE is never returned: the stack below takes everything.
extern "win64" fn WdfRequestSend(globals: usize, request: Handle, target: Handle, options: usize) -> u8 {
    loader::binding(globals);
    let request = handle::of::<Request>(request);
    let target = handle::of::<IoTarget>(target);
    let flags = if options == 0 {
        0
    } else {
        let options: sys::WDF_REQUEST_SEND_OPTIONS = driver_memory::read(options);
        if options.Size as usize != size_of::<sys::WDF_REQUEST_SEND_OPTIONS>() {
            verify::finding(
                Rule::BadParameter,
                format_args!("WDF_REQUEST_SEND_OPTIONS.Size is {}", options.Size),
            );
        }
        options.Flags as u32
    };
    if request.state().place != Place::Driver {
        verify::finding(Rule::ObjectState, "the request is not owned by the driver");
        return 0;
    }
    if flags & SEND_AND_FORGET != 0 {
        if request.expect_unmarked().is_err() {
            return 0;
        }
        if let Some(irp) = request.release_irp() {
            // The location is marked pending already, so it cannot be the next driver's too.
            irp.copy_to_next();
            kernel::call_driver(target.wdm, irp);
        }
        return 1;
    }
    if flags & SYNCHRONOUS == 0 {
        judge::violation(Rule::NotServed, "WdfRequestSend with a completion routine is not served");
    }
    verify::passive_level();
    let status = request.irp_for_driver().forward_and_wait(target.wdm);
    u8::from(status != status::PENDING)
}

const SYNCHRONOUS: u32 = 2;
const SEND_AND_FORGET: u32 = 8;
