//! One write or read, from the VSP's arguments to the status.
//!
//! Everything but the two checks that need no VF happens inside the VF's gate, so that counters, evidence and order are
//! the VF's own. The checks are in `check`, the handler is asked in `ask`.

use lock_api::RawMutex;

use super::check::{Admitted, Patience, Request, Stop, Wanted};
use super::{PhysicalFunction, STARTED};
use crate::block::{BlockId, BlockLength};
use crate::block_store::Writer;
use crate::dispatch_view::{Route, rule};
use crate::gate::{Gated, Inside, Turned};
use crate::owned::Owned;
use crate::platform::Platform;
use crate::recorder::Happening;
use crate::refusal::Refusal;
use crate::statistics::BlockCounters;
use crate::status::NtStatus;
use crate::sync::Ordering;
use crate::transfer::{Sink, Source};
use crate::vf::{Generation, Vf, VfCount, VfIndex};
use crate::virtual_function::VirtualFunction;

impl<'a, G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'a, G, R, BLOCKS>
where
    Self: Sync,
{
    /// Takes a block that a VF writes: the whole of `WriteVfConfigBlock` but for the C types.
    ///
    /// `vf` and `block` are as the VSP gave them. Called at `PASSIVE_LEVEL`; waits up to the time budget for earlier
    /// calls of the same VF. A write that was refused has changed nothing but counters and the VF's standing.
    ///
    /// Source: `pcivirt.h`, `SRIOV_WRITE_BLOCK`.
    pub fn write<P: Platform>(&self, vf: u16, block: u32, source: &impl Source, platform: &P) -> NtStatus {
        self.attempt_write(vf, block, source, platform, Patience::Waits)
    }

    /// Answers a block that a VF reads: the whole of `ReadVfConfigBlock` but for the C types.
    ///
    /// On success every byte of the buffer was written: the content, then zeros. A refused read zeroes exactly the
    /// stated length if the buffer is not NULL and that length is 1 to 128, and else touches nothing. Otherwise as
    /// [`write`](Self::write).
    ///
    /// Source: `pcivirt.h`, `SRIOV_READ_BLOCK`.
    pub fn read<P: Platform>(&self, vf: u16, block: u32, sink: &mut impl Sink, platform: &P) -> NtStatus {
        let status = self.attempt_read(vf, block, sink, platform, Patience::Waits);
        if !status.is_success() && !sink.is_null() && BlockLength::new(sink.length()).is_some() {
            sink.fill(&[]);
        }
        status
    }

    /// Writes; a call over its rate that may wait is attempted a second and last time when there is room again.
    ///
    /// Not a loop: a compiler would keep what does not change ready for a second round that hardly ever comes.
    fn attempt_write<P: Platform>(
        &self,
        vf: u16,
        block: u32,
        source: &impl Source,
        platform: &P,
        patience: Patience,
    ) -> NtStatus {
        let request =
            Request::new(BlockId::new(block), source.length(), source.is_null(), Wanted::Write, patience);
        let (index, vf) = match self.admit(vf) {
            Ok(found) => found,
            Err(refusal) => return self.refuse(refusal),
        };
        match self.write_to(vf, index, request, source, platform) {
            Ok(()) => NtStatus::SUCCESS,
            Err(Stop::Later(time)) => {
                wait(vf, index, time, platform);
                self.attempt_write(index.value(), block, source, platform, Patience::Lost)
            }
            Err(stop) => answer(vf, stop),
        }
    }

    /// Reads; otherwise as [`attempt_write`](Self::attempt_write).
    fn attempt_read<P: Platform>(
        &self,
        vf: u16,
        block: u32,
        sink: &mut impl Sink,
        platform: &P,
        patience: Patience,
    ) -> NtStatus {
        let request =
            Request::new(BlockId::new(block), sink.length(), sink.is_null(), Wanted::Read, patience);
        let (index, vf) = match self.admit(vf) {
            Ok(found) => found,
            Err(refusal) => return self.refuse(refusal),
        };
        match self.read_from(vf, index, request, sink, platform) {
            Ok(()) => NtStatus::SUCCESS,
            Err(Stop::Later(time)) => {
                wait(vf, index, time, platform);
                self.attempt_read(index.value(), block, sink, platform, Patience::Lost)
            }
            Err(stop) => answer(vf, stop),
        }
    }

    /// Checks what needs no VF.
    fn admit(&self, vf: u16) -> Result<(VfIndex, &'a VirtualFunction<G, R, BLOCKS>), Refusal> {
        let life = self.life.load(Ordering::Acquire);
        if life & STARTED == 0 {
            return Err(Refusal::NotStarted);
        }
        let [low, high, ..] = life.to_le_bytes();
        let index = VfCount::new(u16::from_le_bytes([low, high])).index(vf).ok_or(Refusal::NoSuchVf)?;
        let vf = self.vf(index).ok_or(Refusal::NoSuchVf)?;
        Ok((index, vf))
    }

    fn write_to<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        request: Request,
        source: &impl Source,
        platform: &P,
    ) -> Result<(), Stop> {
        let mut inside = self.go_in(vf, index, request, platform)?;
        let (outcome, called) = {
            let mut owned = inside.open(&vf.gated).ok_or(Refusal::NotStarted)?;
            self.settle(vf, index, &mut owned, platform);
            let outcome = self.write_inside(vf, index, &mut owned, request, source, platform);
            self.settle_again(vf, index, &mut owned, platform);
            (outcome, owned.called)
        };
        self.go_out(inside, called);
        outcome
    }

    fn read_from<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        request: Request,
        sink: &mut impl Sink,
        platform: &P,
    ) -> Result<(), Stop> {
        let mut inside = self.go_in(vf, index, request, platform)?;
        let (outcome, called) = {
            let mut owned = inside.open(&vf.gated).ok_or(Refusal::NotStarted)?;
            self.settle(vf, index, &mut owned, platform);
            let outcome = self.read_inside(vf, index, &mut owned, request, platform).map(|length| {
                sink.fill(owned.staging.get(..usize::from(length)).unwrap_or_default());
            });
            self.settle_again(vf, index, &mut owned, platform);
            (outcome, owned.called)
        };
        self.go_out(inside, called);
        outcome
    }

    fn go_in<'g, P: Platform>(
        &self,
        vf: &'g VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        request: Request,
        platform: &'g P,
    ) -> Result<Inside<'g, P>, Refusal> {
        vf.enter(index.value(), self.time_budget(), platform)
            .map_err(|turned| self.turned_away(vf, request, turned, platform))
    }

    #[cold]
    #[inline(never)]
    fn turned_away<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        request: Request,
        turned: Turned,
        platform: &P,
    ) -> Refusal {
        match turned {
            Turned::Closed => Refusal::NotStarted,
            Turned::TimedOut => {
                let _blamed = self.blame_late(vf, platform.now());
                Refusal::TimedOut
            }
            // A cause that comes earlier in the order still decides, though its VF is crowded.
            Turned::Crowded => self.check_outside(vf, request).err().unwrap_or(Refusal::Crowded),
        }
    }

    /// Leaves; a call that was blamed for taking too long puts its handler back into service.
    fn go_out<P: Platform>(&self, inside: Inside<'_, P>, called: u32) {
        if inside.leave() {
            self.handlers.recovered(called);
        }
    }

    #[inline]
    fn write_inside<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        request: Request,
        source: &impl Source,
        platform: &P,
    ) -> Result<(), Stop> {
        // Looked up before the clock is read, for which a processor finishes all that it has begun.
        let known = owned.view.find(request.block);
        let time = platform.now();
        let who = Vf { index, generation: Generation::new(owned.settled) };
        let mut other = Route::VACANT;
        let admitted = match self.check(vf, who, request, known, &mut other, time) {
            Ok(admitted) => admitted,
            Err(stop) => return stopped(vf, owned, request, time, stop, Some(source)),
        };
        let staging = owned.staging.get_mut(..usize::from(admitted.length)).ok_or(Refusal::Length)?;
        source.copy_to(staging);
        owned.called = admitted.route.registration;
        let counters = vf.store.counters(admitted.place);
        let outcome = match admitted.route.handler() {
            Some(handler) => self.ask_write(vf, &admitted, counters, handler, staging, platform),
            None => Ok(()),
        };
        conclude(vf, &mut owned.recorded, &admitted, counters, outcome, Happening::Wrote)?;
        if let Some(slot) = admitted.written {
            vf.store.set(slot, staging, Writer::Vf, admitted.vf.generation, admitted.time);
        }
        Ok(())
    }

    /// Composes the answer in the staging slot; gives the number of bytes.
    fn read_inside<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        request: Request,
        platform: &P,
    ) -> Result<u8, Stop> {
        // Looked up before the clock is read, for which a processor finishes all that it has begun.
        let known = owned.view.find(request.block);
        let time = platform.now();
        let who = Vf { index, generation: Generation::new(owned.settled) };
        let mut other = Route::VACANT;
        let admitted = match self.check(vf, who, request, known, &mut other, time) {
            Ok(admitted) => admitted,
            Err(stop) => return stopped(vf, owned, request, time, stop, None::<&&[u8]>).map(|()| 0),
        };
        let staging = owned.staging.get_mut(..usize::from(admitted.length)).ok_or(Refusal::Length)?;
        staging.fill(0);
        owned.called = admitted.route.registration;
        let counters = vf.store.counters(admitted.place);
        let outcome = if admitted.route.has(rule::ASKS_HANDLER) {
            match admitted.route.handler() {
                Some(handler) => self.ask_read(vf, &admitted, counters, handler, staging, platform),
                None => Err(Refusal::HandlerAnswer),
            }
        } else {
            copy_content(vf, &admitted, staging)
        };
        conclude(vf, &mut owned.recorded, &admitted, counters, outcome, Happening::Read)?;
        Ok(admitted.length)
    }

    /// Counts a refusal that belongs to no VF.
    fn refuse(&self, refusal: Refusal) -> NtStatus {
        self.refused.count(refusal);
        refusal.status()
    }
}

/// Waits until the rate has room again.
#[cold]
#[inline(never)]
fn wait<G, R, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    index: VfIndex,
    time: u64,
    platform: &impl Platform,
) {
    let _waited = vf.delay.wait(index.value(), time, platform);
}

/// Counts a refusal at its VF.
#[cold]
#[inline(never)]
fn answer<G, R, const BLOCKS: usize>(vf: &VirtualFunction<G, R, BLOCKS>, stop: Stop) -> NtStatus {
    let (refusal, status) = match stop {
        Stop::Refused(refusal) => (refusal, refusal.status()),
        Stop::Shed => (Refusal::Rate, NtStatus::SUCCESS),
        Stop::Later(_) => (Refusal::Rate, Refusal::Rate.status()),
    };
    vf.refused.count(refusal);
    status
}

/// Keeps what a call that passes no further leaves behind: an event, and what counts against the VF.
#[cold]
#[inline(never)]
fn stopped<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    owned: &mut Owned<BLOCKS>,
    request: Request,
    time: u64,
    stop: Stop,
    source: Option<&impl Source>,
) -> Result<(), Stop> {
    let (refusal, what) = match stop {
        Stop::Refused(refusal) => (refusal, Happening::Refused(refusal)),
        Stop::Shed => (Refusal::Rate, Happening::Shed),
        Stop::Later(_) => return Err(stop),
    };
    vf.recorder.record(
        &mut owned.recorded,
        time,
        Generation::new(owned.settled),
        request.block,
        request.length,
        what,
    );
    if let Some(standing) = vf.policy.fault(refusal, time) {
        let mut bytes: &[u8] = &[];
        if let (Some(source), Some(length), false) =
            (source, BlockLength::new(request.length), request.is_null)
            && let Some(staging) = owned.staging.get_mut(..usize::from(length.value()))
        {
            source.copy_to(staging);
            bytes = staging;
        }
        vf.evidence.keep(time, request.block, request.length, refusal, bytes);
        vf.fell(standing);
    }
    Err(stop)
}

/// Copies what the PF side published, or what the VF wrote if the schema says so.
fn copy_content<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    admitted: &Admitted<'_>,
    staging: &mut [u8],
) -> Result<(), Refusal> {
    let route = admitted.route;
    let slot = if route.has(rule::ECHO) { route.written_slot() } else { route.published_slot() };
    let Some(slot) = slot else { return Ok(()) };
    let stamp = vf.store.copy(slot, staging).or_else(|| {
        let _leaf = vf.leaf.lock();
        vf.store.copy(slot, staging)
    });
    let length = stamp.map_or(0, |stamp| stamp.length);
    if usize::from(length) > staging.len() && !route.has(rule::TRUNCATABLE) {
        return Err(Refusal::ReadTooShort);
    }
    Ok(())
}

/// Drops what a reset has overtaken; counts and records the rest.
#[inline]
fn conclude<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    recorded: &mut u32,
    admitted: &Admitted<'_>,
    counters: Option<&BlockCounters>,
    outcome: Result<(), Refusal>,
    served: Happening,
) -> Result<(), Refusal> {
    let Admitted { vf: Vf { generation, .. }, block, length, time, .. } = *admitted;
    let outcome = if vf.generation() == generation { outcome } else { Err(Refusal::Reset) };
    if let Err(refusal) = outcome {
        return failed(vf, recorded, (time, generation, block, length), counters, refusal);
    }
    vf.recorder.record(recorded, time, generation, block, length.into(), served);
    if let Some(counters) = counters {
        counters.served(length, time);
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn failed<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    recorded: &mut u32,
    (time, generation, block, length): (u64, Generation, BlockId, u8),
    counters: Option<&BlockCounters>,
    refusal: Refusal,
) -> Result<(), Refusal> {
    vf.recorder.record(recorded, time, generation, block, length.into(), Happening::Refused(refusal));
    if let Some(counters) = counters {
        counters.refused();
    }
    Err(refusal)
}
