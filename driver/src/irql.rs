//! Locks and waits at the right interrupt request level.
//!
//! Three things of the engine need the kernel's ways: its leaf locks, which are `spin`'s behind a raise to
//! `DISPATCH_LEVEL` (taken at `PASSIVE_LEVEL`, a spin lock can deadlock with a DPC on the same processor); the cell that
//! a VF's gate guards; and the clock with the events that callers wait on.
#![expect(unsafe_code, reason = "raw locks, a cell lent by proof, and kernel routines")]

use core::{cell::UnsafeCell, fmt, sync::atomic::AtomicU8, sync::atomic::Ordering};

use backchannel::{Gate, Gated, NtStatus, Owned, ParkSpot, Parker, Pass, Platform};
use lock_api::{GuardNoSend, RawMutex};
use wdk_sys::{
    _EVENT_TYPE::SynchronizationEvent,
    _KWAIT_REASON::Executive,
    _MODE::KernelMode,
    BOOLEAN, DISPATCH_LEVEL, FALSE, KEVENT, KIRQL, LARGE_INTEGER, PASSIVE_LEVEL, STATUS_SUCCESS,
    ntddk::{
        KeDelayExecutionThread, KeEnterCriticalRegion, KeGetCurrentIrql, KeInitializeEvent,
        KeLeaveCriticalRegion, KeLowerIrql, KeQueryInterruptTimePrecise, KeSetEvent, KeWaitForSingleObject,
        KfRaiseIrql, PsGetCurrentThreadId, ZwAllocateLocallyUniqueId,
    },
};

use crate::storage::{Array, Zeroed};

/// The raw lock of the engine's leaf locks: raise to `DISPATCH_LEVEL`, then spin; drop in the opposite order.
///
/// LOCK: held for one copy or one table change; no handler call, no request completion, no wait under it.
pub struct RaisedSpinLock {
    spin: spin::Mutex<()>,
    /// The level to return to; belongs to whoever holds `spin`.
    previous: AtomicU8,
}

// SAFETY: `spin` excludes all but one holder; the raise before it only adds that the holder is not interrupted by a DPC of
// its own processor.
unsafe impl RawMutex for RaisedSpinLock {
    const INIT: Self = Self { spin: spin::Mutex::INIT, previous: AtomicU8::new(0) };

    type GuardMarker = GuardNoSend;

    fn lock(&self) {
        let previous = raise();
        RawMutex::lock(&self.spin);
        self.previous.store(previous, Ordering::Relaxed);
    }

    fn try_lock(&self) -> bool {
        let previous = raise();
        let locked = RawMutex::try_lock(&self.spin);
        if locked {
            self.previous.store(previous, Ordering::Relaxed);
        } else {
            lower(previous);
        }
        locked
    }

    unsafe fn unlock(&self) {
        let previous = self.previous.load(Ordering::Relaxed);
        // SAFETY: lock_api calls this only for the holder.
        unsafe { RawMutex::unlock(&self.spin) };
        lower(previous);
    }
}

impl fmt::Debug for RaisedSpinLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RaisedSpinLock").field("locked", &self.spin.is_locked()).finish_non_exhaustive()
    }
}

// SAFETY: zero is an unlocked `spin` mutex (its flag is false) and any level.
unsafe impl Zeroed for RaisedSpinLock {}

fn raise() -> KIRQL {
    // SAFETY: the kernel allows a raise from any level up to DISPATCH_LEVEL, and nothing of ours runs above it.
    unsafe { KfRaiseIrql(const { level(DISPATCH_LEVEL) }) }
}

fn lower(previous: KIRQL) {
    // SAFETY: `previous` is what the matching raise returned, and locks are dropped last in, first out.
    unsafe { KeLowerIrql(previous) };
}

const fn level(constant: u32) -> KIRQL {
    assert!(constant <= 15, "an x64 level has four bits");
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the assertion above bounds it"
    )]
    {
        constant as KIRQL
    }
}

/// A VF's gate, and what only the caller inside it may touch.
#[derive(Debug)]
pub(crate) struct GateCell<const BLOCKS: usize> {
    gate: Gate,
    owned: UnsafeCell<Owned<BLOCKS>>,
}

// SAFETY: the cell is opened only against a pass of its gate, of which there is one at a time.
unsafe impl<const BLOCKS: usize> Sync for GateCell<BLOCKS> {}

impl<const BLOCKS: usize> Gated<BLOCKS> for GateCell<BLOCKS> {
    type Guard<'a> = &'a mut Owned<BLOCKS>;

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn open<'a>(&'a self, pass: &'a mut Pass<'_>) -> Option<&'a mut Owned<BLOCKS>> {
        if !pass.is_of(&self.gate) {
            return None;
        }
        // SAFETY: the engine makes one pass of a gate at a time, and it is borrowed as long as this reference lives.
        Some(unsafe { &mut *self.owned.get() })
    }
}

/// The kernel as the engine's host: its clock, and one event for each place where a caller can wait.
#[derive(Debug)]
pub(crate) struct Kernel<'pf> {
    events: &'pf Array<Event>,
}

/// A synchronisation event at a fixed address.
pub(crate) struct Event(UnsafeCell<KEVENT>);

// SAFETY: the kernel's routines on an event may be called from any thread.
unsafe impl Sync for Event {}

// SAFETY: the kernel's event belongs to no thread.
unsafe impl Send for Event {}

// SAFETY: a KEVENT is plain integers and pointers; it is initialised before its first use.
unsafe impl Zeroed for Event {}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event")
    }
}

impl Event {
    /// Not initialised yet: a part of what is not at its final place.
    pub(crate) const fn unused() -> Self {
        // SAFETY: a KEVENT is plain integers and pointers.
        Self(unsafe { core::mem::zeroed() })
    }

    /// Lets one thread go on that waits or will wait.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    pub(crate) fn set(&self) {
        // SAFETY: the event was initialised.
        let _previous = unsafe { KeSetEvent(self.0.get(), 0, boolean(FALSE)) };
    }

    /// Waits until the event was set, for at most this time if there is a limit, in units of 100 ns; says whether it was.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    pub(crate) fn wait(&self, limit: Option<u64>) -> bool {
        let mut timeout = LARGE_INTEGER::default();
        let limit = limit.map_or(core::ptr::null_mut(), |limit| {
            timeout.QuadPart = i64::try_from(limit).unwrap_or(i64::MAX).saturating_neg();
            &raw mut timeout
        });
        // SAFETY: the event was initialised and outlives the call; our caller is at PASSIVE_LEVEL.
        let status =
            unsafe { KeWaitForSingleObject(self.0.get().cast(), Executive, mode(), boolean(FALSE), limit) };
        status == STATUS_SUCCESS
    }

    /// Makes the event unsignalled, at its final place.
    pub(crate) fn initialize(&self) {
        // SAFETY: the event lies in non-paged memory that nobody waits on yet.
        unsafe { KeInitializeEvent(self.0.get(), SynchronizationEvent, boolean(FALSE)) };
    }
}

/// Lets other threads run for a time, in units of 100 ns.
///
/// IRQL: `PASSIVE_LEVEL`.
pub(crate) fn pause(time: u64) {
    let mut interval = LARGE_INTEGER::default();
    interval.QuadPart = i64::try_from(time).unwrap_or(i64::MAX).saturating_neg();
    // SAFETY: our caller is at PASSIVE_LEVEL; the interval outlives the call.
    let _status = unsafe { KeDelayExecutionThread(mode(), boolean(FALSE), &raw mut interval) };
}

/// Says whether the running thread is at `PASSIVE_LEVEL`; brings it there if it is not.
pub(crate) fn restore_passive_level() -> bool {
    // SAFETY: callable at any level.
    let is_passive = u32::from(unsafe { KeGetCurrentIrql() }) == PASSIVE_LEVEL;
    if !is_passive {
        lower(const { level(PASSIVE_LEVEL) });
    }
    is_passive
}

/// The kernel's clock: units of 100 ns since the system's start.
///
/// IRQL: any.
pub(crate) fn interrupt_time() -> u64 {
    let mut counter = 0;
    // SAFETY: callable at any level; the counter outlives the call.
    unsafe { KeQueryInterruptTimePrecise(&raw mut counter) }
}

/// Takes an identifier that no other device or VF has until the next restart.
///
/// IRQL: `PASSIVE_LEVEL`.
///
/// # Errors
/// What the kernel says.
pub(crate) fn unique_id() -> Result<u64, NtStatus> {
    let mut id = wdk_sys::LUID::default();
    // SAFETY: the place outlives the call; our caller is at PASSIVE_LEVEL.
    let status = NtStatus::from_raw(unsafe { ZwAllocateLocallyUniqueId(&raw mut id) });
    if status.is_success() {
        Ok(u64::from(id.HighPart.cast_unsigned()) << 32 | u64::from(id.LowPart))
    } else {
        Err(status)
    }
}

impl<'pf> Kernel<'pf> {
    /// Takes `ParkSpot::PER_VF` initialised events for each VF.
    pub(crate) const fn new(events: &'pf Array<Event>) -> Self {
        Self { events }
    }

    fn event(&self, spot: ParkSpot) -> Option<*mut KEVENT> {
        let first = usize::from(spot.vf).checked_mul(usize::from(ParkSpot::PER_VF))?;
        self.events.get(first.checked_add(usize::from(spot.waiter))?).map(|event| event.0.get())
    }

    /// The time from now to `moment` as the kernel takes a relative one: negative, in units of 100 ns.
    fn relative(&self, moment: u64) -> LARGE_INTEGER {
        let remaining = i64::try_from(moment.saturating_sub(self.now())).unwrap_or(i64::MAX);
        LARGE_INTEGER { QuadPart: remaining.saturating_neg() }
    }
}

impl Parker for Kernel<'_> {
    fn enter_critical_region(&self) {
        // SAFETY: the engine calls this at PASSIVE_LEVEL and leaves as often as it enters.
        unsafe { KeEnterCriticalRegion() };
    }

    fn leave_critical_region(&self) {
        // SAFETY: the engine entered before, on this thread.
        unsafe { KeLeaveCriticalRegion() };
    }

    fn park(&self, spot: ParkSpot, deadline: Option<u64>) -> bool {
        let Some(event) = self.event(spot) else { return false };
        let mut timeout = LARGE_INTEGER::default();
        let limit = deadline.map_or(core::ptr::null_mut(), |deadline| {
            timeout = self.relative(deadline);
            &raw mut timeout
        });
        // SAFETY: the event was initialised and stays until the PF's memory goes; the engine waits at PASSIVE_LEVEL.
        let status = unsafe { KeWaitForSingleObject(event.cast(), Executive, mode(), boolean(FALSE), limit) };
        status == STATUS_SUCCESS
    }

    fn unpark(&self, spot: ParkSpot) {
        let Some(event) = self.event(spot) else { return };
        // SAFETY: the event was initialised and stays until the PF's memory goes.
        let _previous = unsafe { KeSetEvent(event, 0, boolean(FALSE)) };
    }

    fn sleep(&self, until: u64) {
        let mut interval = self.relative(until);
        // SAFETY: the engine sleeps at PASSIVE_LEVEL; the interval outlives the call.
        let _status = unsafe { KeDelayExecutionThread(mode(), boolean(FALSE), &raw mut interval) };
    }
}

impl Platform for Kernel<'_> {
    fn now(&self) -> u64 {
        interrupt_time()
    }

    fn thread(&self) -> u64 {
        // SAFETY: callable at any level.
        let id = unsafe { PsGetCurrentThreadId() };
        u64::try_from(id.addr()).unwrap_or(u64::MAX)
    }
}

const fn boolean(constant: u32) -> BOOLEAN {
    if constant == 0 { 0 } else { 1 }
}

fn mode() -> i8 {
    i8::try_from(KernelMode).unwrap_or(0)
}
