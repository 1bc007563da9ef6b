//! The life of the VFs: enabled, put to sleep, reset, gone.
//!
//! ```text
//!                start                  set_power(D3)
//!   Absent ---------------> Enabled --------------------> Off
//!      ^                     |   ^                         |
//!      |        stop         |   +-------------------------+
//!      +---------------------+          set_power(D0)
//!      +---------------------------------------------------+
//! ```
//!
//! What happens to a VF is latched as an event and told to the handlers by whoever is inside the VF's gate next, so that
//! nobody who brings it about ever waits for a handler. A reset raises the generation at once; the old content is wiped
//! before the next call is looked at.

use lock_api::RawMutex;

use super::{PhysicalFunction, STARTED};
use crate::block::{BlockId, BlockMask};
use crate::dispatch_view::{Route, rule};
use crate::gate::Gated;
use crate::owned::Owned;
use crate::platform::{MILLISECOND, Platform};
use crate::recorder::Happening;
use crate::status::NtStatus;
use crate::sync::Ordering;
use crate::vf::{Generation, Vf, VfCount, VfEvent, VfIndex, VfPowerState, VfState};
use crate::virtual_function::{ANY_REGISTRATION, VirtualFunction};

/// Why the PF was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// It is started.
    Started,
    /// There is no memory for so many VFs.
    TooManyVfs,
}

/// Why something was not done to a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VfError {
    /// The PF is not started.
    NotStarted,
    /// There is no such VF.
    NoSuchVf,
    /// That is no power state.
    NoSuchPowerState,
}

impl VfError {
    /// Gives the status for a caller on the C side.
    pub const fn status(self) -> NtStatus {
        match self {
            Self::NotStarted => NtStatus::DEVICE_NOT_READY,
            Self::NoSuchVf | Self::NoSuchPowerState => NtStatus::INVALID_PARAMETER,
        }
    }
}

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS> {
    /// Serves `count` VFs from now on: all of them are in D0. Called after virtualization was enabled.
    ///
    /// After a stop the VFs go on with what they had; if their number changed, all are reset and told to read everything
    /// again.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start<P: Platform>(&self, count: VfCount, platform: &P) -> Result<(), StartError> {
        if self.life.load(Ordering::Acquire) & STARTED != 0 {
            return Err(StartError::Started);
        }
        if usize::from(count.value()) > self.vfs.len() {
            return Err(StartError::TooManyVfs);
        }
        let known = u32::from(count.value()).wrapping_add(1);
        let last = self.last_count.swap(known, Ordering::AcqRel);
        let changed = last != 0 && last != known;
        for (index, vf) in self.every_vf() {
            vf.gated.gate().reopen();
            if changed {
                vf.begin_next_life();
                vf.pending.post(BlockMask::ALL);
            }
            if index < count.value() {
                vf.set_state(VfState::Enabled);
                vf.post(VfEvent::Enabled);
            }
        }
        // INVARIANT: readiness is published last.
        self.life.store(STARTED | u32::from(count.value()), Ordering::Release);
        for index in count.indexes() {
            self.knock(index, platform);
        }
        Ok(())
    }

    /// Serves no VF any more: later calls are refused, waiting ones sent away, and those inside awaited until `deadline`.
    ///
    /// Called before virtualization is disabled, and when the device is gone. Says whether all calls have ended; if not,
    /// the memory of the VFs must stay, and `stop` can be called again.
    #[must_use = "memory must stay while calls are inside"]
    pub fn stop<P: Platform>(&self, deadline: u64, platform: &P) -> bool {
        let was_started = self.life.swap(0, Ordering::AcqRel) & STARTED != 0;
        for (index, vf) in self.every_vf() {
            if was_started && vf.state() != VfState::Absent {
                vf.set_state(VfState::Absent);
                vf.post(VfEvent::Disabled);
                self.knock_at(vf, index, platform);
            }
            vf.gated.gate().close(platform, index);
            vf.delay.wake(index, platform);
        }
        self.every_vf().all(|(_, vf)| {
            while !vf.gated.gate().is_idle() || !vf.delay.is_idle() {
                let now = platform.now();
                if now >= deadline {
                    return false;
                }
                platform.sleep(now.saturating_add(MILLISECOND).min(deadline));
            }
            true
        })
    }

    /// Begins a new life of a VF: what it wrote is gone before its next call.
    ///
    /// Never waits for a handler. `ResetVf` of `pcivirt.h`, at `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// See [`VfError`].
    pub fn reset_vf<P: Platform>(&self, vf: u16, platform: &P) -> Result<(), VfError> {
        let index = self.served(vf)?;
        let vf = self.vf(index).ok_or(VfError::NoSuchVf)?;
        vf.begin_next_life();
        self.knock_at(vf, index.value(), platform);
        Ok(())
    }

    /// Puts a VF into a power state: in D3 its calls are refused, in D0 they are served again.
    ///
    /// `state` is as the VSP gave it (`DEVICE_POWER_STATE`). `SetVfPowerState` of `pcivirt.h`, at `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// See [`VfError`].
    pub fn set_vf_power<P: Platform>(&self, vf: u16, state: i32, platform: &P) -> Result<(), VfError> {
        let index = self.served(vf)?;
        let state = VfPowerState::from_raw(state).ok_or(VfError::NoSuchPowerState)?;
        let vf = self.vf(index).ok_or(VfError::NoSuchVf)?;
        let changed = match state {
            VfPowerState::D0 => vf.change_state(VfState::Off, VfState::Enabled),
            VfPowerState::D1 | VfPowerState::D2 => false,
            VfPowerState::D3 => vf.change_state(VfState::Enabled, VfState::Off),
        };
        if changed {
            vf.post(VfEvent::PowerChanged);
            self.knock_at(vf, index.value(), platform);
        }
        Ok(())
    }

    /// Gives the state of a VF.
    #[must_use]
    pub fn vf_state(&self, vf: VfIndex) -> VfState {
        self.vf(vf).map_or(VfState::Absent, VirtualFunction::state)
    }

    /// Names the present life of a VF.
    #[must_use]
    pub fn vf_identity(&self, vf: VfIndex) -> Option<Vf> {
        self.vf(vf).map(|entry| Vf { index: vf, generation: entry.generation() })
    }

    pub(super) fn served(&self, vf: u16) -> Result<VfIndex, VfError> {
        if self.life.load(Ordering::Acquire) & STARTED == 0 {
            return Err(VfError::NotStarted);
        }
        self.vf_count().index(vf).ok_or(VfError::NoSuchVf)
    }

    fn knock<P: Platform>(&self, index: VfIndex, platform: &P) {
        if let Some(vf) = self.vf(index) {
            self.knock_at(vf, index.value(), platform);
        }
    }

    /// Lets the handlers hear at once if nobody is inside; else who is inside, or comes next, tells them.
    fn knock_at<P: Platform>(&self, vf: &VirtualFunction<G, R, BLOCKS>, index: u16, platform: &P) {
        let Some(index) = self.index(index) else { return };
        let Some(mut inside) = vf.gated.gate().try_enter(platform, index.value()) else { return };
        if let Some(mut owned) = inside.open(&vf.gated) {
            self.settle(vf, index, &mut owned, platform);
            self.settle_again(vf, index, &mut owned, platform);
        }
    }

    /// Carries out what happened to the VF since the last call, before this one is looked at.
    #[inline]
    pub(super) fn settle<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        platform: &P,
    ) {
        let is_settled = owned.epoch == self.handlers.epoch()
            && owned.settled == vf.generation().value()
            && !vf.has_unheard();
        if !is_settled {
            self.settle_now(vf, index, owned, platform);
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_now<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        platform: &P,
    ) {
        if owned.epoch != self.handlers.epoch() {
            owned.epoch = self.handlers.renew(&mut owned.view);
            let _leaf = vf.leaf.lock();
            self.handlers.unclaimed().take_back(&vf.store, &|block| owned.view.find(block).is_some());
        }
        let generation = vf.generation();
        if generation.value() != owned.settled {
            if let Some(memory) = self.memory.get(usize::from(index.value())) {
                memory.lend(|bytes| bytes.fill(0));
            }
            self.wipe(vf, owned, generation);
        }
        if vf.has_unheard() {
            self.tell(vf, index, owned, platform);
        }
    }

    /// Carries out what happened during a call, before the gate is left.
    #[inline]
    pub(super) fn settle_again<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        platform: &P,
    ) {
        if vf.has_unheard() {
            self.tell_again(vf, index, owned, platform);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_again<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        platform: &P,
    ) {
        while vf.has_unheard() {
            // INVARIANT: a drain that saw this call inside another handler has moved on. From here on it sees that any
            // handler may run; and if it began before, the table's epoch is seen to have moved.
            vf.begin_handler(ANY_REGISTRATION, platform.thread(), platform.now());
            let _own_call = vf.gated.gate().announce();
            self.settle(vf, index, owned, platform);
        }
    }

    fn tell<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        platform: &P,
    ) {
        let events = vf.take_unheard();
        let who = Vf { index, generation: Generation::new(owned.settled) };
        vf.begin_handler(ANY_REGISTRATION, platform.thread(), platform.now());
        let mut told = [0_u64; 4];
        for handler in
            owned.view.routes().filter(|route| !route.has(rule::DRAINING)).filter_map(Route::handler)
        {
            let bit = 1_u64.wrapping_shl(u32::from(handler));
            let Some(word) = told.get_mut(usize::from(handler >> 6)) else { continue };
            if *word & bit != 0 {
                continue;
            }
            *word |= bit;
            let Some(handler) = self.handlers.handler(handler) else { continue };
            for event in told_events(events) {
                handler.vf_event(who, event);
            }
        }
        vf.end_handler();
        for event in told_events(events) {
            let now = platform.now();
            vf.recorder.record(
                &mut owned.recorded,
                now,
                who.generation,
                BlockId::new(0),
                0,
                Happening::Told(event),
            );
        }
    }

    /// Wipes what an earlier life left: everything but published content that is to be kept or is of this life already.
    fn wipe(&self, vf: &VirtualFunction<G, R, BLOCKS>, owned: &mut Owned<BLOCKS>, generation: Generation) {
        let kept = |slot: u8| {
            owned.view.routes().any(|route| route.published_slot() == Some(slot) && route.has(rule::KEEP))
        };
        {
            let _leaf = vf.leaf.lock();
            for slot in (0..u8::MAX).take(BLOCKS) {
                let new = vf.store.stamp(slot).is_some_and(|stamp| stamp.generation == generation);
                if !new && !kept(slot) {
                    vf.store.wipe(slot);
                }
            }
            self.handlers.unclaimed().take_back(&vf.store, &|_| true);
        }
        vf.evidence.clear();
        vf.policy.begin_next_life();
        owned.staging.fill(0);
        owned.settled = generation.value();
    }
}

fn told_events(events: u32) -> impl Iterator<Item = VfEvent> {
    VfEvent::IN_ORDER.into_iter().filter(move |event| events & event.bit() != 0)
}
