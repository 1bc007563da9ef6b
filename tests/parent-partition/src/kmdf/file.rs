//! WDFFILEOBJECT: an open handle on a device, and the IRPs that make and end one.
//!
//! SPEC: order and statuses as in traces `start`, `start-open-surprise`, `filter-file`, `queue-none`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::callback;
use super::device::Device;
use super::device_init::FileConfig;
use super::dispatch;
use super::handle::{self, Handle, Kind};
use super::irp::Irp;
use super::loader;
use super::object::{self, Object};
use super::queue::TYPE_CREATE;
use super::request::Request;
use super::status::{self, Status};
use super::table::{Routine, routines};
use crate::sys;

/// An open file.
#[derive(Debug)]
pub(super) struct File {
    /// The common part.
    pub(super) object: Arc<Object>,
    /// Its FILE_OBJECT.
    pub(super) wdm: usize,
    device: Handle,
}

impl Kind for File {
    const NAME: &'static str = "WDFFILEOBJECT";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

/// The open files of a device, by FILE_OBJECT.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<HashMap<usize, Arc<File>>>);

impl Files {
    /// The file of a FILE_OBJECT.
    pub(super) fn of(&self, file_object: usize) -> Option<Arc<File>> {
        self.table().get(&file_object).cloned()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<usize, Arc<File>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries out an IRP_MJ_CREATE: a queue's, EvtDeviceFileCreate's, the next driver's (a filter), or nobody's.
pub(super) fn dispatch_create(device: &Arc<Device>, irp: Irp) -> Status {
    let config = device.settings.files;
    let queue = device.queues.of_type(device, TYPE_CREATE);
    let create = config.map_or(0, |config| config.create);
    if queue.is_none() && create == 0 && device.settings.filter {
        return irp.forward(device.attached);
    }
    let file = match make(device, irp, config.as_ref()) {
        Ok(file) => file,
        Err(status) => return irp.complete_with(status),
    };
    if queue.is_none() && create == 0 {
        return irp.complete_with(status::SUCCESS);
    }
    let request = match Request::new(device, irp) {
        Ok(request) => request,
        Err(status) => {
            forget(device, irp.file_object());
            return irp.complete_with(status);
        }
    };
    if let Some(queue) = queue {
        return dispatch::deliver(&request, &queue);
    }
    irp.mark_pending();
    request.give_to_driver();
    request.set_presented();
    let file = file.map_or(0, |file| file.object.handle);
    let arguments = [device.object.handle as u64, request.handle() as u64, file as u64];
    callback::in_critical_region(|| callback::call(create, &arguments));
    status::PENDING
}

/// Carries out an IRP_MJ_CLEANUP: EvtFileCleanup, then what still waits for this file is cancelled.
pub(super) fn dispatch_cleanup(device: &Arc<Device>, irp: Irp) -> Status {
    if let (Some(file), Some(config)) = (device.files.of(irp.file_object()), device.settings.files) {
        callback::notify(config.cleanup, &[file.object.handle as u64]);
    }
    device.queues.cancel_of_file(irp.file_object());
    end_or_pass(device, irp)
}

/// Carries out an IRP_MJ_CLOSE: EvtFileClose, then the file object ends.
pub(super) fn dispatch_close(device: &Arc<Device>, irp: Irp) -> Status {
    if let (Some(file), Some(config)) = (device.files.of(irp.file_object()), device.settings.files) {
        callback::notify(config.close, &[file.object.handle as u64]);
    }
    forget(device, irp.file_object());
    end_or_pass(device, irp)
}

fn end_or_pass(device: &Device, irp: Irp) -> Status {
    let forward = device.settings.files.and_then(|config| config.forward_cleanup_close);
    if forward.unwrap_or(device.settings.filter) {
        irp.set_status(status::SUCCESS);
        irp.forward(device.attached)
    } else {
        irp.complete_with(status::SUCCESS)
    }
}

fn make(device: &Arc<Device>, irp: Irp, config: Option<&FileConfig>) -> Result<Option<Arc<File>>, Status> {
    let wdm = irp.file_object();
    let Some(config) = config.filter(|config| config.tracks_files && wdm != 0) else { return Ok(None) };
    let owner = device.object.handle;
    let binding = &device.object.binding;
    let file = object::create(binding, &config.attributes, Some(&device.object), |object| File {
        object,
        wdm,
        device: owner,
    })?;
    file.object.keep_from_deletion();
    device.files.table().insert(wdm, file.clone());
    Ok(Some(file))
}

/// A create that failed leaves no file.
pub(super) fn forget(device: &Device, file_object: usize) {
    let file = device.files.table().remove(&file_object);
    if let Some(file) = file {
        file.object.delete();
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfFileObjectGetFileName,
        WdfFileObjectGetFlags,
        WdfFileObjectGetDevice,
        WdfFileObjectWdmGetFileObject,
    ]
}

/// Returns the name the file was opened by, below the device's. PASSIVE_LEVEL.
extern "win64" fn WdfFileObjectGetFileName(globals: usize, file: Handle) -> usize {
    loader::binding(globals);
    let file = handle::of::<File>(file);
    file.wdm + std::mem::offset_of!(sys::FILE_OBJECT, FileName)
}

/// Returns the flags of the FILE_OBJECT. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfFileObjectGetFlags(globals: usize, file: Handle) -> u32 {
    loader::binding(globals);
    let file = handle::of::<File>(file);
    super::driver_memory::read(file.wdm + std::mem::offset_of!(sys::FILE_OBJECT, Flags))
}

/// Returns the device the file is open on. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfFileObjectGetDevice(globals: usize, file: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<File>(file).device
}

/// Returns the FILE_OBJECT. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfFileObjectWdmGetFileObject(globals: usize, file: Handle) -> usize {
    loader::binding(globals);
    handle::of::<File>(file).wdm
}
