//! Interrupt objects: a service routine at a level of its device's, and the lock that it runs under.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::{DISPATCH_LEVEL, HIGH_LEVEL, PASSIVE_LEVEL};
use super::left::Left;
use super::object::{self, Kind};
use super::spin_lock::{KeAcquireSpinLockAtDpcLevel, KeReleaseSpinLockFromDpcLevel};
use super::status::{self, Status};
use super::watch;
use crate::image::Image;
use crate::invoke;
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{irql, thread_block};
use crate::memory::{self, Fill, Pool};

/// IO_CONNECT_INTERRUPT_PARAMETERS with its fully specified member (wdm.h).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ConnectParameters {
    version: u32,
    device: *mut c_void,
    object: *mut *mut c_void,
    routine: usize,
    context: *mut c_void,
    lock: *mut u64,
    synchronize_level: u8,
    floating_save: u8,
    shared: u8,
    vector: u32,
    level: u8,
    mode: i32,
    processors: u64,
    group: u16,
}

/// IO_DISCONNECT_INTERRUPT_PARAMETERS (wdm.h).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DisconnectParameters {
    version: u32,
    object: *mut c_void,
}

const _: () = {
    assert!(std::mem::offset_of!(ConnectParameters, synchronize_level) == 48);
    assert!(std::mem::offset_of!(ConnectParameters, vector) == 52);
    assert!(std::mem::offset_of!(ConnectParameters, level) == 56);
    assert!(std::mem::offset_of!(ConnectParameters, group) == 72);
};

/// Connects a service routine to a vector that is fully specified.
///
/// Follows the IoConnectInterruptEx page (PASSIVE_LEVEL): STATUS_NOT_SUPPORTED for line-based and message-based
/// connections, which the version then says. Judged: IRQL; something that is no device; a service routine that runs below
/// DISPATCH_LEVEL, or above the level of its lock; an interrupt that is still connected at unload (leak).
///
/// # Safety
/// `parameters` is readable and writable.
pub unsafe extern "win64" fn IoConnectInterruptEx(parameters: *mut ConnectParameters) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises parameters.
    let given = for_caller(|| unsafe { parameters.read() });
    if !matches!(given.version, FULLY_SPECIFIED | FULLY_SPECIFIED_GROUP) {
        // SAFETY: as above.
        for_caller(|| unsafe { (*parameters).version = FULLY_SPECIFIED });
        return status::NOT_SUPPORTED;
    }
    object::expect(given.device.addr(), Kind::Device);
    watch::called_with("IoConnectInterruptEx", "version", given.version);
    let levels = DISPATCH_LEVEL + 1..=HIGH_LEVEL;
    if !levels.contains(&given.level) || given.synchronize_level < given.level {
        let (level, lock) = (given.level, given.synchronize_level);
        violation(Rule::BadParameter, format_args!("an interrupt at IRQL {level} with its lock at {lock}"));
    }
    let block = memory::allocate(OBJECT_SIZE, TAG, Pool::Object, Fill::Zero);
    let object: *mut c_void = block.cast();
    let own_lock: *mut u64 = block.cast();
    let connected = Connected {
        routine: given.routine,
        context: given.context.expose_provenance(),
        lock: if given.lock.is_null() { own_lock } else { given.lock }.expose_provenance(),
        level: given.synchronize_level,
        vector: given.vector,
        made_at: thread_block::current().map_or(0, |block| block.return_address()),
    };
    lock().insert(object.expose_provenance(), connected);
    // SAFETY: the caller promises a writable pointer in its parameters.
    for_caller(|| unsafe { *given.object = object });
    status::SUCCESS
}

/// Disconnects a service routine.
///
/// Follows the IoDisconnectInterruptEx page (PASSIVE_LEVEL). Judged: IRQL; something that is no connected interrupt.
///
/// # Safety
/// `parameters` is readable.
pub unsafe extern "win64" fn IoDisconnectInterruptEx(parameters: *const DisconnectParameters) {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises parameters.
    let object = for_caller(|| unsafe { (*parameters).object });
    find(object);
    watch::called("IoDisconnectInterruptEx");
    lock().remove(&object.addr());
    memory::free(object.addr(), Some(TAG));
}

/// Calls a routine under the lock of an interrupt, at its level.
///
/// Follows the KeSynchronizeExecution page (IRQL <= the level of the lock). Judged: IRQL; something that is no connected
/// interrupt.
pub extern "win64" fn KeSynchronizeExecution(
    interrupt: *mut c_void,
    routine: usize,
    context: *mut c_void,
) -> u8 {
    let before = KeAcquireInterruptSpinLock(interrupt);
    let value = invoke!(routine; context) as u8;
    KeReleaseInterruptSpinLock(interrupt, before);
    value
}

/// Raises to the level of an interrupt's lock, takes the lock, and returns the level before.
///
/// Follows the KeAcquireInterruptSpinLock page (IRQL <= the level of the lock). Judged as [`KeSynchronizeExecution`].
pub extern "win64" fn KeAcquireInterruptSpinLock(interrupt: *mut c_void) -> u8 {
    let Connected { level, lock, .. } = find(interrupt);
    let before = irql::raise(level);
    // SAFETY: the lock is the interrupt's own, or one that its driver promised to keep.
    unsafe { KeAcquireSpinLockAtDpcLevel(std::ptr::with_exposed_provenance_mut(lock)) };
    before
}

/// Releases the lock of an interrupt and lowers to a level.
///
/// Follows the KeReleaseInterruptSpinLock page (IRQL = the level of the lock). Judged: IRQL; a lock that is not held.
pub extern "win64" fn KeReleaseInterruptSpinLock(interrupt: *mut c_void, before: u8) {
    let Connected { level, lock, .. } = find(interrupt);
    judge::irql_exactly(level);
    // SAFETY: as in `KeAcquireInterruptSpinLock`.
    unsafe { KeReleaseSpinLockFromDpcLevel(std::ptr::with_exposed_provenance_mut(lock)) };
    super::irql::KeLowerIrql(before);
}

/// A device interrupts: the service routines of the vector run, one after the other, until one says that it was its device.
pub fn arrive(vector: u32) -> bool {
    let connected: Vec<_> = lock()
        .iter()
        .filter(|(_, connected)| connected.vector == vector)
        .map(|(object, connected)| (*object, *connected))
        .collect();
    connected.into_iter().any(|(object, connected)| {
        let object = std::ptr::with_exposed_provenance_mut(object);
        let before = KeAcquireInterruptSpinLock(object);
        let was_its = invoke!(connected.routine; object, connected.context) as u8 != 0;
        KeReleaseInterruptSpinLock(object, before);
        was_its
    })
}

/// The interrupts that code of an image has connected and nobody has disconnected.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let objects = lock();
    let leaked = objects.values().filter(|connected| image.contains(connected.made_at));
    leaked.map(|connected| Left::new(connected.made_at, "a connected interrupt")).collect()
}

fn find(interrupt: *mut c_void) -> Connected {
    let found = lock().get(&interrupt.addr()).copied();
    found.unwrap_or_else(|| {
        violation(Rule::ObjectState, format_args!("{interrupt:p} is no connected interrupt"))
    })
}

#[derive(Clone, Copy)]
struct Connected {
    routine: usize,
    context: usize,
    lock: usize,
    /// Of the lock, and so of the service routine.
    level: u8,
    vector: u32,
    made_at: usize,
}

/// Versions of the parameters.
const FULLY_SPECIFIED: u32 = 1;
const FULLY_SPECIFIED_GROUP: u32 = 4;
/// Opaque to drivers; the first word is the lock of an interrupt whose driver brings none.
const OBJECT_SIZE: usize = 64;
const TAG: u32 = u32::from_le_bytes(*b"Intr");
static CONNECTED: Mutex<BTreeMap<usize, Connected>> = Mutex::new(BTreeMap::new());

/// LOCK: a leaf.
fn lock() -> MutexGuard<'static, BTreeMap<usize, Connected>> {
    CONNECTED.lock().unwrap_or_else(PoisonError::into_inner)
}
