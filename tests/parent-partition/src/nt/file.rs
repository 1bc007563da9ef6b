//! File objects: opened, cleaned up, closed.

use std::ffi::c_void;

use super::device::{self, DO_DEVICE_INITIALIZING, DO_EXCLUSIVE};
use super::driver;
use super::event::KeInitializeEvent;
use super::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::object::{self, Kind};
use super::request::Request;
use super::status::{self, Status};
use super::{namespace, string, work_item};
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{irql, wait};
use crate::memory;
use crate::sys::{DEVICE_OBJECT, FILE_OBJECT, IO_SECURITY_CONTEXT, UNICODE_STRING};

/// Returns the top of the stack that a file object's device belongs to.
///
/// Follows the IoGetRelatedDeviceObject page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no live file
/// object.
///
/// # Safety
/// `file` is a file object.
pub unsafe extern "win64" fn IoGetRelatedDeviceObject(file: *mut FILE_OBJECT) -> *mut DEVICE_OBJECT {
    judge::irql_at_most(DISPATCH_LEVEL);
    object::expect(file.addr(), Kind::File);
    // SAFETY: `expect` found a live file object, which keeps its device alive.
    unsafe { device::top((*file).DeviceObject) }
}

/// Opens the device of a name and returns its file object and the top of its stack; the handle is closed again, the
/// file object's reference is the caller's.
///
/// Follows the IoGetDeviceObjectPointer page (PASSIVE_LEVEL). Judged: IRQL.
///
/// # Safety
/// `name` is valid; `file` and `device` are writable.
pub unsafe extern "win64" fn IoGetDeviceObjectPointer(
    name: *const UNICODE_STRING,
    _access: u32,
    file: *mut *mut FILE_OBJECT,
    device: *mut *mut DEVICE_OBJECT,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    let opened = match open_path(&unsafe { string::text(name) }) {
        Ok(opened) => opened,
        Err(status) => return status,
    };
    object::reference(opened.addr());
    // SAFETY: the file object is live; the caller promises writable pointers.
    unsafe {
        let top = device::top((*opened).DeviceObject);
        for_caller(|| {
            *file = opened;
            *device = top;
        });
    }
    close_handle(opened);
    status::SUCCESS
}

/// Opens the device that a path leads to.
///
/// # Errors
/// STATUS_OBJECT_NAME_NOT_FOUND where it leads nowhere, otherwise as [`open`].
pub fn open_path(path: &str) -> Result<*mut FILE_OBJECT, Status> {
    let (device, rest) = namespace::resolve(path).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
    open(std::ptr::with_exposed_provenance_mut(device), &rest)
}

/// Opens a device: a file object with one handle, after the stack has completed IRP_MJ_CREATE.
///
/// # Errors
/// STATUS_NO_SUCH_DEVICE for a device that is being made, STATUS_ACCESS_DENIED for an exclusive one that is open, else
/// what the stack answered.
#[expect(clippy::not_unsafe_ptr_arg_deref, reason = "the object is found live before it is touched")]
pub fn open(target: *mut DEVICE_OBJECT, name: &str) -> Result<*mut FILE_OBJECT, Status> {
    object::expect(target.addr(), Kind::Device);
    // SAFETY: `expect` found a live device.
    unsafe {
        if (*device::top(target)).Flags & DO_DEVICE_INITIALIZING != 0 {
            return Err(status::NO_SUCH_DEVICE);
        }
        if (*target).Flags & DO_EXCLUSIVE != 0 && (*target).ReferenceCount > 0 {
            return Err(status::ACCESS_DENIED);
        }
    }
    object::reference(target.addr());
    let file = driver::zeroed::<FILE_OBJECT>();
    // SAFETY: both are live; the file object was just allocated.
    unsafe {
        (*target).ReferenceCount += 1;
        (*file).Type = IO_TYPE_FILE;
        (*file).Size = size_of::<FILE_OBJECT>() as i16;
        (*file).DeviceObject = target;
        (*file).ReadAccess = 1;
        (*file).WriteAccess = 1;
        (*file).SharedRead = 1;
        (*file).SharedWrite = 1;
        if !name.is_empty() {
            (*file).FileName = driver::text(name);
        }
        KeInitializeEvent(&raw mut (*file).Lock, 1, 0);
        KeInitializeEvent(&raw mut (*file).Event, 0, 0);
    }
    // A driver may take a reference while it opens the file.
    object::insert(file.expose_provenance(), Kind::File, close);
    let security = Box::new(IO_SECURITY_CONTEXT { DesiredAccess: GENERIC_READ_WRITE, ..Default::default() });
    let context = std::ptr::from_ref(&*security).cast_mut();
    let request = Request::new(
        target,
        status::SUCCESS,
        Vec::new(),
        |irp, location| {
            irp.Tail.Overlay.OriginalFileObject = file;
            irp.RequestorMode = 0;
            location.MajorFunction = MJ_CREATE;
            location.FileObject = file;
            // SAFETY: the union's member of this major function.
            let create = unsafe { &mut location.Parameters.Create };
            create.SecurityContext = context;
            create.Options = FILE_OPEN << 24;
            create.ShareAccess = SHARE_READ_WRITE;
        },
        |_| {},
    );
    let status = request.send().finish().status;
    drop(security);
    if status::is_success(status) {
        return Ok(file);
    }
    object::withdraw(file.addr());
    release(file);
    Err(status)
}

/// Closes the one handle of a file object: IRP_MJ_CLEANUP, and IRP_MJ_CLOSE when the last reference is gone too.
#[expect(clippy::not_unsafe_ptr_arg_deref, reason = "the object is found live before it is touched")]
pub fn close_handle(file: *mut FILE_OBJECT) {
    object::expect(file.addr(), Kind::File);
    notify(file, MJ_CLEANUP);
    // SAFETY: the handle's own reference keeps the file object.
    unsafe { (*file).Flags |= CLEANUP_COMPLETE };
    object::dereference(file.addr());
}

/// The files of a device that have an open handle.
pub(crate) fn open_of(device: *mut DEVICE_OBJECT) -> Vec<usize> {
    let files = object::all(Kind::File).into_iter().map(|(file, _)| file);
    // SAFETY: a listed file object is live.
    let is_open = |file: &usize| unsafe {
        let file: *mut FILE_OBJECT = std::ptr::with_exposed_provenance_mut(*file);
        (*file).DeviceObject == device && (*file).Flags & CLEANUP_COMPLETE == 0
    };
    files.filter(is_open).collect()
}

/// How many handles of a device's files are open, and how many files are closed but still referenced.
pub(crate) fn left_of(device: *mut DEVICE_OBJECT) -> (usize, usize) {
    let files = object::all(Kind::File);
    // SAFETY: a listed file object is live.
    let states = files.iter().filter_map(|(file, _)| unsafe {
        let file: *mut FILE_OBJECT = std::ptr::with_exposed_provenance_mut(*file);
        ((*file).DeviceObject == device).then(|| (*file).Flags & CLEANUP_COMPLETE != 0)
    });
    states.fold((0, 0), |(open, closed), is_closed| match is_closed {
        true => (open, closed + 1),
        false => (open + 1, closed),
    })
}

/// The last reference is gone. Above PASSIVE_LEVEL a worker thread goes on.
fn close(address: usize) {
    let file: *mut FILE_OBJECT = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the file object is released only below.
    if unsafe { (*file).Flags } & CLEANUP_COMPLETE == 0 {
        violation(
            Rule::Reference,
            format_args!("the last reference of the open file object {file:p} was dropped"),
        );
    }
    if irql::current() > PASSIVE_LEVEL {
        work_item::run_later(move || finish_close(address));
    } else {
        finish_close(address);
    }
}

fn finish_close(address: usize) {
    let file: *mut FILE_OBJECT = std::ptr::with_exposed_provenance_mut(address);
    notify(file, MJ_CLOSE);
    release(file);
}

/// Sends a file object's stack one of the two IRPs that end it.
fn notify(file: *mut FILE_OBJECT, major: u8) {
    // SAFETY: the file object is live, and so is its device.
    let device = unsafe { (*file).DeviceObject };
    let request = Request::new(
        device,
        status::SUCCESS,
        Vec::new(),
        |irp, location| {
            irp.Tail.Overlay.OriginalFileObject = file;
            location.MajorFunction = major;
            location.FileObject = file;
        },
        |_| {},
    );
    // The outcome is nobody's: neither IRP can be refused.
    let _outcome = request.send().finish();
}

fn release(file: *mut FILE_OBJECT) {
    // SAFETY: nobody else knows the file object any more; its device lives by the reference that is dropped here.
    let (device, name) = unsafe {
        let device = (*file).DeviceObject;
        wait::change(|| (*device).ReferenceCount -= 1);
        (device, (*file).FileName.Buffer)
    };
    if !name.is_null() {
        memory::free(name.addr(), None);
    }
    memory::free(file.addr(), None);
    object::dereference(device.cast::<c_void>().addr());
}

/// FO_CLEANUP_COMPLETE: the last handle is closed.
const CLEANUP_COMPLETE: u32 = 0x4000;
const IO_TYPE_FILE: i16 = 5;
const MJ_CREATE: u8 = 0;
const MJ_CLOSE: u8 = 2;
const MJ_CLEANUP: u8 = 18;
const FILE_OPEN: u32 = 1;
const SHARE_READ_WRITE: u16 = 3;
const GENERIC_READ_WRITE: u32 = 0xC000_0000;
