//! PnP and power IRPs that a scenario sends to the top of its device's stack.

use std::sync::atomic::{AtomicBool, Ordering};

use super::buffers::Output;
use super::sent::{announced, has_ended, keep, note_result, send_and_note};
use super::stage::physical_device;
use super::{bus, line, names};
use crate::machine::{thread, turn};
use crate::nt::request::Request;
use crate::nt::status::{self, Status};
use crate::pnp::resources::{Interrupt, Resources};
use crate::sys::{GUID, INTERFACE, IO_STACK_LOCATION};

/// Sends a PnP IRP with the type that some have, and returns its status.
pub(super) extern "win64" fn send_pnp(minor: u8, kind: u32) -> Status {
    let (request, number) = pnp(minor, kind);
    send_and_note(request, number)
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
    send_and_note(request, number)
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
    send_and_note(request, number)
}

/// Has START_DEVICE carry no resource lists.
pub(super) extern "win64" fn start_without_resources() {
    NO_RESOURCES.store(true, Ordering::Relaxed);
}

fn pnp(minor: u8, kind: u32) -> (Request, u32) {
    let resources = minor == START_DEVICE && !NO_RESOURCES.load(Ordering::Relaxed);
    let lists = resources.then(|| Resources::new(std::iter::empty(), INTERRUPT));
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

/// A request on its way to the thread that sends it.
struct Parcel(Request);

// SAFETY: an IRP and its device may be sent from any thread; only the one that opens the parcel has them.
unsafe impl Send for Parcel {}

impl Parcel {
    fn open(self) -> Request {
        self.0
    }
}

/// As the recordings' device interrupts.
const INTERRUPT: Interrupt = Interrupt { level: 5, line: false };
static NO_RESOURCES: AtomicBool = AtomicBool::new(false);
const MJ_POWER: u8 = 22;
const MJ_PNP: u8 = 27;
const START_DEVICE: u8 = 0;
const QUERY_DEVICE_RELATIONS: u8 = 7;
const QUERY_INTERFACE: u8 = 8;
const QUERY_CAPABILITIES: u8 = 9;
const DEVICE_USAGE_NOTIFICATION: u8 = 22;
