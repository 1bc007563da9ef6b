//! One write or read, in the order of its checks.
//!
//! Everything but the two checks that need no VF happens inside the VF's gate, so that counters, evidence and order are
//! the VF's own. The checks come in the order of [`Refusal`]; the first that matches decides. Bytes are copied after all
//! checks that need none.

use lock_api::RawMutex;

use super::{PhysicalFunction, STARTED};
use crate::block::{BlockId, BlockLength};
use crate::block_store::Writer;
use crate::dispatch_view::{Route, rule};
use crate::gate::{Gated, Turned};
use crate::handler::{BlockHandler, Call, Output};
use crate::owned::Owned;
use crate::platform::Platform;
use crate::refusal::Refusal;
use crate::status::NtStatus;
use crate::sync::Ordering;
use crate::transfer::{Sink, Source};
use crate::vf::{Vf, VfCount, VfIndex, VfState};
use crate::virtual_function::VirtualFunction;

/// What a caller asks for, before anything of it was checked.
#[derive(Clone, Copy)]
struct Request {
    block: BlockId,
    length: u32,
    is_null: bool,
    wanted: Wanted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Write,
    Read,
}

/// A request that passed all checks.
#[derive(Clone, Copy)]
struct Admitted {
    vf: Vf,
    block: BlockId,
    length: u8,
    place: u8,
    route: Route,
    time: u64,
}

impl<'a, G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'a, G, R, BLOCKS>
where
    Self: Sync,
{
    /// Takes a block that a VF writes: the whole of `WriteVfConfigBlock` but for the C types.
    ///
    /// `vf` and `block` are as the VSP gave them. Called at `PASSIVE_LEVEL`; waits up to the time budget for earlier
    /// calls of the same VF. A write that was refused has changed nothing but counters.
    ///
    /// Source: `pcivirt.h`, `SRIOV_WRITE_BLOCK`.
    pub fn write<P: Platform>(&self, vf: u16, block: u32, source: &impl Source, platform: &P) -> NtStatus {
        let request = Request {
            block: BlockId::new(block),
            length: source.length(),
            is_null: source.is_null(),
            wanted: Wanted::Write,
        };
        let (index, vf) = match self.admit(vf) {
            Ok(found) => found,
            Err(refusal) => return self.refuse(refusal),
        };
        match self.write_to(vf, index, request, source, platform) {
            Ok(()) => NtStatus::SUCCESS,
            Err(refusal) => refuse(vf, refusal),
        }
    }

    /// Answers a block that a VF reads: the whole of `ReadVfConfigBlock` but for the C types.
    ///
    /// On success every byte of the buffer was written: the content, then zeros. A refused read zeroes exactly the
    /// stated length if the buffer is not NULL and that length is 1 to 128, and else touches nothing. Otherwise as
    /// [`write`](Self::write).
    ///
    /// Source: `pcivirt.h`, `SRIOV_READ_BLOCK`.
    pub fn read<P: Platform>(&self, vf: u16, block: u32, sink: &mut impl Sink, platform: &P) -> NtStatus {
        let request = Request {
            block: BlockId::new(block),
            length: sink.length(),
            is_null: sink.is_null(),
            wanted: Wanted::Read,
        };
        let (status, filled) = match self.admit(vf) {
            Ok((index, vf)) => match self.read_from(vf, index, request, sink, platform) {
                Ok(()) => (NtStatus::SUCCESS, true),
                Err(refusal) => (refuse(vf, refusal), false),
            },
            Err(refusal) => (self.refuse(refusal), false),
        };
        if !filled && !request.is_null && BlockLength::new(request.length).is_some() {
            sink.fill(&[]);
        }
        status
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
    ) -> Result<(), Refusal> {
        let mut inside = self.go_in(vf, index, request, platform)?;
        let mut owned = inside.open(&vf.gated).ok_or(Refusal::NotStarted)?;
        self.settle(vf, index, &mut owned, platform);
        let outcome = self.write_inside(vf, index, &mut owned, request, source, platform);
        self.settle_again(vf, index, &mut owned, platform);
        outcome
    }

    fn read_from<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        request: Request,
        sink: &mut impl Sink,
        platform: &P,
    ) -> Result<(), Refusal> {
        let mut inside = self.go_in(vf, index, request, platform)?;
        let mut owned = inside.open(&vf.gated).ok_or(Refusal::NotStarted)?;
        self.settle(vf, index, &mut owned, platform);
        let outcome = self.read_inside(vf, index, &mut owned, request, platform);
        if let Ok(length) = outcome {
            let content = owned.staging.get(..usize::from(length)).unwrap_or_default();
            sink.fill(content);
        }
        self.settle_again(vf, index, &mut owned, platform);
        outcome.map(|_| ())
    }

    fn go_in<'g, P: Platform>(
        &self,
        vf: &'g VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        request: Request,
        platform: &'g P,
    ) -> Result<crate::gate::Inside<'g, P>, Refusal> {
        vf.enter(index.value(), self.time_budget(), platform).map_err(|turned| match turned {
            Turned::Closed => Refusal::NotStarted,
            Turned::TimedOut => Refusal::TimedOut,
            // A cause that comes earlier in the order still decides, though its VF is crowded.
            Turned::Crowded => self.check_outside(vf, request).err().unwrap_or(Refusal::Crowded),
        })
    }

    fn write_inside<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &mut Owned<BLOCKS>,
        request: Request,
        source: &impl Source,
        platform: &P,
    ) -> Result<(), Refusal> {
        let admitted = Self::check(vf, index, owned, request, platform)?;
        let staging = owned.staging.get_mut(..usize::from(admitted.length)).ok_or(Refusal::Length)?;
        source.copy_to(staging);
        let outcome = match admitted.route.handler() {
            Some(handler) => self.call_write(vf, &admitted, handler, staging, platform),
            None => Ok(()),
        };
        conclude(vf, &admitted, outcome)?;
        if let Some(slot) = admitted.route.written_slot() {
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
    ) -> Result<u8, Refusal> {
        let admitted = Self::check(vf, index, owned, request, platform)?;
        let staging = owned.staging.get_mut(..usize::from(admitted.length)).ok_or(Refusal::Length)?;
        staging.fill(0);
        let outcome = if admitted.route.has(rule::ASKS_HANDLER) {
            match admitted.route.handler() {
                Some(handler) => self.call_read(vf, &admitted, handler, staging, platform),
                None => Err(Refusal::HandlerAnswer),
            }
        } else {
            copy_content(vf, &admitted, staging)
        };
        conclude(vf, &admitted, outcome)?;
        Ok(admitted.length)
    }

    /// All checks that are made inside the gate, in their order.
    fn check<P: Platform>(
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &Owned<BLOCKS>,
        request: Request,
        platform: &P,
    ) -> Result<Admitted, Refusal> {
        let time = platform.now();
        let length = check_request(vf, request)?;
        let (place, route) = owned.view.find(request.block).ok_or(Refusal::UnknownBlock)?;
        check_route(&route, request, length).inspect_err(|_| {
            if let Some(counters) = vf.blocks.get(usize::from(place)) {
                counters.refused();
            }
        })?;
        let vf = Vf { index, generation: crate::vf::Generation::new(owned.settled) };
        Ok(Admitted { vf, block: request.block, length: length.value(), place, route, time })
    }

    /// The checks that a caller without a place in its gate can still make.
    fn check_outside(&self, vf: &VirtualFunction<G, R, BLOCKS>, request: Request) -> Result<(), Refusal> {
        let length = check_request(vf, request)?;
        let route = self.handlers.route(request.block).ok_or(Refusal::UnknownBlock)?;
        check_route(&route, request, length)
    }

    fn call_write<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        admitted: &Admitted,
        handler: u8,
        block: &[u8],
        platform: &P,
    ) -> Result<(), Refusal> {
        let handler = self.handlers.handler(handler).ok_or(Refusal::HandlerAnswer)?;
        let call = Call { vf: admitted.vf, block: admitted.block, time: admitted.time, services: self };
        timed(vf, admitted, platform, || handler.write(&call, block))
    }

    fn call_read<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        admitted: &Admitted,
        handler: u8,
        staging: &mut [u8],
        platform: &P,
    ) -> Result<(), Refusal> {
        let handler: &dyn BlockHandler = self.handlers.handler(handler).ok_or(Refusal::HandlerAnswer)?;
        let call = Call { vf: admitted.vf, block: admitted.block, time: admitted.time, services: self };
        let mut output = Output::new(staging, admitted.route.has(rule::TRUNCATABLE));
        let outcome = timed(vf, admitted, platform, || handler.read(&call, &mut output));
        if output.has_overflowed() { Err(Refusal::ReadTooShort) } else { outcome }
    }

    /// Counts a refusal that belongs to no VF.
    fn refuse(&self, refusal: Refusal) -> NtStatus {
        self.refused.count(refusal);
        refusal.status()
    }
}

/// Counts a refusal at its VF.
fn refuse<G, R, const BLOCKS: usize>(vf: &VirtualFunction<G, R, BLOCKS>, refusal: Refusal) -> NtStatus {
    vf.refused.count(refusal);
    refusal.status()
}

fn check_request<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    request: Request,
) -> Result<BlockLength, Refusal> {
    let state = vf.state();
    if state == VfState::Absent {
        return Err(Refusal::NotStarted);
    }
    if request.is_null {
        return Err(Refusal::NullBuffer);
    }
    let length = BlockLength::new(request.length).ok_or(Refusal::Length)?;
    match state {
        VfState::Absent => Err(Refusal::NotStarted),
        VfState::Off => Err(Refusal::VfOff),
        VfState::Enabled => Ok(length),
    }
}

fn check_route(route: &Route, request: Request, length: BlockLength) -> Result<(), Refusal> {
    if route.has(rule::DRAINING) {
        return Err(Refusal::Draining);
    }
    match request.wanted {
        Wanted::Write if !route.has(rule::WRITTEN) => Err(Refusal::Direction),
        Wanted::Read if !route.has(rule::READ) => Err(Refusal::Direction),
        Wanted::Write if !route.allows(length.value()) => Err(Refusal::WriteLength),
        Wanted::Read if length.value() < route.minimum() && !route.has(rule::TRUNCATABLE) => {
            Err(Refusal::ReadTooShort)
        }
        Wanted::Write | Wanted::Read => Ok(()),
    }
}

/// Runs a handler, and keeps its time and who runs it.
fn timed<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize, P: Platform>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    admitted: &Admitted,
    platform: &P,
    handler: impl FnOnce() -> Result<(), NtStatus>,
) -> Result<(), Refusal> {
    vf.begin_handler(admitted.route.registration, platform.thread());
    let answer = handler();
    vf.end_handler();
    let time = platform.now().saturating_sub(admitted.time);
    vf.handler_time.count(time);
    if let Some(counters) = vf.blocks.get(usize::from(admitted.place)) {
        counters.handled(time);
    }
    answer.map_err(|status| if status.is_error() { Refusal::Handler(status) } else { Refusal::HandlerAnswer })
}

/// Copies what the PF side published, or what the VF wrote if the schema says so.
fn copy_content<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    admitted: &Admitted,
    staging: &mut [u8],
) -> Result<(), Refusal> {
    let route = &admitted.route;
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

/// Drops what a reset has overtaken, and counts.
fn conclude<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    admitted: &Admitted,
    outcome: Result<(), Refusal>,
) -> Result<(), Refusal> {
    let outcome = if vf.generation() == admitted.vf.generation { outcome } else { Err(Refusal::Reset) };
    if let Some(counters) = vf.blocks.get(usize::from(admitted.place)) {
        match outcome {
            Ok(()) => counters.served(admitted.length, admitted.time),
            Err(_) => counters.refused(),
        }
    }
    outcome
}
