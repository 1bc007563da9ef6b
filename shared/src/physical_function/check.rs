//! The checks of a call, in the order of [`Refusal`]: the first that matches decides.
//!
//! No byte of the caller's buffer is looked at here.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::block::{BlockId, BlockLength};
use crate::dispatch_view::{Route, rule};
use crate::gate::Gated;
use crate::owned::Owned;
use crate::policy::{LONGEST_DELAY, Verdict};
use crate::refusal::Refusal;
use crate::schema::Shed;
use crate::vf::{Generation, Vf, VfIndex, VfState};
use crate::virtual_function::VirtualFunction;

/// What a caller asks for, before anything of it was checked.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) block: BlockId,
    pub(super) length: u32,
    pub(super) is_null: bool,
    wanted: Wanted,
    may_be_delayed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Write,
    Read,
}

/// A request that passed all checks.
#[derive(Clone, Copy)]
pub(super) struct Admitted {
    pub(super) vf: Vf,
    pub(super) block: BlockId,
    pub(super) length: u8,
    pub(super) place: u8,
    pub(super) route: Route,
    pub(super) time: u64,
}

/// Why a call goes no further.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    Refused(Refusal),
    /// Over its rate, to be answered with success.
    Shed,
    /// Over its rate, to be tried again at this time.
    Later(u64),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Request {
    pub(super) const fn new(block: BlockId, length: u32, is_null: bool, wanted: Wanted) -> Self {
        Self { block, length, is_null, wanted, may_be_delayed: true }
    }

    /// The same, to be carried out or refused now.
    pub(super) const fn at_last(self) -> Self {
        Self { may_be_delayed: false, ..self }
    }
}

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS> {
    /// All checks that are made inside the gate.
    #[inline]
    pub(super) fn check(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        index: VfIndex,
        owned: &Owned<BLOCKS>,
        request: Request,
        time: u64,
    ) -> Result<Admitted, Stop> {
        let length = check_request(vf, request)?;
        if vf.policy.is_isolated(time) {
            return Err(Stop::Refused(Refusal::Isolated));
        }
        let (mut place, mut route) = match owned.view.find(request.block) {
            Some(found) => found,
            None => self.find_unclaimed(vf, request.block)?,
        };
        let checked = check_service(&route, request)
            .map_err(Stop::from)
            .and_then(|()| check_rate(vf, &route, request, time))
            .and_then(|()| check_length(&route, request, length).map_err(Stop::from));
        if let Err(stop) = checked {
            if let (Some(counters), Stop::Refused(_) | Stop::Shed) = (vf.store.counters(place), stop) {
                counters.refused();
            }
            return Err(stop);
        }
        // A registered block that is written has its slot.
        if route.written_slot().is_none() && request.wanted == Wanted::Write {
            (place, route) = self.take_slot(vf, request.block)?;
        }
        let vf = Vf { index, generation: Generation::new(owned.settled) };
        Ok(Admitted { vf, block: request.block, length: length.value(), place, route, time })
    }

    /// Leads to the default service of a block that is not registered.
    #[cold]
    #[inline(never)]
    fn find_unclaimed(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        block: BlockId,
    ) -> Result<(u8, Route), Refusal> {
        let unclaimed = self.handlers.unclaimed();
        let slot = unclaimed.find(&vf.store, block);
        let route = unclaimed.route(block, slot).ok_or(Refusal::UnknownBlock)?;
        Ok((slot.unwrap_or(NOWHERE), route))
    }

    /// Gives a slot to an unclaimed block that passed all other checks.
    #[cold]
    #[inline(never)]
    fn take_slot(&self, vf: &VirtualFunction<G, R, BLOCKS>, block: BlockId) -> Result<(u8, Route), Refusal> {
        let unclaimed = self.handlers.unclaimed();
        let slot = unclaimed.take(&vf.store, block).ok_or(Refusal::StoreFull)?;
        let route = unclaimed.route(block, Some(slot)).ok_or(Refusal::UnknownBlock)?;
        Ok((slot, route))
    }

    /// The checks that a caller without a place in its gate can still make.
    pub(super) fn check_outside(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        request: Request,
    ) -> Result<(), Refusal> {
        let length = check_request(vf, request)?;
        let unclaimed = || self.handlers.unclaimed().route(request.block, None);
        let route = self.handlers.route(request.block).or_else(unclaimed).ok_or(Refusal::UnknownBlock)?;
        check_service(&route, request)?;
        check_length(&route, request, length)
    }
}

/// The place of a block without counters.
const NOWHERE: u8 = u8::MAX;

#[inline]
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
    if state == VfState::Off { Err(Refusal::VfOff) } else { Ok(length) }
}

#[inline]
fn check_service(route: &Route, request: Request) -> Result<(), Refusal> {
    if route.has(rule::DRAINING) {
        return Err(Refusal::Draining);
    }
    if route.has(rule::STUCK) {
        return Err(Refusal::Stuck);
    }
    let allowed = match request.wanted {
        Wanted::Write => route.has(rule::WRITTEN),
        Wanted::Read => route.has(rule::READ),
    };
    if allowed { Ok(()) } else { Err(Refusal::Direction) }
}

#[inline]
fn check_rate<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    route: &Route,
    request: Request,
    time: u64,
) -> Result<(), Stop> {
    let Verdict::Over(again) = vf.policy.draw(route.rate(), time) else { return Ok(()) };
    match (route.shed(), request.wanted) {
        (Shed::DropWithSuccess, Wanted::Write) => Err(Stop::Shed),
        (Shed::Delay, _) if request.may_be_delayed && again.saturating_sub(time) <= LONGEST_DELAY => {
            Err(Stop::Later(again))
        }
        (Shed::Refuse | Shed::DropWithSuccess | Shed::Delay, _) => Err(Stop::Refused(Refusal::Rate)),
    }
}

#[inline]
fn check_length(route: &Route, request: Request, length: BlockLength) -> Result<(), Refusal> {
    match request.wanted {
        Wanted::Write if !route.allows(length.value()) => Err(Refusal::WriteLength),
        Wanted::Read if length.value() < route.minimum() && !route.has(rule::TRUNCATABLE) => {
            Err(Refusal::ReadTooShort)
        }
        Wanted::Write | Wanted::Read => Ok(()),
    }
}
