//! The checks of a call, in the order of [`Refusal`]: the first that matches decides.
//!
//! No byte of the caller's buffer is looked at here.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::block::{BlockId, BlockLength};
use crate::dispatch_view::{Route, rule};
use crate::gate::Gated;
use crate::policy::{LONGEST_DELAY, Verdict};
use crate::refusal::Refusal;
use crate::schema::Shed;
use crate::vf::{Vf, VfState};
use crate::virtual_function::VirtualFunction;

/// What a caller asks for, before anything of it was checked.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) block: BlockId,
    pub(super) length: u32,
    pub(super) is_null: bool,
    wanted: Wanted,
    patience: Patience,
}

/// Whether a call that is over its rate may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Waits,
    /// It has waited.
    Lost,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Write,
    Read,
}

/// A request that passed all checks.
#[derive(Clone, Copy)]
pub(super) struct Admitted<'r> {
    pub(super) vf: Vf,
    pub(super) block: BlockId,
    pub(super) length: u8,
    pub(super) place: u8,
    pub(super) route: &'r Route,
    /// The slot that a write goes to.
    pub(super) written: Option<u8>,
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
    pub(super) const fn new(
        block: BlockId,
        length: u32,
        is_null: bool,
        wanted: Wanted,
        patience: Patience,
    ) -> Self {
        Self { block, length, is_null, wanted, patience }
    }
}

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS> {
    /// All checks that are made inside the gate; `known` is what the VF's view says of the block, `other` a place for the
    /// route of one that it does not know.
    #[inline]
    pub(super) fn check<'r>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        who: Vf,
        request: Request,
        known: Option<(u8, &'r Route)>,
        other: &'r mut Route,
        time: u64,
    ) -> Result<Admitted<'r>, Stop> {
        let length = check_request(vf, request)?;
        if vf.policy.is_isolated(time) {
            return Err(Stop::Refused(Refusal::Isolated));
        }
        let (place, route) = match known {
            Some(known) => known,
            None => self.find_unclaimed(vf, request.block, other)?,
        };
        let checked = check_service(route, request)
            .map_err(Stop::from)
            .and_then(|()| check_rate(vf, route, request, time))
            .and_then(|()| check_length(route, request, length).map_err(Stop::from));
        if let Err(stop) = checked {
            if let (Some(counters), Stop::Refused(_) | Stop::Shed) = (vf.store.counters(place), stop) {
                counters.refused();
            }
            return Err(stop);
        }
        let mut admitted = Admitted {
            vf: who,
            block: request.block,
            length: length.value(),
            place,
            written: route.written_slot(),
            route,
            time,
        };
        // A registered block that is written has its slot.
        if admitted.written.is_none() && request.wanted == Wanted::Write {
            let slot = self.take_slot(vf, request.block)?;
            (admitted.place, admitted.written) = (slot, Some(slot));
        }
        Ok(admitted)
    }

    /// Leads to the default service of a block that is not registered.
    #[cold]
    #[inline(never)]
    fn find_unclaimed<'r>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        block: BlockId,
        route: &'r mut Route,
    ) -> Result<(u8, &'r Route), Refusal> {
        let unclaimed = self.handlers.unclaimed();
        let slot = unclaimed.find(&vf.store, block);
        *route = unclaimed.route(block, slot).ok_or(Refusal::UnknownBlock)?;
        Ok((slot.unwrap_or(NOWHERE), route))
    }

    /// Gives a slot to an unclaimed block that passed all other checks.
    #[cold]
    #[inline(never)]
    fn take_slot(&self, vf: &VirtualFunction<G, R, BLOCKS>, block: BlockId) -> Result<u8, Refusal> {
        self.handlers.unclaimed().take(&vf.store, block).ok_or(Refusal::StoreFull)
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
    let (state, length) = (vf.state(), BlockLength::new(request.length));
    match (state, request.is_null, length) {
        (VfState::Absent, _, _) => Err(Refusal::NotStarted),
        (_, true, _) => Err(Refusal::NullBuffer),
        (_, _, None) => Err(Refusal::Length),
        (VfState::Off, _, _) => Err(Refusal::VfOff),
        (VfState::Enabled, false, Some(length)) => Ok(length),
    }
}

#[inline]
fn check_service(route: &Route, request: Request) -> Result<(), Refusal> {
    let wanted = match request.wanted {
        Wanted::Write => rule::WRITTEN,
        Wanted::Read => rule::READ,
    };
    if route.serves(wanted) {
        return Ok(());
    }
    Err(if route.has(rule::DRAINING) {
        Refusal::Draining
    } else if route.has(rule::STUCK) {
        Refusal::Stuck
    } else {
        Refusal::Direction
    })
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
        (Shed::Delay, _)
            if request.patience == Patience::Waits && again.saturating_sub(time) <= LONGEST_DELAY =>
        {
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
