//! Handlers leave: gate, drain, free.
//!
//! **Gate.** The master table takes the registration out of service and its epoch moves on. **Drain.** Each VF's gate is
//! told ([`announce`](crate::gate::Gate::announce)): a call that goes in later sees the new epoch; one that is inside
//! now is awaited, unless it is seen to run another handler. **Free.** Only then the slots are wiped and the place is
//! given away.
//!
//! A drain never waits beyond its deadline. Past it the registration stays draining, its block answers
//! `STATUS_DEVICE_NOT_READY`, and the handler's memory must stay.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::block::BlockId;
use crate::gate::Gated;
use crate::handler_table::{Draining, Service, UnregisterError};
use crate::platform::{MILLISECOND, Platform};
use crate::virtual_function::{ANY_REGISTRATION, VirtualFunction};

/// A handler that was taken out of service, and in which calls may still be inside.
#[derive(Clone, Copy, Debug)]
#[must_use = "its memory must stay until it has left"]
pub struct Leaving {
    id: BlockId,
    registration: u32,
    /// What to free; `None` if another handler has taken its place.
    draining: Option<Draining>,
}

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS> {
    /// Takes a block's handler out of service; on success no callback of it runs or will run for this block.
    ///
    /// Called at `PASSIVE_LEVEL`; waits until `deadline` for calls that are inside, but from inside a callback for at
    /// most the time budget: two callbacks that each wait for the other's handler both go on.
    ///
    /// # Errors
    ///
    /// See [`UnregisterError`]; after `StillInUse` it can be called again.
    pub fn unregister<P: Platform>(
        &self,
        id: BlockId,
        deadline: u64,
        platform: &P,
    ) -> Result<(), UnregisterError> {
        let registration = self.handlers.registration(id).ok_or(UnregisterError::NotRegistered)?;
        self.refuse_own_callback(registration, platform)?;
        let leaving = self.begin_unregister(id)?;
        self.finish(leaving, deadline, platform)
    }

    /// Binds a block to another handler while VFs use it; no call is refused or lost meanwhile.
    ///
    /// Calls that began before finish on the old handler, later ones go to the new one, never both at once for one VF.
    /// On success the old handler does not run for this block any more. Waits as [`unregister`](Self::unregister) does.
    ///
    /// # Errors
    ///
    /// See [`UnregisterError`]. After `StillInUse` the new handler serves and the old one still runs: await it by
    /// replacing once more, or by unregistering.
    pub fn replace<P: Platform>(
        &self,
        id: BlockId,
        service: Service,
        deadline: u64,
        platform: &P,
    ) -> Result<(), UnregisterError> {
        let leaving = self.begin_replace(id, service, platform)?;
        self.finish(leaving, deadline, platform)
    }

    /// Takes a block's handler out of service without waiting, also from inside its own callback: calls that begin later
    /// are refused.
    ///
    /// # Errors
    ///
    /// `NotRegistered`.
    pub fn begin_unregister(&self, id: BlockId) -> Result<Leaving, UnregisterError> {
        let draining = self.handlers.begin_unregister(id).ok_or(UnregisterError::NotRegistered)?;
        Ok(Leaving { id, registration: draining.registration, draining: Some(draining) })
    }

    /// Binds a block to another handler without waiting for the old one.
    ///
    /// # Errors
    ///
    /// See [`UnregisterError`]; nothing has changed then.
    pub fn begin_replace<P: Platform>(
        &self,
        id: BlockId,
        service: Service,
        platform: &P,
    ) -> Result<Leaving, UnregisterError> {
        let registration = self.handlers.registration(id).ok_or(UnregisterError::NotRegistered)?;
        self.refuse_own_callback(registration, platform)?;
        let registration = self.handlers.replace(id, service)?;
        Ok(Leaving { id, registration, draining: None })
    }

    /// Waits until a handler has left, and frees what its block had. Waits as [`unregister`](Self::unregister) does.
    ///
    /// # Errors
    ///
    /// `StillInUse`; it can be called again.
    pub fn finish<P: Platform>(
        &self,
        leaving: Leaving,
        deadline: u64,
        platform: &P,
    ) -> Result<(), UnregisterError> {
        let thread = platform.thread();
        let is_inside = self.every_vf().any(|(_, vf)| vf.thread() == thread && vf.running() != 0);
        let within_budget = platform.now().saturating_add(self.time_budget());
        let deadline = if is_inside { deadline.min(within_budget) } else { deadline };
        self.drain(leaving.registration, deadline, platform)?;
        if let Some(draining) = &leaving.draining {
            self.free(leaving.id, draining);
        }
        Ok(())
    }

    /// Says whether the running thread is inside a callback of a block's handler, or one that any handler may be told an
    /// event in.
    #[must_use]
    pub fn is_own_callback<P: Platform>(&self, id: BlockId, platform: &P) -> bool {
        self.handlers
            .registration(id)
            .is_some_and(|registration| self.refuse_own_callback(registration, platform).is_err())
    }

    fn free(&self, id: BlockId, draining: &Draining) {
        for (_, vf) in self.every_vf() {
            let _leaf = vf.leaf.lock();
            for slot in [draining.written, draining.published].into_iter().flatten() {
                vf.store.wipe(slot);
            }
            if let Some(counters) = vf.store.counters(draining.place) {
                counters.clear();
            }
            // What the VF wrote before the block was registered, if no call has noticed the registration.
            self.handlers.unclaimed().take_back(&vf.store, &|block| block == id);
        }
        self.handlers.end_unregister(id, draining);
    }

    /// Waits until no call is inside the handler of `registration`.
    fn drain<P: Platform>(
        &self,
        registration: u32,
        deadline: u64,
        platform: &P,
    ) -> Result<(), UnregisterError> {
        for (_, vf) in self.every_vf() {
            let gate = vf.gated.gate();
            let Some(caller) = gate.announce() else { continue };
            while may_run(vf, registration) && gate.holds(caller) {
                let now = platform.now();
                if now >= deadline {
                    return Err(UnregisterError::StillInUse);
                }
                platform.sleep(now.saturating_add(MILLISECOND).min(deadline));
            }
        }
        Ok(())
    }

    fn refuse_own_callback<P: Platform>(
        &self,
        registration: u32,
        platform: &P,
    ) -> Result<(), UnregisterError> {
        let thread = platform.thread();
        let inside = |vf: &VirtualFunction<G, R, BLOCKS>| {
            vf.thread() == thread && may_run(vf, registration) && vf.running() != 0
        };
        if self.every_vf().any(|(_, vf)| inside(vf)) { Err(UnregisterError::InsideCallback) } else { Ok(()) }
    }
}

/// Says whether the caller inside may be in the handler of `registration`, or may still go there.
fn may_run<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    registration: u32,
) -> bool {
    let running = vf.running();
    running == 0 || running == registration || running == ANY_REGISTRATION
}
