//! The physical function: what a VF's call meets, from the first check to the answer.
//!
//! It owns nothing: the VFs and the handler table lie in memory that the host brings. A host makes one when it knows
//! that memory, calls [`start`](PhysicalFunction::start) whenever its VFs have been enabled and
//! [`stop`](PhysicalFunction::stop) before they are disabled; what the VFs hold survives between the two.
//!
//! ```text
//!              start                      stop
//!   stopped -----------> started(count) ---------> stopped
//!      ^                                              |
//!      +----------- calls: DEVICE_NOT_READY ----------+
//! ```
//!
//! The other parts of it are in the submodules: the calls (`call`, `check`, `ask`), the life of the VFs (`life`),
//! handlers coming and going (`drain`), accesses to mitigated registers (`mitigate`), what the PF side does to VFs at any time (`publish`),
//! what lies in their stores (`content`), and what the operator sees
//! and decides (`operator`).

mod ask;
mod call;
mod check;
mod content;
mod drain;
mod life;
mod mitigate;
mod operator;
mod publish;

use core::fmt;

use lock_api::RawMutex;

use crate::gate::Gated;
use crate::handler_memory::VfMemory;
use crate::handler_table::{HandlerTable, RegisterError, Service};
use crate::platform::SECOND;
use crate::schema::Schema;
use crate::statistics::RefusalCounters;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::vf::{VfCount, VfIndex};
use crate::virtual_function::VirtualFunction;

pub use content::Content;
pub use drain::Leaving;
pub use life::{StartError, VfError};

/// Serves the VFs of one PF.
pub struct PhysicalFunction<'a, G, R, const BLOCKS: usize> {
    vfs: &'a [VirtualFunction<G, R, BLOCKS>],
    handlers: &'a HandlerTable<'a, R, BLOCKS>,
    memory: &'a [VfMemory<'a, R>],
    /// The number of VFs served, and [`STARTED`].
    life: AtomicU32,
    /// One more than the number of VFs of the last start, or 0.
    last_count: AtomicU32,
    budget: AtomicU64,
    /// Not 0 while an invalidation may be waiting.
    posted: AtomicU32,
    /// Not 0 while mitigated ranges may have changed that nobody was told of.
    ranges_changed: AtomicU32,
    /// The VF whose turn it is to be told.
    turn: AtomicU32,
    refused: RefusalCounters,
}

/// Set in `life` while calls are served.
const STARTED: u32 = 1 << 31;

impl<'a, G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'a, G, R, BLOCKS> {
    /// Makes a stopped PF over zeroed VFs (or the VFs of an earlier one) and a handler table.
    #[must_use]
    pub fn new(vfs: &'a [VirtualFunction<G, R, BLOCKS>], handlers: &'a HandlerTable<'a, R, BLOCKS>) -> Self {
        Self::with_memory(vfs, handlers, &[])
    }

    /// The same, with memory for the handlers, one place for each VF; without it, those that need some are lent none.
    #[must_use]
    pub fn with_memory(
        vfs: &'a [VirtualFunction<G, R, BLOCKS>],
        handlers: &'a HandlerTable<'a, R, BLOCKS>,
        memory: &'a [VfMemory<'a, R>],
    ) -> Self {
        const { VirtualFunction::<G, R, BLOCKS>::WITHIN_BUDGET };
        Self {
            vfs,
            handlers,
            memory,
            life: AtomicU32::new(0),
            last_count: AtomicU32::new(0),
            budget: AtomicU64::new(SECOND),
            posted: AtomicU32::new(0),
            ranges_changed: AtomicU32::new(0),
            turn: AtomicU32::new(0),
            refused: RefusalCounters::new(),
        }
    }

    /// Sets the time that one call may wait for its VF, and a handler may take; one second to begin with.
    pub fn set_time_budget(&self, budget: u64) {
        self.budget.store(budget, Ordering::Relaxed);
    }

    /// Binds a block to a handler; calls that begin later reach it.
    ///
    /// # Errors
    ///
    /// See [`RegisterError`].
    pub fn register(&self, schema: &Schema, service: Service) -> Result<(), RegisterError> {
        self.handlers.register(schema, service)
    }

    /// Gives the number of VFs that are served: 0 while the PF is stopped.
    #[must_use]
    pub fn vf_count(&self) -> VfCount {
        let [low, high, ..] = self.life.load(Ordering::Acquire).to_le_bytes();
        VfCount::new(u16::from_le_bytes([low, high]))
    }

    /// Checks an index against all VFs that the host brought memory for, served or not.
    #[must_use]
    pub fn index(&self, vf: u16) -> Option<VfIndex> {
        VfCount::new(u16::try_from(self.vfs.len()).unwrap_or(u16::MAX)).index(vf)
    }

    fn vf(&self, vf: VfIndex) -> Option<&'a VirtualFunction<G, R, BLOCKS>> {
        self.vfs.get(usize::from(vf.value()))
    }

    /// Every VF that there is memory for, with its index.
    fn every_vf(&self) -> impl Iterator<Item = (u16, &'a VirtualFunction<G, R, BLOCKS>)> {
        (0..u16::MAX).zip(self.vfs)
    }

    fn time_budget(&self) -> u64 {
        self.budget.load(Ordering::Relaxed)
    }
}

impl<G, R, const BLOCKS: usize> fmt::Debug for PhysicalFunction<'_, G, R, BLOCKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhysicalFunction").field("vfs", &self.vfs.len()).finish_non_exhaustive()
    }
}
