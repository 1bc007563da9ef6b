//! Callback objects: names under which drivers tell each other, or the system tells them, that something happened.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::{null_mut, with_exposed_provenance_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::left::Left;
use super::object::{self, Kind};
use super::status::{self, Status};
use super::string;
use crate::image::Image;
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{thread_block, wait};
use crate::memory::{self, Fill, Pool};
use crate::sys::OBJECT_ATTRIBUTES;

/// Opens a callback object, or makes it; the caller gets a reference.
///
/// Follows the ExCreateCallback page (PASSIVE_LEVEL): STATUS_OBJECT_NAME_NOT_FOUND. The system's own (`\Callback\PowerState`
/// and its kind) exist from the start. Judged: IRQL.
///
/// # Safety
/// `object` is writable; `attributes` and the name in it are readable.
pub unsafe extern "win64" fn ExCreateCallback(
    object: *mut *mut c_void,
    attributes: *const OBJECT_ATTRIBUTES,
    create: u8,
    allow_multiple: u8,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises attributes; an object without a name is a new one.
    let name = unsafe {
        let name = for_caller(|| (*attributes).ObjectName);
        if name.is_null() { String::new() } else { string::text(name).to_lowercase() }
    };
    let known = lock().iter().find(|(_, each)| !name.is_empty() && each.name == name).map(|(at, _)| *at);
    let address = match known {
        Some(address) => {
            object::reference(address);
            address
        }
        None if SYSTEMS.contains(&name.as_str()) => {
            let address = make(&name, true);
            object::reference(address);
            address
        }
        None if create != 0 => make(&name, allow_multiple != 0),
        None => return status::OBJECT_NAME_NOT_FOUND,
    };
    // SAFETY: the caller promises a writable pointer.
    for_caller(|| unsafe { *object = with_exposed_provenance_mut(address) });
    status::SUCCESS
}

/// Adds a routine to a callback object; NULL when it has one and allows no more.
///
/// Follows the ExRegisterCallback page (IRQL <= APC_LEVEL). Judged: IRQL; something that is no callback object; a routine that
/// is still registered at unload (leak).
pub extern "win64" fn ExRegisterCallback(
    object: *mut c_void,
    function: usize,
    context: *mut c_void,
) -> *mut c_void {
    judge::irql_at_most(APC_LEVEL);
    expect(object);
    let mut objects = lock();
    let Some(entry) = objects.get_mut(&object.addr()) else { return null_mut() };
    if !entry.allows_multiple && !entry.routines.is_empty() {
        return null_mut();
    }
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    let registration = memory::allocate(REGISTRATION_SIZE, TAG, Pool::Object, Fill::Zero);
    entry.routines.push(Registered {
        registration: registration.expose_provenance(),
        function,
        context: context.expose_provenance(),
        running: 0,
        made_at,
    });
    drop(objects);
    object::reference(object.addr());
    registration.cast()
}

/// Takes a routine off, when no call of it is running.
///
/// Follows the ExUnregisterCallback page (IRQL <= APC_LEVEL). Judged: IRQL; something that is no registration.
pub extern "win64" fn ExUnregisterCallback(registration: *mut c_void) {
    judge::irql_at_most(APC_LEVEL);
    super::spin_lock::expect_none_held("the thread waits");
    let address = registration.addr();
    let is_running = || lock().values().any(|object| object.is_running(address));
    wait::until(None, || (!is_running()).then_some(()));
    let owner = lock().iter_mut().find_map(|(owner, object)| {
        let index = object.routines.iter().position(|routine| routine.registration == address)?;
        object.routines.remove(index);
        Some(*owner)
    });
    let Some(owner) = owner else {
        violation(Rule::ObjectState, format_args!("{registration:p} is no registered callback"))
    };
    memory::free(address, Some(TAG));
    object::dereference(owner);
}

/// Calls the routines of a callback object, in the order in which they were registered.
///
/// Follows the ExNotifyCallback page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; something that is no callback object.
pub extern "win64" fn ExNotifyCallback(object: *mut c_void, first: *mut c_void, second: *mut c_void) {
    judge::irql_at_most(DISPATCH_LEVEL);
    expect(object);
    notify(object.addr(), first.addr(), second.addr());
}

/// Tells who listens to `\Callback\PowerState` that the system leaves its working state, or is back.
///
/// SPEC: "Power-related callback objects": PO_CB_SYSTEM_STATE_LOCK, with 0 when S0 is left and 1 when it is entered again.
pub fn notify_power_state(working: bool) {
    let known = lock().iter().find(|(_, object)| object.name == POWER_STATE).map(|(address, _)| *address);
    if let Some(address) = known {
        notify(address, SYSTEM_STATE_LOCK, usize::from(working));
    }
}

/// The routines that code of an image has registered and nobody has taken off.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let objects = lock();
    let routines = objects.values().flat_map(|object| &object.routines);
    let leaked = routines.filter(|routine| image.contains(routine.made_at));
    leaked.map(|routine| Left::new(routine.made_at, "a registered callback")).collect()
}

fn notify(object: usize, first: usize, second: usize) {
    let registrations: Vec<usize> = lock()
        .get(&object)
        .map_or_else(Vec::new, |entry| entry.routines.iter().map(|routine| routine.registration).collect());
    for registration in registrations {
        let change = |by: i32| {
            wait::change(|| {
                let mut objects = lock();
                let routines = &mut objects.get_mut(&object)?.routines;
                let routine = routines.iter_mut().find(|routine| routine.registration == registration)?;
                routine.running = routine.running.saturating_add_signed(by);
                Some((routine.function, routine.context))
            })
        };
        if let Some((function, context)) = change(1) {
            invoke!(function; context, first, second);
            change(-1);
        }
    }
}

fn make(name: &str, allows_multiple: bool) -> usize {
    let address = memory::allocate(OBJECT_SIZE, TAG, Pool::Object, Fill::Zero).expose_provenance();
    object::insert(address, Kind::Callback, |address| {
        lock().remove(&address);
        memory::free(address, Some(TAG));
    });
    lock().insert(address, Object { name: name.to_owned(), allows_multiple, routines: Vec::new() });
    address
}

fn expect(object: *mut c_void) {
    object::expect(object.addr(), Kind::Callback);
}

struct Object {
    /// In small letters; empty for none.
    name: String,
    allows_multiple: bool,
    routines: Vec<Registered>,
}

impl Object {
    fn is_running(&self, registration: usize) -> bool {
        self.routines.iter().any(|routine| routine.registration == registration && routine.running > 0)
    }
}

struct Registered {
    registration: usize,
    function: usize,
    context: usize,
    running: u32,
    made_at: usize,
}

const POWER_STATE: &str = r"\callback\powerstate";
/// The objects that the system makes.
const SYSTEMS: [&str; 3] = [POWER_STATE, r"\callback\processoradd", r"\callback\setsystemtime"];
/// PO_CB_SYSTEM_STATE_LOCK.
const SYSTEM_STATE_LOCK: usize = 3;
/// Both are opaque to drivers.
const OBJECT_SIZE: usize = 64;
const REGISTRATION_SIZE: usize = 32;
const TAG: u32 = u32::from_le_bytes(*b"Call");
static OBJECTS: Mutex<BTreeMap<usize, Object>> = Mutex::new(BTreeMap::new());

/// LOCK: taken under the dispatcher lock, never the other way round.
fn lock() -> MutexGuard<'static, BTreeMap<usize, Object>> {
    OBJECTS.lock().unwrap_or_else(PoisonError::into_inner)
}
