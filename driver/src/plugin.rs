//! One handler of another driver: its callbacks in C, called as the engine calls a handler.
//!
//! The other driver is trusted with memory, not with manners: at which level a callback returns, and whether it wrote past
//! the bytes that it was lent, is looked at after each call.
#![expect(unsafe_code, reason = "C callbacks, and a cell that the states of its place guard")]

use core::{
    cell::UnsafeCell,
    ffi::c_void,
    mem::MaybeUninit,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
};

use backchannel::{
    BLOCK_SIZE, BlockHandler, BlockId, Call, Leaving, NtStatus, Output, Ticket, Vf, VfEvent,
    abi::handler_interface::{
        PF_BACKCHANNEL_BLAME_IRQL, PF_BACKCHANNEL_BLAME_OVERRUN, PF_BACKCHANNEL_CALL, PF_BACKCHANNEL_READ,
        PF_BACKCHANNEL_REGISTRATION, PF_BACKCHANNEL_VF_DISABLED, PF_BACKCHANNEL_VF_ENABLED,
        PF_BACKCHANNEL_VF_EVENT, PF_BACKCHANNEL_VF_POWER_CHANGED, PF_BACKCHANNEL_VF_QUARANTINED,
        PF_BACKCHANNEL_VF_RESET, PF_BACKCHANNEL_WRITE,
    },
};

use crate::{
    irql::{interrupt_time, restore_passive_level},
    kernel_object::DriverReference,
    wdf::{interface::interface_size, irp::File},
};

/// A place for a handler of another driver. Zeros are an empty one.
///
/// INVARIANT: `Places` of the engine says when it is filled and emptied: by who claimed it, before the engine knows of it,
/// and by who changes it, after the engine let its handler leave. Between the two it is only looked at.
pub(crate) struct Plugin {
    file: AtomicUsize,
    /// How often the handler was blamed for what is seen here, and what for.
    blamed: AtomicU32,
    blames: AtomicU32,
    filled: UnsafeCell<MaybeUninit<Filled>>,
    /// There as long as a handler that was taken out of service may still be running.
    leaving: UnsafeCell<MaybeUninit<Option<Leaving>>>,
}

// SAFETY: see the invariant; what is kept in it belongs to no thread.
unsafe impl Sync for Plugin {}
// SAFETY: as above.
unsafe impl Send for Plugin {}

struct Filled {
    number: u64,
    block: BlockId,
    context: *mut c_void,
    write: PF_BACKCHANNEL_WRITE,
    read: PF_BACKCHANNEL_READ,
    vf_event: PF_BACKCHANNEL_VF_EVENT,
    driver: DriverReference,
}

impl Plugin {
    /// Fills the place.
    ///
    /// # Safety
    /// The caller claimed the place. The registration's callbacks are C functions of their types.
    pub(crate) unsafe fn fill(
        &self,
        number: u64,
        block: BlockId,
        registration: &PF_BACKCHANNEL_REGISTRATION,
        driver: DriverReference,
    ) {
        self.blamed.store(0, Ordering::Relaxed);
        self.blames.store(0, Ordering::Relaxed);
        let filled = Filled {
            number,
            block,
            context: registration.HandlerContext,
            write: registration.Write,
            read: registration.Read,
            vf_event: registration.VfEvent,
            driver,
        };
        // SAFETY: our caller is alone with the place.
        unsafe { self.filled.get().cast::<Filled>().write(filled) };
        // SAFETY: as above.
        unsafe { self.leaving.get().cast::<Option<Leaving>>().write(None) };
        self.file.store(registration.FileObject.addr(), Ordering::Release);
    }

    /// Empties the place; the other driver's code may go.
    ///
    /// # Safety
    /// The caller is alone with the place, which was filled; no callback runs or will run.
    pub(crate) unsafe fn empty(&self) {
        self.file.store(0, Ordering::Release);
        // SAFETY: our caller; it is read out once.
        drop(unsafe { self.filled.get().cast::<Filled>().read() });
    }

    /// Keeps, or takes, what is still to be awaited.
    ///
    /// # Safety
    /// The caller is alone with the place but for callbacks that run; it was filled.
    pub(crate) unsafe fn swap_leaving(&self, leaving: Option<Leaving>) -> Option<Leaving> {
        // SAFETY: our caller; callbacks do not look at this, and `fill` wrote it.
        unsafe { self.leaving.get().cast::<Option<Leaving>>().replace(leaving) }
    }

    /// Says whether the registration was made with a file.
    pub(crate) fn is_of(&self, file: File) -> bool {
        file != File::NONE && File::at(self.file.load(Ordering::Acquire)) == file
    }

    /// How often the handler was blamed for what is seen here, and what for.
    pub(crate) fn blames(&self) -> (u32, u32) {
        (self.blamed.load(Ordering::Relaxed), self.blames.load(Ordering::Relaxed))
    }

    /// What is there to be called, unless its driver is being unloaded.
    fn callable(&self) -> Option<&Filled> {
        let filled = self.filled.get().cast::<Filled>();
        // SAFETY: the engine calls a handler from its registration until it has left, when the place is filled.
        let driver = unsafe { &(*filled).driver };
        if driver.is_unloading() {
            return None;
        }
        // SAFETY: as above.
        Some(unsafe { &*filled })
    }

    fn blame(&self, what: u32) {
        let _before = self.blamed.fetch_add(1, Ordering::Relaxed);
        let _before = self.blames.fetch_or(what, Ordering::Relaxed);
    }

    /// What a callback answered, if it returned as it was called.
    fn answer(&self, status: i32) -> Result<(), NtStatus> {
        if !restore_passive_level() {
            self.blame(PF_BACKCHANNEL_BLAME_IRQL);
            return Err(NtStatus::INTERNAL_ERROR);
        }
        let status = NtStatus::from_raw(status);
        if status.is_success() { Ok(()) } else { Err(status) }
    }
}

impl BlockHandler for Plugin {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let filled = self.callable().ok_or(NtStatus::DEVICE_NOT_READY)?;
        let write = filled.write.ok_or(NtStatus::DEVICE_NOT_READY)?;
        let described = filled.describe(call.vf(), call.time(), call.ticket().map_or(0, Ticket::to_bits));
        // SAFETY: the other driver's code is mapped as long as its driver object is referenced, and its registration says that
        // this is a function of this type; we are at PASSIVE_LEVEL, and the block outlives the call.
        let status = unsafe { write(filled.context, &raw const described, block.as_ptr(), length(block)) };
        self.answer(status)
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        let filled = self.callable().ok_or(NtStatus::DEVICE_NOT_READY)?;
        let read = filled.read.ok_or(NtStatus::DEVICE_NOT_READY)?;
        let described = filled.describe(call.vf(), call.time(), 0);
        let mut lent = Lent::new(out.len());
        // SAFETY: as in `write`; the bytes outlive the call.
        let status =
            unsafe { read(filled.context, &raw const described, lent.start(), length(out.bytes_mut())) };
        let answer = self.answer(status);
        if lent.is_overrun(out.len()) {
            self.blame(PF_BACKCHANNEL_BLAME_OVERRUN);
            return Err(NtStatus::INTERNAL_ERROR);
        }
        answer?;
        for (to, from) in out.bytes_mut().iter_mut().zip(&lent.bytes) {
            *to = *from;
        }
        Ok(())
    }

    fn vf_event(&self, vf: Vf, event: VfEvent) {
        let Some(filled) = self.callable() else { return };
        let Some(vf_event) = filled.vf_event else { return };
        let described = filled.describe(vf, interrupt_time(), 0);
        let event = match event {
            VfEvent::Enabled => PF_BACKCHANNEL_VF_ENABLED,
            VfEvent::Reset => PF_BACKCHANNEL_VF_RESET,
            VfEvent::PowerChanged => PF_BACKCHANNEL_VF_POWER_CHANGED,
            VfEvent::Quarantined => PF_BACKCHANNEL_VF_QUARANTINED,
            VfEvent::Disabled => PF_BACKCHANNEL_VF_DISABLED,
        };
        // SAFETY: as in `write`.
        unsafe { vf_event(filled.context, &raw const described, event) };
        let _no_answer = self.answer(0);
    }
}

impl Filled {
    fn describe(&self, vf: Vf, time: u64, ticket: u64) -> PF_BACKCHANNEL_CALL {
        PF_BACKCHANNEL_CALL {
            Size: const { interface_size::<PF_BACKCHANNEL_CALL>() },
            VfIndex: vf.index.value(),
            Generation: vf.generation.value(),
            Handler: self.number,
            BlockId: self.block.value(),
            Reserved: 0,
            Time: time,
            Ticket: ticket,
        }
    }
}

/// The bytes that a read is lent, zeros, and a guard behind them.
struct Lent {
    bytes: [u8; BLOCK_SIZE + GUARD],
}

impl Lent {
    fn new(length: usize) -> Self {
        let mut bytes = [GUARDED; BLOCK_SIZE + GUARD];
        if let Some(lent) = bytes.get_mut(..length) {
            lent.fill(0);
        }
        Self { bytes }
    }

    const fn start(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    fn is_overrun(&self, length: usize) -> bool {
        self.bytes.get(length..).is_some_and(|guard| guard.iter().any(|byte| *byte != GUARDED))
    }
}

/// How far behind the largest block a write is seen, in bytes.
const GUARD: usize = 64;
/// A byte that is unlikely to be written by mistake.
const GUARDED: u8 = 0xB7;

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(0)
}
