//! Device interfaces: by class, found by whoever looks for a device of that class.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::PASSIVE_LEVEL;
use super::namespace::{self, Name};
use super::object::{self, Kind};
use super::status::{self, Status};
use super::{device_node, pnp_notification, pool, string};
use crate::judge::{self, for_caller};
use crate::sys::{DEVICE_OBJECT, GUID, UNICODE_STRING};

/// Registers an interface of a device and returns its name in a buffer for RtlFreeUnicodeString; it is not enabled.
///
/// Follows the IoRegisterDeviceInterface page (PASSIVE_LEVEL). Registering again returns the same name. Judged: IRQL; a device
/// that is not an enumerated physical device object.
///
/// # Safety
/// `class` is readable, `reference` NULL or valid, `name` writable.
pub unsafe extern "win64" fn IoRegisterDeviceInterface(
    pdo: *mut DEVICE_OBJECT,
    class: *const GUID,
    reference: *const UNICODE_STRING,
    name: *mut UNICODE_STRING,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    object::expect(pdo.addr(), Kind::Device);
    let node = device_node::expect(pdo.addr());
    // SAFETY: the caller promises a readable GUID and NULL or a valid string.
    let (guid, reference) = unsafe { (for_caller(|| *class), string::text_or_empty(reference)) };
    let class = key(guid);
    let link = link_name(&node.instance, &class, &reference);
    let interface =
        Interface { pdo: pdo.addr(), guid, class, reference: path_of(&reference), enabled: false };
    lock().entry(link.clone()).or_insert(interface);
    let allocated = string::allocated(&link);
    // SAFETY: the caller promises a writable structure.
    for_caller(|| unsafe { *name = allocated });
    status::SUCCESS
}

/// Enables or disables an interface.
///
/// Follows the IoSetDeviceInterfaceState page (PASSIVE_LEVEL): STATUS_OBJECT_NAME_EXISTS when it is enabled already,
/// STATUS_OBJECT_NAME_NOT_FOUND when it is not there or not enabled. Judged: IRQL; an interface still enabled when its
/// device is removed (leak).
///
/// # Safety
/// `name` is valid.
pub unsafe extern "win64" fn IoSetDeviceInterfaceState(name: *const UNICODE_STRING, enable: u8) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    let link = unsafe { string::text(name) };
    let mut interfaces = lock();
    let Some(interface) = interfaces.get_mut(&link) else { return status::OBJECT_NAME_NOT_FOUND };
    match (interface.enabled, enable != 0) {
        (true, true) => return status::OBJECT_NAME_EXISTS,
        (false, false) => return status::OBJECT_NAME_NOT_FOUND,
        (_, state) => interface.enabled = state,
    }
    let (enabled, target) = (interface.enabled, Name::Interface(interface.pdo, interface.reference.clone()));
    let class = interface.guid;
    drop(interfaces);
    let named = if enabled { namespace::insert(&link, target) } else { namespace::remove(&link) };
    pnp_notification::interface_changed(class, link, enabled);
    named
}

/// Lists the names of a class's interfaces, enabled ones only unless the flag asks for all; each is terminated, and so is
/// the list, in a block for ExFreePool.
///
/// Follows the IoGetDeviceInterfaces page (PASSIVE_LEVEL). Judged: IRQL; a list that is not freed (leak).
///
/// # Safety
/// `class` is readable and `list` writable.
pub unsafe extern "win64" fn IoGetDeviceInterfaces(
    class: *const GUID,
    pdo: *mut DEVICE_OBJECT,
    flags: u32,
    list: *mut *mut u16,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a readable GUID.
    let class = key(for_caller(|| unsafe { *class }));
    let names = names(|interface| {
        interface.class == class
            && (interface.enabled || flags & INCLUDE_NONACTIVE != 0)
            && (pdo.is_null() || interface.pdo == pdo.addr())
    });
    let units: Vec<u16> = names.iter().flat_map(|name| name.encode_utf16().chain([0])).chain([0]).collect();
    let block = pool::allocate_paged(units.len() * 2, TAG).cast::<u16>();
    // SAFETY: the block was just allocated with that size; the caller promises a writable pointer.
    unsafe {
        block.copy_from_nonoverlapping(units.as_ptr(), units.len());
        for_caller(|| *list = block);
    }
    status::SUCCESS
}

/// The names of a class's enabled interfaces.
pub fn enabled_of(class: &GUID) -> Vec<String> {
    let class = key(*class);
    names(|interface| interface.class == class && interface.enabled)
}

/// The names of a device's enabled interfaces.
pub(crate) fn left_enabled(pdo: usize) -> Vec<String> {
    names(|interface| interface.pdo == pdo && interface.enabled)
}

/// Forgets a device's interfaces.
pub(crate) fn forget(pdo: usize) {
    lock().retain(|_, interface| interface.pdo != pdo);
}

struct Interface {
    pdo: usize,
    guid: GUID,
    class: String,
    reference: String,
    enabled: bool,
}

fn names(wanted: impl Fn(&Interface) -> bool) -> Vec<String> {
    lock().iter().filter(|(_, interface)| wanted(interface)).map(|(name, _)| name.clone()).collect()
}

fn link_name(instance: &str, class: &str, reference: &str) -> String {
    let device = instance.replace('\\', "#");
    format!(r"\??\{device}#{class}{}", path_of(reference))
}

/// A reference string as the part of a path.
fn path_of(reference: &str) -> String {
    if reference.is_empty() { String::new() } else { format!(r"\{reference}") }
}

/// A GUID as the registry writes it.
pub(crate) fn key(guid: GUID) -> String {
    let [a, b, c, d, e, f, g, h] = guid.Data4;
    format!(
        "{{{:08x}-{:04x}-{:04x}-{a:02x}{b:02x}-{c:02x}{d:02x}{e:02x}{f:02x}{g:02x}{h:02x}}}",
        guid.Data1, guid.Data2, guid.Data3
    )
}

/// DEVICE_INTERFACE_INCLUDE_NONACTIVE.
const INCLUDE_NONACTIVE: u32 = 1;
const TAG: u32 = u32::from_le_bytes(*b"PnpI");
static INTERFACES: Mutex<BTreeMap<String, Interface>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<String, Interface>> {
    INTERFACES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_reads_as_the_registry_writes_it() {
        let guid = GUID {
            Data1: 0xA13A_7A93,
            Data2: 0x11F0,
            Data3: 0x4BD2,
            Data4: [0xA9, 0xF5, 0x6B, 0x5C, 0x5B, 0x88, 0x52, 0x7D],
        };
        assert_eq!(key(guid), "{a13a7a93-11f0-4bd2-a9f5-6b5c5b88527d}");
    }
}
