//! PnP notifications: device interfaces that come and go, and targets that are about to be removed.
//!
//! A driver registers a routine. News of interfaces is brought by a system thread, after the event; a target's handle
//! owners are asked, and told, by the PnP manager itself, one after the other ("Using PnP notification" of the kernel's
//! design guide).

use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::PASSIVE_LEVEL;
use super::left::Left;
use super::object::{self, Kind};
use super::status::{self, Status};
use super::{device_interface, driver, work_item};
use crate::image::Image;
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{self, thread_block, wait};
use crate::memory;
use crate::sys::{
    DEVICE_INTERFACE_CHANGE_NOTIFICATION, DRIVER_OBJECT, FILE_OBJECT, GUID,
    TARGET_DEVICE_REMOVAL_NOTIFICATION, UNICODE_STRING,
};

/// Registers a routine for a class of device interfaces, or for the device that a file object is open on; interfaces that
/// are there already are told of before it returns, where the flag asks for it.
///
/// Follows the IoRegisterPlugPlayNotification page (PASSIVE_LEVEL). The driver object is referenced while the registration
/// lasts. Judged: IRQL; something that is no live driver or file object; a category that is not served; a registration
/// that is left at unload (leak).
///
/// # Safety
/// `data` is a GUID or a file object, as the category says; `entry` is writable; `context` is what the routine expects.
pub unsafe extern "win64" fn IoRegisterPlugPlayNotification(
    category: i32,
    flags: u32,
    data: *mut c_void,
    driver: *mut DRIVER_OBJECT,
    routine: usize,
    context: *mut c_void,
    entry: *mut *mut c_void,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    object::expect(driver.addr(), Kind::Driver);
    let mut existing = Vec::new();
    let subject = match category {
        DEVICE_INTERFACE_CHANGE => {
            // SAFETY: promised by the caller.
            let class: GUID = for_caller(|| unsafe { *data.cast() });
            if flags & INCLUDE_EXISTING_INTERFACES != 0 {
                existing.extend(device_interface::enabled_of(&class).into_iter().map(|link| (class, link)));
            }
            Subject::Class(device_interface::key(class))
        }
        TARGET_DEVICE_CHANGE => {
            object::expect(data.addr(), Kind::File);
            // SAFETY: `expect` found a live file object.
            let device = unsafe { (*data.cast::<FILE_OBJECT>()).DeviceObject };
            Subject::Target { file: data.expose_provenance(), device: device.addr() }
        }
        other => violation(Rule::NotServed, format_args!("no notification of category {other}")),
    };
    object::reference(driver.addr());
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    let number = {
        let mut entries = lock();
        entries.next += 1;
        let number = FIRST_ENTRY + entries.next;
        entries.all.push(Entry {
            number,
            subject,
            driver: driver.expose_provenance(),
            routine,
            context: context.expose_provenance(),
            made_at,
            running_on: Vec::new(),
        });
        number
    };
    // SAFETY: the caller promises a writable pointer.
    for_caller(|| unsafe { *entry = std::ptr::without_provenance_mut(number) });
    for (class, link) in existing {
        call_with_interface(number, ARRIVAL, class, &link);
    }
    status::SUCCESS
}

/// Ends a registration: when it returns, its routine does not run and will not, unless it is the caller.
///
/// Follows the IoUnregisterPlugPlayNotificationEx page (PASSIVE_LEVEL). Judged: IRQL; something that is no registration.
pub extern "win64" fn IoUnregisterPlugPlayNotificationEx(entry: *mut c_void) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let number = entry.addr();
    let me = machine::current_thread().addr();
    if !lock().all.iter().any(|entry| entry.number == number) {
        violation(Rule::ObjectState, format_args!("{entry:p} is no registration for PnP notifications"));
    }
    wait::until(None, || {
        let others = |entry: &Entry| entry.running_on.iter().any(|thread| *thread != me);
        let busy = lock().all.iter().any(|entry| entry.number == number && others(entry));
        (!busy).then_some(())
    });
    let mut entries = lock();
    let Some(place) = entries.all.iter().position(|entry| entry.number == number) else {
        return status::SUCCESS;
    };
    let ended = entries.all.remove(place);
    drop(entries);
    object::dereference(ended.driver);
    status::SUCCESS
}

/// Brings the news that an interface has been enabled, or disabled, to the drivers that registered for its class.
pub(super) fn interface_changed(class: GUID, link: String, enabled: bool) {
    let key = device_interface::key(class);
    let interested = numbers(|entry| matches!(&entry.subject, Subject::Class(wanted) if *wanted == key));
    if interested.is_empty() {
        return;
    }
    let event = if enabled { ARRIVAL } else { REMOVAL };
    work_item::run_later(move || {
        for number in interested {
            call_with_interface(number, event, class, &link);
        }
    });
}

/// Asks those who have a device open whether it may be removed; the first refusal is told to all that were asked.
///
/// # Errors
/// The status that a routine refused with.
pub(crate) fn ask_targets(device: usize) -> Result<(), Status> {
    let mut asked = Vec::new();
    for number in targets_of(device) {
        asked.push(number);
        let status = call_with_target(number, QUERY_REMOVE);
        if !status::is_success(status) {
            for number in asked {
                call_with_target(number, REMOVE_CANCELLED);
            }
            return Err(status);
        }
    }
    Ok(())
}

/// Tells those who had a device open that it stays after all.
pub(crate) fn tell_cancelled(device: usize) {
    for number in targets_of(device) {
        call_with_target(number, REMOVE_CANCELLED);
    }
}

/// Tells those who had a device open that it is gone.
pub(crate) fn tell_removed(device: usize) {
    for number in targets_of(device) {
        call_with_target(number, REMOVE_COMPLETE);
    }
}

/// The registrations that code of an image has made and nobody has ended.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let entries = lock();
    let leaked = entries.all.iter().filter(|entry| image.contains(entry.made_at));
    leaked.map(|entry| Left::new(entry.made_at, "a registration for PnP notifications")).collect()
}

struct Entries {
    all: Vec<Entry>,
    next: usize,
}

struct Entry {
    number: usize,
    subject: Subject,
    driver: usize,
    routine: usize,
    context: usize,
    made_at: usize,
    /// The threads that are inside the routine.
    running_on: Vec<usize>,
}

enum Subject {
    /// A class of device interfaces.
    Class(String),
    /// A device, by a file object that is open on it.
    Target { file: usize, device: usize },
}

fn numbers(wanted: impl Fn(&Entry) -> bool) -> Vec<usize> {
    lock().all.iter().filter(|entry| wanted(entry)).map(|entry| entry.number).collect()
}

fn targets_of(pdo: usize) -> Vec<usize> {
    numbers(|entry| matches!(entry.subject, Subject::Target { device, .. } if device == pdo))
}

fn call_with_interface(number: usize, event: GUID, class: GUID, link: &str) {
    let news: *mut DEVICE_INTERFACE_CHANGE_NOTIFICATION = driver::zeroed();
    let name: *mut UNICODE_STRING = driver::zeroed();
    // SAFETY: both blocks were just made, with the sizes of their structures.
    unsafe {
        *name = driver::text(link);
        (*news).Version = 1;
        (*news).Size = size_of::<DEVICE_INTERFACE_CHANGE_NOTIFICATION>() as u16;
        (*news).Event = event;
        (*news).InterfaceClassGuid = class;
        (*news).SymbolicLinkName = name;
    }
    call(number, news.expose_provenance());
    // SAFETY: as above.
    let buffer = unsafe { (*name).Buffer };
    for block in [buffer.addr(), name.addr(), news.addr()] {
        memory::free(block, None);
    }
}

fn call_with_target(number: usize, event: GUID) -> Status {
    let file = lock().all.iter().find(|entry| entry.number == number).and_then(|entry| match entry.subject {
        Subject::Target { file, .. } => Some(file),
        Subject::Class(_) => None,
    });
    let Some(file) = file else { return status::SUCCESS };
    let news: *mut TARGET_DEVICE_REMOVAL_NOTIFICATION = driver::zeroed();
    // SAFETY: the block was just made, with the size of its structure.
    unsafe {
        (*news).Version = 1;
        (*news).Size = size_of::<TARGET_DEVICE_REMOVAL_NOTIFICATION>() as u16;
        (*news).Event = event;
        (*news).FileObject = std::ptr::with_exposed_provenance_mut(file);
    }
    let status = call(number, news.expose_provenance());
    memory::free(news.addr(), None);
    status
}

/// Calls the routine of a registration, unless that has ended meanwhile.
fn call(number: usize, news: usize) -> Status {
    judge::irql_exactly(PASSIVE_LEVEL);
    let me = machine::current_thread().addr();
    let begun = wait::change(|| {
        let mut entries = lock();
        let entry = entries.all.iter_mut().find(|entry| entry.number == number)?;
        entry.running_on.push(me);
        Some((entry.routine, entry.context))
    });
    let Some((routine, context)) = begun else { return status::SUCCESS };
    let status = invoke!(routine; news, context) as Status;
    wait::change(|| {
        if let Some(entry) = lock().all.iter_mut().find(|entry| entry.number == number) {
            let place = entry.running_on.iter().position(|thread| *thread == me);
            place.map(|place| entry.running_on.remove(place));
        }
    });
    status
}

/// EventCategoryDeviceInterfaceChange and EventCategoryTargetDeviceChange.
const DEVICE_INTERFACE_CHANGE: i32 = 2;
const TARGET_DEVICE_CHANGE: i32 = 3;
/// PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES.
const INCLUDE_EXISTING_INTERFACES: u32 = 1;
/// What a registration is known by: opaque, and no address that can be touched.
const FIRST_ENTRY: usize = 0x5050_0000;

/// SPEC: the events' names and values are those of wdmguid.h.
const ARRIVAL: GUID = guid(0xcb3a_4004, 0x46f0, 0x11d0, [0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f]);
const REMOVAL: GUID = guid(0xcb3a_4005, 0x46f0, 0x11d0, [0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f]);
const QUERY_REMOVE: GUID =
    guid(0xcb3a_4006, 0x46f0, 0x11d0, [0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f]);
const REMOVE_CANCELLED: GUID =
    guid(0xcb3a_4007, 0x46f0, 0x11d0, [0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f]);
const REMOVE_COMPLETE: GUID =
    guid(0xcb3a_4008, 0x46f0, 0x11d0, [0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f]);

const fn guid(data1: u32, data2: u16, data3: u16, data4: [u8; 8]) -> GUID {
    GUID { Data1: data1, Data2: data2, Data3: data3, Data4: data4 }
}

static ENTRIES: Mutex<Entries> = Mutex::new(Entries { all: Vec::new(), next: 0 });

fn lock() -> MutexGuard<'static, Entries> {
    ENTRIES.lock().unwrap_or_else(PoisonError::into_inner)
}
