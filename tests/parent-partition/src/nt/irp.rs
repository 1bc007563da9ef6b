//! I/O request packets: allocated, initialized, reused, freed.

use super::flight::{self, Flight};
use super::irql::DISPATCH_LEVEL;
use super::status::Status;
use crate::judge::{self, Rule, for_caller, violation};
use crate::memory::{self, Fill, Pool};
use crate::sys::{IO_STACK_LOCATION, IRP};

pub use super::call::IofCallDriver;
pub use super::cancel::IoCancelIrp;
pub use super::complete::IofCompleteRequest;
pub use super::spin_lock::{IoAcquireCancelSpinLock, IoReleaseCancelSpinLock};

/// Allocates an IRP with that many stack locations.
///
/// Follows the IoAllocateIrp page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; no stack location, or more than 125; an IRP
/// that is not freed at unload (leak).
pub extern "win64" fn IoAllocateIrp(stack_size: i8, _charge_quota: u8) -> *mut IRP {
    judge::irql_at_most(DISPATCH_LEVEL);
    if stack_size <= 0 || stack_size > MOST_LOCATIONS {
        violation(Rule::BadParameter, format_args!("an IRP of {stack_size} stack locations"));
    }
    allocate(stack_size, Flight::of_a_driver())
}

/// Makes an IRP of a driver's own memory.
///
/// Follows the IoInitializeIrp page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; memory too small for that many stack locations;
/// an IRP that is under way.
///
/// # Safety
/// `irp` has `size` writable bytes.
pub unsafe extern "win64" fn IoInitializeIrp(irp: *mut IRP, size: u16, stack_size: i8) {
    judge::irql_at_most(DISPATCH_LEVEL);
    if stack_size <= 0 || stack_size > MOST_LOCATIONS || usize::from(size) < bytes(stack_size) {
        violation(Rule::BadParameter, format_args!("an IRP of {stack_size} stack locations in {size} bytes"));
    }
    flight::expect_idle(irp, "initialized");
    flight::forget(irp);
    // SAFETY: the caller promises that much writable memory.
    for_caller(|| unsafe { initialize(irp, size, stack_size) });
    flight::register(irp, Flight::of_own_memory());
}

/// Makes an IRP that came back ready to be sent again.
///
/// Follows the IoReuseIrp page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; an IRP that is under way.
///
/// # Safety
/// `irp` is an IRP of the caller's.
pub unsafe extern "win64" fn IoReuseIrp(irp: *mut IRP, status: Status) {
    judge::irql_at_most(DISPATCH_LEVEL);
    flight::expect_idle(irp, "reused");
    // SAFETY: `expect_idle` found a live IRP.
    unsafe {
        let (size, stack_size, flags) = ((*irp).Size, (*irp).StackCount, (*irp).AllocationFlags);
        initialize(irp, size, stack_size);
        (*irp).AllocationFlags = flags;
        set_status(irp, status, 0);
    }
}

/// Frees an IRP.
///
/// Follows the IoFreeIrp page (IRQL <= DISPATCH_LEVEL). Judged: IRQL; an IRP that is under way, or was freed before.
///
/// # Safety
/// `irp` is an IRP of the caller's.
pub unsafe extern "win64" fn IoFreeIrp(irp: *mut IRP) {
    judge::irql_at_most(DISPATCH_LEVEL);
    flight::expect_idle(irp, "freed");
    free(irp);
}

/// Makes an IRP whose course `flight` describes.
pub(super) fn allocate(stack_size: i8, flight: Flight) -> *mut IRP {
    let size = bytes(stack_size);
    let irp: *mut IRP = memory::allocate(size, TAG, Pool::Object, Fill::Zero).cast();
    // SAFETY: the block was just allocated with that size.
    unsafe { initialize(irp, size as u16, stack_size) };
    flight::register(irp, flight);
    irp
}

/// Frees an IRP, and what the I/O manager hung on it.
pub(super) fn free(irp: *mut IRP) {
    if flight::forget(irp) && memory::find(irp.addr()).is_some_and(|block| block.pool == Pool::Object) {
        memory::free(irp.addr(), Some(TAG));
    }
}

/// The current stack location's address.
///
/// # Safety
/// `irp` is live.
pub(crate) unsafe fn current(irp: *mut IRP) -> *mut IO_STACK_LOCATION {
    // SAFETY: the caller promises a live IRP.
    unsafe { *current_slot(irp) }
}

/// Where the pointer to the current stack location is kept.
///
/// # Safety
/// `irp` is live.
pub(super) unsafe fn current_slot(irp: *mut IRP) -> *mut *mut IO_STACK_LOCATION {
    // SAFETY: the caller promises a live IRP.
    unsafe { &raw mut (*irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation }
}

/// Sets status and information.
///
/// # Safety
/// `irp` is live.
pub(crate) unsafe fn set_status(irp: *mut IRP, status: Status, information: u64) {
    // SAFETY: the caller promises a live IRP.
    unsafe {
        (*irp).IoStatus.__bindgen_anon_1.Status = status;
        (*irp).IoStatus.Information = information;
    }
}

/// The status.
///
/// # Safety
/// `irp` is live.
pub(crate) unsafe fn status_of(irp: *mut IRP) -> Status {
    // SAFETY: the caller promises a live IRP.
    unsafe { (*irp).IoStatus.__bindgen_anon_1.Status }
}

/// # Safety
/// `irp` has `size` writable bytes.
unsafe fn initialize(irp: *mut IRP, size: u16, stack_size: i8) {
    // SAFETY: the caller promises that much writable memory; the locations lie behind the IRP.
    unsafe {
        irp.cast::<u8>().write_bytes(0, usize::from(size));
        (*irp).Type = IO_TYPE_IRP;
        (*irp).Size = size;
        (*irp).StackCount = stack_size;
        (*irp).CurrentLocation = stack_size + 1;
        let list = &raw mut (*irp).ThreadListEntry;
        (*list).Flink = list;
        (*list).Blink = list;
        let locations = irp.add(1).cast::<IO_STACK_LOCATION>();
        *current_slot(irp) = locations.add(stack_size as usize);
    }
}

fn bytes(stack_size: i8) -> usize {
    size_of::<IRP>() + stack_size as usize * size_of::<IO_STACK_LOCATION>()
}

/// IO_TYPE_IRP.
const IO_TYPE_IRP: i16 = 6;
/// A stack location's number and the two above it must fit the IRP's signed byte.
const MOST_LOCATIONS: i8 = 125;
const TAG: u32 = u32::from_le_bytes(*b"Irp ");
