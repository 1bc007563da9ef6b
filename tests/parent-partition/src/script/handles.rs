//! A script's handles of the PF besides the VSP's: other parties that open it, hold its interface, and leave as they like.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::answer::{Data, Outcome};
use super::operation::handles::HandleAction;
use super::operation::{Major, Mode};
use super::pended::{Call, Pended, UnderWay};
use super::requests;
use crate::invoke;
use crate::machine::Word;
use crate::memory::{self, Fill, Pool};
use crate::nt::control::Control;
use crate::nt::request::Request;
use crate::nt::status::{self, Status};
use crate::nt::{device_interface, file};
use crate::partition::Decider;
use crate::pnp;
use crate::sys::{FILE_OBJECT, SRIOV_DEVICE_INTERFACE_STANDARD};
use crate::vsp::buffer::Lender;
use crate::vsp::pf::{CLASS, INTERFACE};

/// The handles, by the `"id"` of the lines that opened them.
#[derive(Default)]
pub(super) struct Handles(BTreeMap<String, Handle>);

struct Handle {
    /// Until it is closed.
    file: Option<*mut FILE_OBJECT>,
    /// Until it is released.
    interface: Option<SRIOV_DEVICE_INTERFACE_STANDARD>,
}

impl Handles {
    /// Carries out an action.
    pub(super) fn act(&mut self, pended: &mut Pended, id: Option<&Value>, action: HandleAction) -> Outcome {
        let done = match action {
            HandleAction::Open {} => self.open(id),
            HandleAction::Control { on, code, major, mode, input, output } => {
                let control = Control {
                    code,
                    internal: major == Major::Internal,
                    user: mode == Mode::User,
                    input,
                    output: output as usize,
                };
                return self.control(pended, id, &on, &control);
            }
            HandleAction::Read { on, length } => {
                let file = self.known(&on).and_then(|handle| handle.file.ok_or(status::INVALID_HANDLE));
                return match file {
                    Ok(file) => read(file, length),
                    Err(status) => Outcome::of(status, Decider::Vsp),
                };
            }
            HandleAction::Interface { on } => self.known(&on).and_then(Handle::ask),
            HandleAction::Luid { on } => return self.luid(&on),
            HandleAction::Write { on, vf, block, data } => {
                return self.write(pended, id, &on, (vf, block, data));
            }
            HandleAction::Release { on } => self.known(&on).and_then(Handle::release),
            HandleAction::Close { on } => self.known(&on).and_then(Handle::close),
        };
        Outcome::of(done.err().unwrap_or(status::SUCCESS), Decider::Pf)
    }

    /// Whether a handle is open: its device is then not removed.
    pub(super) fn are_open(&self) -> bool {
        self.0.values().any(|handle| handle.file.is_some())
    }

    /// Gives everything back.
    pub(super) fn end(&mut self) {
        for handle in self.0.values_mut() {
            let _none_kept = handle.release();
            let _closed_before = handle.close();
        }
        self.0.clear();
    }

    fn known(&mut self, on: &Value) -> Result<&mut Handle, Status> {
        self.0.get_mut(&on.to_string()).ok_or(status::NOT_FOUND)
    }

    fn open(&mut self, id: Option<&Value>) -> Result<(), Status> {
        let id = id.ok_or(status::INVALID_PARAMETER)?.to_string();
        let path = device_interface::enabled_of(&CLASS).into_iter().next().ok_or(status::NO_SUCH_DEVICE)?;
        let file = file::open_path(&path)?;
        self.0.insert(id, Handle { file: Some(file), interface: None });
        Ok(())
    }

    fn control(&mut self, pended: &mut Pended, id: Option<&Value>, on: &Value, control: &Control) -> Outcome {
        let file = self.known(on).and_then(|handle| handle.file.ok_or(status::INVALID_HANDLE));
        let (sent, data) = match file {
            Ok(file) => control.send(file),
            Err(status) => return Outcome::of(status, Decider::Vsp),
        };
        match pended.keep(id, UnderWay::Request(sent, data)) {
            Some(ended) => requests::finished(Ok(ended)),
            None => Outcome::of(status::PENDING, Decider::Pf),
        }
    }

    fn kept(&mut self, on: &Value) -> Result<SRIOV_DEVICE_INTERFACE_STANDARD, Status> {
        self.known(on).and_then(|handle| handle.interface.ok_or(status::NOT_FOUND))
    }

    /// A write that is not over in a moment is kept.
    fn write(
        &mut self,
        pended: &mut Pended,
        id: Option<&Value>,
        on: &Value,
        (vf, block, data): (u16, u32, Vec<u8>),
    ) -> Outcome {
        let interface = match self.kept(on) {
            Ok(interface) => interface,
            Err(status) => return Outcome::of(status, Decider::Vsp),
        };
        let routine = interface.WriteVfConfigBlock.map_or(0, |routine| routine.word() as usize);
        let context = interface.Context.expose_provenance();
        let call = Call::begin(move || {
            let mut lender = Lender::new(data.len());
            let lent = lender.lend(&data);
            let context: *mut c_void = std::ptr::with_exposed_provenance_mut(context);
            invoke!(routine; context, vf, block, lent.pointer(), data.len() as u32) as Status
        });
        match pended.keep(id, UnderWay::Foreign(call)) {
            Some((status, _)) => Outcome::of(status, Decider::Pf),
            None => Outcome::of(status::PENDING, Decider::Pf),
        }
    }

    fn luid(&mut self, on: &Value) -> Outcome {
        let interface = match self.kept(on) {
            Ok(interface) => interface,
            Err(status) => return Outcome::of(status, Decider::Vsp),
        };
        let mut luid = [0_u8; 8];
        let routine = interface.QueryLuid.map_or(0, |routine| routine.word() as usize);
        let status = invoke!(routine; interface.Context, luid.as_mut_ptr()) as Status;
        let data = (status == status::SUCCESS).then(|| Data(Some(luid.to_vec())));
        Outcome { data, ..Outcome::of(status, Decider::Pf) }
    }
}

/// Sends IRP_MJ_READ; the device keeps its data in the system buffer.
fn read(file: *mut FILE_OBJECT, length: u32) -> Outcome {
    let block = memory::allocate(length as usize, TAG, Pool::NonPaged, Fill::Zero).expose_provenance();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&bytes);
    // SAFETY: the file is open.
    let device = unsafe { (*file).DeviceObject };
    let request = Request::new(
        device,
        status::NOT_SUPPORTED,
        vec![block],
        |irp, location| {
            irp.Tail.Overlay.OriginalFileObject = file;
            irp.AssociatedIrp.SystemBuffer = std::ptr::with_exposed_provenance_mut(block);
            location.MajorFunction = MJ_READ;
            location.FileObject = file;
            location.Parameters.Read.Length = length;
        },
        move |irp| {
            let count = (irp.IoStatus.Information as usize).min(length as usize);
            let source: *const u8 = std::ptr::with_exposed_provenance(block);
            // SAFETY: the block has `length` bytes and lives until the IRP is freed, after this.
            *taken.lock().expect("no holder panics") =
                unsafe { std::slice::from_raw_parts(source, count) }.to_vec();
        },
    );
    let outcome = request.send().finish();
    let read = std::mem::take(&mut *bytes.lock().expect("no holder panics"));
    let data = (outcome.status == status::SUCCESS).then_some(Data(Some(read)));
    Outcome { data, ..Outcome::of(outcome.status, Decider::Pf) }
}

impl Handle {
    fn ask(&mut self) -> Result<(), Status> {
        let file = self.file.ok_or(status::INVALID_HANDLE)?;
        let mut interface = SRIOV_DEVICE_INTERFACE_STANDARD::default();
        let size = size_of::<SRIOV_DEVICE_INTERFACE_STANDARD>() as u16;
        // SAFETY: the file object is open.
        let top = unsafe { file::IoGetRelatedDeviceObject(file) };
        // SAFETY: the device is live while the file is open, and the buffer has the size.
        let status = unsafe { pnp::query_interface(top, &INTERFACE, size, 1, (&raw mut interface).cast()) };
        if status != status::SUCCESS {
            return Err(status);
        }
        self.interface = Some(interface);
        Ok(())
    }

    fn release(&mut self) -> Result<(), Status> {
        let interface = self.interface.take().ok_or(status::NOT_FOUND)?;
        let routine = interface.InterfaceDereference.map_or(0, |routine| routine.word() as usize);
        invoke!(routine; interface.Context);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Status> {
        file::close_handle(self.file.take().ok_or(status::INVALID_HANDLE)?);
        Ok(())
    }
}

const MJ_READ: u8 = 3;
const TAG: u32 = u32::from_le_bytes(*b"IoRd");

impl std::fmt::Debug for Handles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
