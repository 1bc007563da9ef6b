//! The device object of a VF on a guest's virtual bus.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, LazyLock};

use super::interface;
use super::ioctl;
use super::link::Link;
use crate::machine::thread::JoinHandle;
use crate::nt::complete::IofCompleteRequest;
use crate::nt::device::{DO_DEVICE_INITIALIZING, IoCreateDevice, IoDeleteDevice};
use crate::nt::status::{self, Status};
use crate::nt::{driver, irp};
use crate::sys::{
    DEVICE_OBJECT, DRIVER_OBJECT, IRP, IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_PNP,
    IRP_MN_QUERY_INTERFACE,
};
use crate::vmbus::channel::End;

/// A VF as its guest has it; the device goes with this.
#[derive(Debug)]
pub struct VfDevice {
    object: *mut DEVICE_OBJECT,
    state: Arc<State>,
    receiver: Option<JoinHandle<()>>,
}

/// What the dispatch routines and the interface's routines work on.
#[derive(Debug)]
pub(super) struct State {
    pub(super) link: Link,
    pub(super) references: interface::References,
}

// SAFETY: the device object is only deleted, once, by the last owner; everything else of it is shared state.
unsafe impl Send for VfDevice {}

impl VfDevice {
    /// A device whose blocks travel over `link`.
    ///
    /// # Panics
    ///
    /// When the kernel makes no device object.
    pub fn new(link: Link) -> Self {
        let state = Arc::new(State { link, references: interface::References::default() });
        let mut object = null_mut();
        // SAFETY: the driver object lives for ever; there is no name; the pointer is writable.
        let status = unsafe {
            let driver = std::ptr::with_exposed_provenance_mut(*DRIVER);
            IoCreateDevice(
                driver,
                EXTENSION,
                std::ptr::null(),
                FILE_DEVICE_BUS_EXTENDER,
                0,
                0,
                &raw mut object,
            )
        };
        assert_eq!(status, status::SUCCESS, "IoCreateDevice");
        // SAFETY: the device was just made with an extension for one pointer, and nobody else has it yet.
        unsafe {
            (*object).DeviceExtension.cast::<*const State>().write(Arc::as_ptr(&state));
            (*object).Flags &= !DO_DEVICE_INITIALIZING;
        }
        Self { object, state, receiver: None }
    }

    /// Takes a channel to the VSP into use; the one before must have been closed.
    pub fn connect(&mut self, end: End) {
        // The thread of the channel before lets go of the link as its last act.
        self.receiver.take().map(JoinHandle::join);
        self.receiver = Some(self.state.link.connect(end));
    }

    /// The device object, for a VF driver to lie on.
    pub fn object(&self) -> *mut DEVICE_OBJECT {
        self.object
    }

    /// The way to the VSP.
    pub fn link(&self) -> &Link {
        &self.state.link
    }
}

impl Drop for VfDevice {
    /// The channel must have been closed by the VSP, and the interface given back.
    fn drop(&mut self) {
        self.state.references.expect_none();
        self.receiver.take().map(JoinHandle::join);
        // SAFETY: the device was made by `new`, and nobody sends to it any more.
        unsafe { IoDeleteDevice(self.object) };
    }
}

/// Finds the state behind a device object.
///
/// # Safety
/// `device` is a live device object of this driver.
pub(super) unsafe fn state<'a>(device: *mut DEVICE_OBJECT) -> &'a State {
    // SAFETY: `VfDevice::new` stored the pointer, and the `VfDevice` keeps both device and state.
    unsafe { &**(*device).DeviceExtension.cast::<*const State>() }
}

/// Completes an IRP that is not pended, and returns what its dispatch routine returns.
///
/// # Safety
/// `irp` is live and this driver's.
pub(super) unsafe fn complete(irp: *mut IRP, status: Status, information: u64) -> Status {
    // SAFETY: promised by the caller.
    unsafe {
        irp::set_status(irp, status, information);
        IofCompleteRequest(irp, 0);
    }
    status
}

unsafe extern "win64" fn pnp(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> Status {
    // SAFETY: the I/O manager calls a dispatch routine with a live device and IRP; the members of a query are
    // valid in one.
    unsafe {
        let location = &*irp::current(irp);
        let before = irp::status_of(irp);
        let status = if u32::from(location.MinorFunction) == IRP_MN_QUERY_INTERFACE {
            interface::answer(state(device), location).unwrap_or(before)
        } else {
            before
        };
        complete(irp, status, 0)
    }
}

unsafe extern "win64" fn device_control(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> Status {
    // SAFETY: the I/O manager calls a dispatch routine with a live device and IRP.
    unsafe { ioctl::dispatch(state(device), irp) }
}

static DRIVER: LazyLock<usize> = LazyLock::new(|| {
    let driver: *mut DRIVER_OBJECT = driver::create("vpci", None);
    // SAFETY: the driver object was just made and nobody else has it yet.
    unsafe {
        let majors = &mut (*driver).MajorFunction;
        majors[IRP_MJ_PNP as usize] = Some(pnp);
        majors[IRP_MJ_DEVICE_CONTROL as usize] = Some(device_control);
        majors[IRP_MJ_INTERNAL_DEVICE_CONTROL as usize] = Some(device_control);
    }
    driver.expose_provenance()
});

const EXTENSION: u32 = size_of::<*const c_void>() as u32;
const FILE_DEVICE_BUS_EXTENDER: u32 = 0x2A;
