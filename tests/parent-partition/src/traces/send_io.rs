//! Requests for files and buffers that a scenario sends to the top of its device's stack.

use super::buffers::{Buffers, Method, Output};
use super::sent::{announced, at_sender_level, keep, note_result, send_and_note, wait_a_turn};
use super::stage::physical_device;
use super::{line, names};
use crate::machine::turn;
use crate::nt::driver;
use crate::nt::event::KeInitializeEvent;
use crate::nt::object::{self, Kind};
use crate::nt::request::Request;
use crate::nt::status;
use crate::sys::{DEVICE_OBJECT, FILE_OBJECT, IO_STACK_LOCATION, IRP};

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
    send_and_note(request, number);
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
    wait_a_turn();
    note_result(number, &sent);
    keep(number, sent, data);
    turn::let_others_run();
    number
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
const MJ_SYSTEM_CONTROL: u8 = 23;
