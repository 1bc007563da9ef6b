//! Event providers: registered, written to by whoever likes, listened to by nobody.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::{HIGH_LEVEL, PASSIVE_LEVEL};
use super::left::Left;
use super::status::{self, Status};
use crate::image::Image;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::thread_block;
use crate::sys::{EVENT_DATA_DESCRIPTOR, EVENT_DESCRIPTOR, GUID};

/// Registers a provider; no session enables it, so its callback is never called.
///
/// Follows the EtwRegister page (PASSIVE_LEVEL). Judged: IRQL; a provider still registered at unload (leak).
///
/// # Safety
/// `provider` is readable and `registration` writable.
pub unsafe extern "win64" fn EtwRegister(
    provider: *const GUID,
    _callback: usize,
    _context: *mut c_void,
    registration: *mut u64,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a readable GUID.
    let name = super::device_interface::key(for_caller(|| unsafe { *provider }));
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    lock().insert(handle, Provider { name, made_at });
    // SAFETY: the caller promises a writable handle.
    for_caller(|| unsafe { *registration = handle });
    status::SUCCESS
}

/// Takes a registration back.
///
/// Follows the EtwUnregister page (PASSIVE_LEVEL). Judged: IRQL; a handle that is not registered.
pub extern "win64" fn EtwUnregister(registration: u64) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    if lock().remove(&registration).is_none() {
        violation(Rule::HandleType, format_args!("{registration:#x} is no registered provider"));
    }
    status::SUCCESS
}

/// Sets a provider's traits.
///
/// Follows the EtwSetInformation page (PASSIVE_LEVEL). Judged: IRQL; a handle that is not registered.
pub extern "win64" fn EtwSetInformation(
    registration: u64,
    _class: i32,
    _information: *mut c_void,
    _length: u32,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    expect_registered(registration);
    status::SUCCESS
}

/// Writes an event; its data is read, so that data that is not there is found.
///
/// Follows the EtwWriteTransfer page (any IRQL). Judged: a handle that is not registered; data that cannot be read.
///
/// # Safety
/// `descriptor` and the data descriptors are readable, and so is what they describe.
pub unsafe extern "win64" fn EtwWriteTransfer(
    registration: u64,
    descriptor: *const EVENT_DESCRIPTOR,
    _activity: *const GUID,
    _related: *const GUID,
    count: u32,
    data: *const EVENT_DATA_DESCRIPTOR,
) -> Status {
    judge::irql_at_most(HIGH_LEVEL);
    expect_registered(registration);
    // SAFETY: the caller promises readable descriptors and data.
    for_caller(|| unsafe {
        descriptor.read_volatile();
        for index in 0..count as usize {
            let part = &*data.add(index);
            let start: *const u8 = std::ptr::with_exposed_provenance(part.Ptr as usize);
            if part.Size != 0 {
                start.read_volatile();
                start.add(part.Size as usize - 1).read_volatile();
            }
        }
    });
    status::SUCCESS
}

/// Writes an event without a related activity.
///
/// Follows the EtwWrite page (any IRQL). Judged as [`EtwWriteTransfer`].
///
/// # Safety
/// As [`EtwWriteTransfer`].
pub unsafe extern "win64" fn EtwWrite(
    registration: u64,
    descriptor: *const EVENT_DESCRIPTOR,
    activity: *const GUID,
    count: u32,
    data: *const EVENT_DATA_DESCRIPTOR,
) -> Status {
    // SAFETY: the caller's promises are the same.
    unsafe { EtwWriteTransfer(registration, descriptor, activity, std::ptr::null(), count, data) }
}

/// Says whether a session takes an event: none does.
///
/// Follows the EtwEventEnabled page (any IRQL). Judged: a handle that is not registered.
pub extern "win64" fn EtwEventEnabled(registration: u64, _descriptor: *const EVENT_DESCRIPTOR) -> u8 {
    expect_registered(registration);
    0
}

/// Says whether a session takes events of a level and keyword: none does.
///
/// Follows the EtwProviderEnabled page (any IRQL). Judged: a handle that is not registered.
pub extern "win64" fn EtwProviderEnabled(registration: u64, _level: u8, _keyword: u64) -> u8 {
    expect_registered(registration);
    0
}

/// The providers that code of an image has registered and nobody has unregistered.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let providers = lock();
    let leaked = providers.values().filter(|provider| image.contains(provider.made_at));
    let describe = |provider: &Provider| {
        Left::new(provider.made_at, format_args!("the event provider {}", provider.name))
    };
    leaked.map(describe).collect()
}

fn expect_registered(registration: u64) {
    if !lock().contains_key(&registration) {
        violation(Rule::HandleType, format_args!("{registration:#x} is no registered provider"));
    }
}

struct Provider {
    name: String,
    made_at: usize,
}

static NEXT: AtomicU64 = AtomicU64::new(0x1000);
static PROVIDERS: Mutex<BTreeMap<u64, Provider>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<u64, Provider>> {
    PROVIDERS.lock().unwrap_or_else(PoisonError::into_inner)
}
