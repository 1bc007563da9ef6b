//! One VF, as the PF side keeps it.
//!
//! It lies in memory that the host brings, zeroed, and never moves: all-zero is a valid VF that is absent, was never
//! called, and has an empty store. Every field keeps that promise: plain integers and atomics, an open [`Gate`](crate::Gate), a cell
//! and a raw lock of the host whose zero is free. There is no reference, no enum and no niche in it.
//!
//! LOCK: `leaf` is held for one copy or one wipe, never together with another lock, and never while waiting.

use core::fmt;

use lock_api::{Mutex, RawMutex};

use crate::block_store::BlockStore;
use crate::delay::Delay;
use crate::evidence::EvidenceBox;
use crate::gate::{Gated, Inside, Turned};
use crate::invalidation::Pending;
use crate::platform::Platform;
use crate::policy::{Policy, Standing};
use crate::recorder::Recorder;
use crate::statistics::{Histogram, RefusalCounters};
use crate::sync::{AtomicU32, AtomicU64, Ordering, const_new};
use crate::tickets::Tickets;
use crate::vf::{Generation, VfEvent, VfState};

/// Keeps the state of one VF; `G` is the host's cell for what the gate guards, `R` its raw lock.
///
/// All-zero is valid if it is for `G` and `R`.
#[repr(C, align(64))]
pub struct VirtualFunction<G, R, const BLOCKS: usize> {
    pub(crate) gated: G,
    /// What a caller inside the gate is doing: the registration whose handler it called, or 0.
    running: AtomicU32,
    state: AtomicU32,
    generation: AtomicU32,
    /// Events that the handlers have not heard of yet, as bits of [`VfEvent::bit`].
    unheard: AtomicU32,
    thread: AtomicU64,
    /// When the call of the running handler began.
    since: AtomicU64,
    /// Begins with what every call looks at, so that this and the fields above are one cache line.
    pub(crate) policy: Policy,
    pub(crate) tickets: Tickets,
    pub(crate) delay: Delay,
    pub(crate) pending: Pending,
    pub(crate) leaf: Mutex<R, ()>,
    pub(crate) handler_time: Histogram,
    pub(crate) recorder: Recorder,
    pub(crate) store: BlockStore<BLOCKS>,
    pub(crate) refused: RefusalCounters,
    /// Not 0 while mitigated ranges of the VF have changed that nobody was told of.
    pub(crate) ranges_changed: AtomicU32,
    /// Last, because it is rarely touched: processors fetch lines in pairs, and the next VF's gate comes after it.
    pub(crate) evidence: EvidenceBox,
}

/// What [`VirtualFunction::running`] says while any handler may be told of an event.
pub(crate) const ANY_REGISTRATION: u32 = u32::MAX;

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> VirtualFunction<G, R, BLOCKS> {
    /// Fails to compile when a VF outgrows its budget.
    ///
    /// A stride that is a multiple of 4 KiB would put the same field of all VFs into the same cache set.
    pub(crate) const WITHIN_BUDGET: () = {
        assert!(size_of::<Self>() <= 16 * 1024 || cfg!(any(loom, shuttle)), "a VF has a budget of 16 KiB");
        assert!(!size_of::<Self>().is_multiple_of(4096), "the stride of VFs is a multiple of 4 KiB");
    };

    const_new! {
        /// Makes a VF like zeroed memory, around a cell that nobody has used.
        ///
        /// It is 16 KiB long: for constants and heaps, not for a kernel stack.
        #[must_use]
        pub fn new(gated: G) -> Self {
            Self {
                gated,
                running: AtomicU32::new(0),
                state: AtomicU32::new(0),
                generation: AtomicU32::new(0),
                unheard: AtomicU32::new(0),
                thread: AtomicU64::new(0),
                since: AtomicU64::new(0),
                tickets: Tickets::new(),
                delay: Delay::new(),
                pending: Pending::new(),
                leaf: Mutex::new(()),
                policy: Policy::new(),
                evidence: EvidenceBox::new(),
                refused: RefusalCounters::new(),
                ranges_changed: AtomicU32::new(0),
                handler_time: Histogram::new(),
                store: BlockStore::new(),
                recorder: Recorder::new(),
            }
        }
    }

    pub(crate) fn enter<'g, P: Platform>(
        &'g self,
        index: u16,
        budget: u64,
        platform: &'g P,
    ) -> Result<Inside<'g, P>, Turned> {
        self.gated.gate().enter(platform, index, || platform.now().saturating_add(budget))
    }

    pub(crate) fn generation(&self) -> Generation {
        Generation::new(self.generation.load(Ordering::Acquire))
    }

    /// Begins the next life.
    pub(crate) fn begin_next_life(&self) {
        let _before = self.generation.fetch_add(1, Ordering::AcqRel);
        let _dropped = self.pending.take();
        self.post(VfEvent::Reset);
    }

    pub(crate) fn state(&self) -> VfState {
        VfState::from_bits(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn set_state(&self, state: VfState) {
        self.state.store(state.to_bits(), Ordering::Release);
    }

    /// Goes from one state to another unless the state is a third one by now.
    pub(crate) fn change_state(&self, from: VfState, to: VfState) -> bool {
        self.state.compare_exchange(from.to_bits(), to.to_bits(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Lets the handlers hear of an event before the next call.
    pub(crate) fn post(&self, event: VfEvent) {
        let _before = self.unheard.fetch_or(event.bit(), Ordering::AcqRel);
    }

    pub(crate) fn has_unheard(&self) -> bool {
        self.unheard.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn take_unheard(&self) -> u32 {
        self.unheard.swap(0, Ordering::AcqRel)
    }

    /// The VF lost standing; the handlers hear of an isolation.
    pub(crate) fn fell(&self, standing: Standing) {
        if standing == Standing::Isolated {
            self.post(VfEvent::Quarantined);
        }
    }

    /// The registration whose handler runs for this VF, [`ANY_REGISTRATION`], or 0.
    pub(crate) fn running(&self) -> u32 {
        self.running.load(Ordering::Acquire)
    }

    /// The thread that runs the handler, if one runs.
    pub(crate) fn thread(&self) -> u64 {
        self.thread.load(Ordering::Relaxed)
    }

    /// When the call of the running handler began.
    pub(crate) fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }

    pub(crate) fn begin_handler(&self, registration: u32, thread: u64, time: u64) {
        self.thread.store(thread, Ordering::Relaxed);
        self.since.store(time, Ordering::Relaxed);
        self.running.store(registration, Ordering::Release);
    }

    /// The handler has returned and completes its call later: the call is never too long from here on.
    pub(crate) fn await_completion(&self) {
        self.since.store(u64::MAX, Ordering::Relaxed);
    }

    /// Release, so that a drain which sees it also sees all that the handler did.
    pub(crate) fn end_handler(&self) {
        self.running.store(0, Ordering::Release);
        self.thread.store(0, Ordering::Relaxed);
    }
}

impl<G, R, const BLOCKS: usize> fmt::Debug for VirtualFunction<G, R, BLOCKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualFunction").finish_non_exhaustive()
    }
}
