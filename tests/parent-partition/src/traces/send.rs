//! IRPs that a scenario sends to the top of its device's stack.
//!
//! Each writes what is sent, the moment it comes back, and what its sender sees then.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::buffers::{Buffers, Method, Output};
use super::stage::physical_device;
use super::{bus, line, names};
use crate::machine::{irql, thread, turn};
use crate::nt::driver;
use crate::nt::event::KeInitializeEvent;
use crate::nt::object::{self, Kind};
use crate::nt::request::{Request, Sent};
use crate::nt::status::{self, Status};
use crate::pnp::resources::Resources;
use crate::sys::{DEVICE_OBJECT, FILE_OBJECT, GUID, INTERFACE, IO_STACK_LOCATION, IRP};

/// Sends a PnP IRP with the type that some have, and returns its status.
pub(super) extern "win64" fn send_pnp(minor: u8, kind: u32) -> Status {
    let (request, number) = pnp(minor, kind);
    let sent = request.send();
    let status = note_result(number, &sent);
    keep(number, sent, Output::default());
    turn::let_others_run();
    status
}

/// Sends a PnP IRP whose dispatch routine may wait for something that the scenario does later; returns its number.
pub(super) extern "win64" fn begin_pnp(minor: u8) -> u32 {
    let (request, number) = pnp(minor, 0);
    let request = Parcel(request);
    let sender = thread::spawn("sender", move || {
        line::carry_out_stimuli();
        let sent = request.open().send();
        sent.finish();
        note_result(number, &sent);
        keep(number, sent, Output::default());
    });
    if let Err(error) = sender {
        panic!("no thread for a sender: {error}");
    }
    turn::let_others_run();
    if has_ended(number) == 0 {
        line::write(format_args!(
            r#""waits":"irp{number}","what":"the dispatch routine of the framework or the completion is still outstanding""#
        ));
    }
    number
}

/// Sends a power IRP and returns its status.
pub(super) extern "win64" fn send_power(minor: u8, kind: u32, state: u32) -> Status {
    let request = Request::new(
        physical_device(),
        status::NOT_SUPPORTED,
        Vec::new(),
        |_, location| {
            location.MajorFunction = MJ_POWER;
            location.MinorFunction = minor;
            // SAFETY: the union's member of this major function; both kinds of state are numbers.
            let power = unsafe { &mut location.Parameters.Power };
            power.Type = kind as _;
            power.State.SystemState = state as _;
        },
        |_| {},
    );
    let what = format!(
        r#""major":"POWER","minor":"{}","state":"{}""#,
        bus::power_minor(minor),
        bus::power_state(kind, state)
    );
    let (request, number) = announced(request, &what);
    let sent = request.send();
    let status = note_result(number, &sent);
    keep(number, sent, Output::default());
    turn::let_others_run();
    status
}

/// Asks the stack for an interface.
pub(super) extern "win64" fn send_query_interface(
    guid: *const GUID,
    size: u16,
    version: u16,
    buffer: *mut INTERFACE,
    specific: *mut std::ffi::c_void,
) -> Status {
    let request = Request::new(
        physical_device(),
        status::NOT_SUPPORTED,
        Vec::new(),
        |_, location| {
            location.MajorFunction = MJ_PNP;
            location.MinorFunction = QUERY_INTERFACE;
            // SAFETY: the union's member of this minor function.
            let query = unsafe { &mut location.Parameters.QueryInterface };
            query.InterfaceType = guid;
            query.Size = size;
            query.Version = version;
            query.Interface = buffer;
            query.InterfaceSpecificData = specific;
        },
        |_| {},
    );
    let guid = names::of("guid", guid.addr()).to_string_lossy();
    let before = line::status(status::NOT_SUPPORTED);
    let what = format!(
        r#""major":"PNP","minor":"QUERY_INTERFACE","guid":"{guid}","size":{size},"version":{version},"in":{before}"#
    );
    let (request, number) = announced(request, &what);
    let sent = request.send();
    let status = note_result(number, &sent);
    keep(number, sent, Output::default());
    turn::let_others_run();
    status
}

/// Opens the device: a new file object, also when the stack refuses it.
pub(super) extern "win64" fn send_create() -> *mut FILE_OBJECT {
    let file = driver::zeroed::<FILE_OBJECT>();
    // SAFETY: the file object was just allocated.
    unsafe {
        (*file).Type = IO_TYPE_FILE;
        (*file).Size = size_of::<FILE_OBJECT>() as i16;
        (*file).DeviceObject = physical_device();
        KeInitializeEvent(&raw mut (*file).Lock, 1, 0);
        KeInitializeEvent(&raw mut (*file).Event, 0, 0);
    }
    // It stays to the end of the process, whatever references a driver drops.
    object::insert(file.expose_provenance(), Kind::File, |_| {});
    send_for_file(MJ_CREATE, file);
    file
}

/// Tells the stack that the last handle of a file is closed.
pub(super) extern "win64" fn send_cleanup(file: *mut FILE_OBJECT) {
    send_for_file(MJ_CLEANUP, file);
}

/// Tells the stack that the last reference of a file is gone.
pub(super) extern "win64" fn send_close(file: *mut FILE_OBJECT) {
    send_for_file(MJ_CLOSE, file);
}

fn send_for_file(major: u8, file: *mut FILE_OBJECT) {
    let request = Request::new(
        physical_device(),
        status::SUCCESS,
        Vec::new(),
        |irp, location| {
            irp.Tail.Overlay.OriginalFileObject = file;
            location.MajorFunction = major;
            location.FileObject = file;
        },
        |_| {},
    );
    let name = names::of("fileobj", file.addr()).to_string_lossy();
    let (request, number) =
        announced(request, &format!(r#""major":"{}","file":"{name}""#, major_name(major)));
    let sent = request.send();
    note_result(number, &sent);
    keep(number, sent, Output::default());
    turn::let_others_run();
}

/// Sends a request with buffers of these lengths, at the sender's level; returns its number.
pub(super) extern "win64" fn send_io(
    major: u8,
    code: u32,
    input: u32,
    output: u32,
    file: *mut FILE_OBJECT,
    mode: i8,
) -> u32 {
    let (request, number, data) = io(major, code, [input, output], file, mode);
    finish_io(request, number, data)
}

/// Sends a device control request without buffers that is cancelled before it arrives; returns its number.
pub(super) extern "win64" fn send_cancelled_io(major: u8, code: u32) -> u32 {
    let (request, number, data) = io(major, code, [0, 0], std::ptr::null_mut(), USER_MODE);
    line::write(format_args!(r#""do":"note","what":"Irp->Cancel of irp{number} is set before it is sent""#));
    finish_io(request.cancelled(), number, data)
}

fn io(major: u8, code: u32, lengths: [u32; 2], file: *mut FILE_OBJECT, mode: i8) -> (Request, u32, Output) {
    let control = major == MJ_DEVICE_CONTROL || major == MJ_INTERNAL_DEVICE_CONTROL;
    let method = if control { Method::of_code(code) } else { Method::of_device(flags_of_top()) };
    let [input, output] = lengths;
    let buffers = Buffers::new(method, input as usize, output as usize);
    let data = Output::default();
    let fill = |irp: &mut IRP, location: &mut IO_STACK_LOCATION| {
        irp.RequestorMode = mode;
        irp.Tail.Overlay.OriginalFileObject = file;
        location.MajorFunction = major;
        location.FileObject = file;
        if control {
            location.Parameters.DeviceIoControl.IoControlCode = code;
            location.Parameters.DeviceIoControl.InputBufferLength = input;
            location.Parameters.DeviceIoControl.OutputBufferLength = output;
        } else if major == MJ_READ || major == MJ_WRITE {
            location.Parameters.Read.Length = input.max(output);
        }
        buffers.fill(irp, location, control);
    };
    let taken = buffers.taken(data.clone());
    let request = Request::new(physical_device(), status::SUCCESS, buffers.blocks(), fill, taken);
    let name = major_name(major);
    let what = match major {
        _ if control => {
            format!(r#""major":"{name}","code":"0x{code:08X}","in":{input},"out":{output},"mode":{mode}"#)
        }
        MJ_READ | MJ_WRITE => format!(r#""major":"{name}","length":{},"mode":{mode}"#, input.max(output)),
        _ => format!(r#""major":"{name}","mode":{mode}"#),
    };
    let (request, number) = announced(request, &what);
    (request, number, data)
}

fn finish_io(request: Request, number: u32, data: Output) -> u32 {
    let sent = at_sender_level(|| request.send());
    turn::let_others_run();
    note_result(number, &sent);
    keep(number, sent, data);
    turn::let_others_run();
    number
}

/// Cancels a request; returns whether a cancel routine was called.
pub(super) extern "win64" fn cancel(number: u32) -> u8 {
    line::write(format_args!(r#""do":"cancel","irp":"irp{number}""#));
    let sent = lock().get(&number).map(|entry| entry.sent.clone());
    let called = sent.is_some_and(|sent| at_sender_level(|| sent.cancel()));
    line::write(format_args!(r#""result":{called},"irp":"irp{number}",{}"#, line::irql_member()));
    turn::let_others_run();
    u8::from(called)
}

/// Whether a request has ended; of one that [`begin_pnp`] sent, whether its sender knows.
pub(super) extern "win64" fn has_ended(number: u32) -> u8 {
    u8::from(lock().get(&number).is_some_and(|entry| entry.sent.outcome().is_some()))
}

/// One byte of what a request brought back; 0 where it brought less.
pub(super) extern "win64" fn output_byte(number: u32, index: u32) -> u8 {
    let entries = lock();
    let data = entries.get(&number).map(|entry| entry.output.lock().unwrap_or_else(PoisonError::into_inner));
    data.and_then(|data| data.get(index as usize).copied()).unwrap_or(0)
}

/// Sets the level at which requests are sent and cancelled from here.
pub(super) extern "win64" fn send_at(level: u8) {
    SENDER_LEVEL.store(level, Ordering::Relaxed);
    line::write(format_args!(
        r#""do":"note","what":"requests and cancels are sent at IRQL {level} from here""#
    ));
}

/// Has START_DEVICE carry no resource lists.
pub(super) extern "win64" fn start_without_resources() {
    NO_RESOURCES.store(true, Ordering::Relaxed);
}

fn at_sender_level<T>(body: impl FnOnce() -> T) -> T {
    let level = SENDER_LEVEL.load(Ordering::Relaxed);
    if level == irql::PASSIVE_LEVEL { body() } else { irql::at(level, body) }
}

fn pnp(minor: u8, kind: u32) -> (Request, u32) {
    let resources = minor == START_DEVICE && !NO_RESOURCES.load(Ordering::Relaxed);
    let lists = resources.then(Resources::new);
    let (raw, translated) = lists.as_ref().map_or_else(Default::default, |lists| {
        (lists.raw().expose_provenance(), lists.translated().expose_provenance())
    });
    let request = Request::new(
        physical_device(),
        status::NOT_SUPPORTED,
        Vec::new(),
        |_, location| {
            location.MajorFunction = MJ_PNP;
            location.MinorFunction = minor;
            fill_pnp(location, minor, kind, raw, translated);
        },
        // The lists belong to the IRP.
        move |_| drop(lists),
    );
    let with = match minor {
        START_DEVICE => format!(r#","resources":{}"#, if resources { 2 } else { 0 }),
        QUERY_DEVICE_RELATIONS | DEVICE_USAGE_NOTIFICATION => format!(r#","type":{kind}"#),
        _ => String::new(),
    };
    announced(request, &format!(r#""major":"PNP","minor":"{}"{with}"#, bus::pnp_minor(minor)))
}

/// Sets the parameters of the minor functions that have some here.
fn fill_pnp(location: &mut IO_STACK_LOCATION, minor: u8, kind: u32, raw: usize, translated: usize) {
    let parameters = &mut location.Parameters;
    match minor {
        START_DEVICE => {
            parameters.StartDevice.AllocatedResources = std::ptr::with_exposed_provenance_mut(raw);
            parameters.StartDevice.AllocatedResourcesTranslated =
                std::ptr::with_exposed_provenance_mut(translated);
        }
        QUERY_DEVICE_RELATIONS => parameters.QueryDeviceRelations.Type = kind as _,
        DEVICE_USAGE_NOTIFICATION => {
            parameters.UsageNotification.InPath = 1;
            parameters.UsageNotification.Type = kind as _;
        }
        // The answer is nobody's, and stays.
        QUERY_CAPABILITIES => parameters.DeviceCapabilities.Capabilities = Box::leak(Box::default()),
        _ => {}
    }
}

/// Numbers the IRP, writes what is sent, and has its end written.
fn announced(request: Request, what: &str) -> (Request, u32) {
    let number = names::number_irp(request.irp());
    line::write(format_args!(r#""do":"irp","irp":"irp{number}",{what}"#));
    let request = request.observed(move |outcome| {
        let (status, information) = (line::status(outcome.status), outcome.information as i32);
        let (irql, thread) = (outcome.irql, line::thread());
        line::write(format_args!(
            r#""completed":"irp{number}","status":{status},"information":{information},"irql":{irql}{thread}"#
        ));
    });
    (request, number)
}

/// Writes what the sender sees and returns the status that it has.
fn note_result(number: u32, sent: &Sent) -> Status {
    let dispatch = line::status(sent.dispatched());
    let outcome = sent.outcome();
    let status = outcome.map_or(status::PENDING, |outcome| outcome.status);
    let ended = match outcome {
        Some(outcome) => format!(r#""information":{}"#, outcome.information as i32),
        None => r#""pending":true"#.to_owned(),
    };
    line::write(format_args!(
        r#""result":{},{ended},"irp":"irp{number}","dispatch":{dispatch}"#,
        line::status(status)
    ));
    status
}

fn flags_of_top() -> u32 {
    // SAFETY: the physical device stays, and so does what is attached to it while the scenario sends to it.
    unsafe {
        let device: *mut DEVICE_OBJECT = physical_device();
        let above = (*device).AttachedDevice;
        if above.is_null() { (*device).Flags } else { (*above).Flags }
    }
}

/// The name of a major function.
pub(super) fn major_name(major: u8) -> &'static str {
    match major {
        MJ_CREATE => "CREATE",
        MJ_CLOSE => "CLOSE",
        MJ_READ => "READ",
        MJ_WRITE => "WRITE",
        MJ_QUERY_INFORMATION => "QUERY_INFORMATION",
        MJ_FLUSH_BUFFERS => "FLUSH_BUFFERS",
        MJ_DEVICE_CONTROL => "DEVICE_CONTROL",
        MJ_INTERNAL_DEVICE_CONTROL => "INTERNAL_DEVICE_CONTROL",
        MJ_SHUTDOWN => "SHUTDOWN",
        MJ_CLEANUP => "CLEANUP",
        MJ_SYSTEM_CONTROL => "SYSTEM_CONTROL",
        _ => "unknown",
    }
}

/// A request on its way to the thread that sends it.
struct Parcel(Request);

// SAFETY: an IRP and its device may be sent from any thread; only the one that opens the parcel has them.
unsafe impl Send for Parcel {}

impl Parcel {
    fn open(self) -> Request {
        self.0
    }
}

struct Entry {
    sent: Sent,
    output: Output,
}

fn keep(number: u32, sent: Sent, output: Output) {
    lock().insert(number, Entry { sent, output });
}

fn lock() -> MutexGuard<'static, BTreeMap<u32, Entry>> {
    SENT.lock().unwrap_or_else(PoisonError::into_inner)
}

static SENT: Mutex<BTreeMap<u32, Entry>> = Mutex::new(BTreeMap::new());
static SENDER_LEVEL: AtomicU8 = AtomicU8::new(irql::PASSIVE_LEVEL);
static NO_RESOURCES: AtomicBool = AtomicBool::new(false);
const IO_TYPE_FILE: i16 = 5;
const USER_MODE: i8 = 1;
const MJ_CREATE: u8 = 0;
const MJ_CLOSE: u8 = 2;
const MJ_READ: u8 = 3;
const MJ_WRITE: u8 = 4;
const MJ_QUERY_INFORMATION: u8 = 5;
const MJ_FLUSH_BUFFERS: u8 = 9;
const MJ_DEVICE_CONTROL: u8 = 14;
const MJ_INTERNAL_DEVICE_CONTROL: u8 = 15;
const MJ_SHUTDOWN: u8 = 16;
const MJ_CLEANUP: u8 = 18;
const MJ_POWER: u8 = 22;
const MJ_SYSTEM_CONTROL: u8 = 23;
const MJ_PNP: u8 = 27;
const START_DEVICE: u8 = 0;
const QUERY_DEVICE_RELATIONS: u8 = 7;
const QUERY_INTERFACE: u8 = 8;
const QUERY_CAPABILITIES: u8 = 9;
const DEVICE_USAGE_NOTIFICATION: u8 = 22;
