//! Where an IRP that reaches a device of the framework's goes.

use std::sync::Arc;

use super::callback;
use super::device::{self, Device};
use super::file;
use super::handle::{self, Handle};
use super::irp::{Irp, PNP};
use super::loader;
use super::pnp;
use super::power_irp;
use super::queue::{MAJOR_DEVICE_CONTROL, MAJOR_INTERNAL_DEVICE_CONTROL, MAJOR_READ, MAJOR_WRITE};
use super::request::Request;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;

/// The dispatch routine of every device that the framework made, for every major function.
pub(super) extern "win64" fn dispatch(device_object: usize, irp: usize) -> Status {
    let irp = Irp::new(irp);
    let Some(device) = device::of_wdm(device_object) else {
        return irp.complete_with(status::NO_SUCH_DEVICE);
    };
    let (major, minor) = (irp.major(), irp.minor());
    let wanted = device.settings.preprocess.iter().find(|preprocess| {
        preprocess.major == major && (preprocess.minors.is_empty() || preprocess.minors.contains(&minor))
    });
    match wanted {
        Some(preprocess) => {
            let arguments = [device.object.handle as u64, irp.address() as u64];
            callback::call_for_status(preprocess.function, &arguments)
        }
        None => dispatch_by_major(&device, irp),
    }
}

/// Sends a request to the queue for its type, or to where it goes without one.
fn dispatch_to_queue(device: &Arc<Device>, irp: Irp) -> Status {
    let Some(queue) = device.queues.of_type(device, u32::from(irp.major())) else {
        return pass_or_refuse(device, irp);
    };
    if device.settings.in_caller_context != 0 {
        crate::judge::violation(crate::judge::Rule::NotServed, "EvtIoInCallerContext is not served");
    }
    // SPEC: trace `start-open-surprise`: a request that is refused here is never seen by its driver's cleanup callbacks.
    if !queue.state().accepts {
        irp.set_information(0);
        return irp.complete_with(status::INVALID_DEVICE_STATE);
    }
    match Request::new(device, irp) {
        Ok(request) => deliver(&request, &queue),
        Err(status) => irp.complete_with(status),
    }
}

/// Gives a fresh request to a queue: it is marked pending and presented, waits, or is refused.
pub(super) fn deliver(request: &Arc<Request>, queue: &Arc<super::queue::Queue>) -> Status {
    if !queue.state().accepts {
        request.refuse(status::INVALID_DEVICE_STATE);
        return status::INVALID_DEVICE_STATE;
    }
    if let Some(irp) = request.irp() {
        irp.mark_pending();
    }
    request.set_queue(queue);
    queue.arrive(request.clone());
    status::PENDING
}

/// What happens to a request that nobody here handles.
pub(super) fn pass_or_refuse(device: &Device, irp: Irp) -> Status {
    if device.settings.filter {
        irp.forward(device.attached)
    } else {
        irp.set_information(0);
        irp.complete_with(status::INVALID_DEVICE_REQUEST)
    }
}

fn dispatch_by_major(device: &Arc<Device>, irp: Irp) -> Status {
    match irp.major() {
        MAJOR_CREATE => file::dispatch_create(device, irp),
        MAJOR_CLEANUP => file::dispatch_cleanup(device, irp),
        MAJOR_CLOSE => file::dispatch_close(device, irp),
        MAJOR_READ | MAJOR_WRITE | MAJOR_DEVICE_CONTROL | MAJOR_INTERNAL_DEVICE_CONTROL => {
            dispatch_to_queue(device, irp)
        }
        MAJOR_SHUTDOWN if !device.settings.filter => irp.complete_with(status::SUCCESS),
        MAJOR_SYSTEM_CONTROL => irp.forward(device.attached),
        MAJOR_POWER => power_irp::dispatch(device, irp),
        PNP => pnp::dispatch(device, irp),
        _ => pass_or_refuse(device, irp),
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfDeviceWdmDispatchPreprocessedIrp]
}

/// Gives an IRP that a preprocess callback has seen back to the framework.
///
/// Follows the WdfDeviceWdmDispatchPreprocessedIrp page: the callback has skipped its stack location or copied it to the
/// next (traces `preprocess-pnp`, `preprocess-pnp-copy`). IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDeviceWdmDispatchPreprocessedIrp(globals: usize, device: Handle, irp: usize) -> Status {
    loader::binding(globals);
    let device = handle::of::<Device>(device);
    verify::required(irp, "Irp");
    let irp = Irp::new(irp);
    irp.unskip();
    dispatch_by_major(&device, irp)
}

const MAJOR_CREATE: u8 = 0x00;
const MAJOR_CLOSE: u8 = 0x02;
const MAJOR_SHUTDOWN: u8 = 0x10;
const MAJOR_CLEANUP: u8 = 0x12;
const MAJOR_POWER: u8 = 0x16;
const MAJOR_SYSTEM_CONTROL: u8 = 0x17;
