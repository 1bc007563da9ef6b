//! The handler is asked: timed, known by registration and thread, and blamed when it takes too long.
//!
//! A call that is inside a handler cannot be answered before the handler returns: the VSP's callback cannot pend. Others
//! need not suffer. Callers of the same VF stop waiting when their time budget is over; and whoever notices, such a
//! caller or the host's watch, takes the block out of service for all VFs until the handler has returned.

use lock_api::RawMutex;

use super::PhysicalFunction;
use super::check::Admitted;
use crate::block::BlockId;
use crate::dispatch_view::rule;
use crate::gate::Gated;
use crate::handler::{Call, Output};
use crate::handler_table::Blame;
use crate::platform::{Parker, Platform};
use crate::refusal::Refusal;
use crate::statistics::BlockCounters;
use crate::status::NtStatus;
use crate::tickets::{Ticket, TooLate};
use crate::vf::VfIndex;
use crate::virtual_function::{ANY_REGISTRATION, VirtualFunction};

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS>
where
    Self: Sync,
{
    /// Takes blocks out of service whose handlers have been inside a call for longer than the time budget; gives their
    /// number. Each comes back by itself when its handler returns. For a host that watches at intervals.
    pub fn blame_late_handlers<P: Platform>(&self, platform: &P) -> usize {
        let time = platform.now();
        self.every_vf().filter(|(_, vf)| self.blame_late(vf, time)).count()
    }

    /// Completes a write that a handler took with a ticket, at `PASSIVE_LEVEL` or as the host's unpark allows.
    ///
    /// # Errors
    ///
    /// [`TooLate`] if the write was answered already; that is counted, and changes nothing.
    pub fn complete<P: Parker>(&self, ticket: Ticket, status: NtStatus, parker: &P) -> Result<(), TooLate> {
        let vf = self.vf(ticket.vf).ok_or(TooLate)?;
        vf.tickets.complete(ticket, status, parker)
    }

    /// Says how many completions for a VF came too late.
    #[must_use]
    pub fn late_completions(&self, vf: VfIndex) -> u32 {
        self.vf(vf).map_or(0, |vf| vf.tickets.late())
    }

    /// Says whether a block is out of service because a handler call has not returned in time.
    #[must_use]
    pub fn is_stuck(&self, block: BlockId) -> bool {
        self.handlers.route(block).is_some_and(|route| route.has(rule::STUCK))
    }

    #[inline]
    pub(super) fn ask_write<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        admitted: &Admitted<'_>,
        counters: Option<&BlockCounters>,
        handler: u8,
        block: &[u8],
        platform: &P,
    ) -> Result<(), Refusal> {
        let (registration, time) = (admitted.route.registration, admitted.time);
        let ticket = admitted.route.has(rule::DEFERRED).then(|| vf.tickets.open(admitted.vf.index));
        let call = self.call(admitted, handler, ticket);
        let handler = self.handlers.handler(handler).ok_or(Refusal::HandlerAnswer)?;
        let outcome = timed(vf, admitted, counters, platform, || {
            let answer = handler.write(&call, block);
            match ticket {
                None => judged(answer),
                Some(ticket) => self.await_answer(vf, (registration, time), ticket, answer, platform),
            }
        });
        outcome.map_err(|refusal| self.note_refusal(admitted.route.registration, refusal))
    }

    pub(super) fn ask_read<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        admitted: &Admitted<'_>,
        counters: Option<&BlockCounters>,
        handler: u8,
        staging: &mut [u8],
        platform: &P,
    ) -> Result<(), Refusal> {
        let call = self.call(admitted, handler, None);
        let handler = self.handlers.handler(handler).ok_or(Refusal::HandlerAnswer)?;
        let mut output = Output::new(staging, admitted.route.has(rule::TRUNCATABLE));
        let outcome = timed(vf, admitted, counters, platform, || judged(handler.read(&call, &mut output)));
        if output.has_overflowed() {
            Err(Refusal::ReadTooShort)
        } else {
            outcome.map_err(|refusal| self.note_refusal(admitted.route.registration, refusal))
        }
    }

    /// Blames a handler that gave no answer; gives the refusal on.
    #[cold]
    #[inline(never)]
    fn note_refusal(&self, registration: u32, refusal: Refusal) -> Refusal {
        if refusal == Refusal::HandlerAnswer {
            self.handlers.note(registration, Blame::NoAnswer);
        }
        refusal
    }

    const fn call(&self, admitted: &Admitted<'_>, handler: u8, ticket: Option<Ticket>) -> Call<'_> {
        let Admitted { vf, block, time, .. } = *admitted;
        Call { vf, block, time, ticket, handler, services: self }
    }

    /// Blames the call inside a VF's gate if its handler is over the time budget.
    pub(super) fn blame_late(&self, vf: &VirtualFunction<G, R, BLOCKS>, time: u64) -> bool {
        let gate = vf.gated.gate();
        let Some(caller) = gate.caller() else { return false };
        let (registration, since) = (vf.running(), vf.since());
        if registration == 0
            || registration == ANY_REGISTRATION
            || time.saturating_sub(since) < self.time_budget()
        {
            return false;
        }
        self.handlers.blame(registration, || gate.blame(caller))
    }

    #[inline(never)]
    fn await_answer<P: Platform>(
        &self,
        vf: &VirtualFunction<G, R, BLOCKS>,
        (registration, time): (u32, u64),
        ticket: Ticket,
        answer: Result<(), NtStatus>,
        platform: &P,
    ) -> Result<(), Refusal> {
        if answer != Err(NtStatus::PENDING) {
            // A handler that both returns an answer and completes the ticket gave two.
            return if vf.tickets.close(ticket, platform) {
                judged(answer)
            } else {
                Err(Refusal::HandlerAnswer)
            };
        }
        let deadline = time.saturating_add(self.time_budget());
        // The handler has returned: what is late from here on is its completion, not its call.
        vf.await_completion();
        match vf.tickets.wait(ticket, deadline, platform) {
            None => {
                self.handlers.note(registration, Blame::Late);
                Err(Refusal::TimedOut)
            }
            Some(NtStatus::SUCCESS) => Ok(()),
            Some(status) => judged(Err(status)),
        }
    }
}

/// Only success and errors are answers.
#[inline]
fn judged(answer: Result<(), NtStatus>) -> Result<(), Refusal> {
    answer.map_err(|status| if status.is_error() { Refusal::Handler(status) } else { Refusal::HandlerAnswer })
}

/// Runs a handler, and keeps its time and who runs it.
#[inline]
fn timed<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize, P: Platform>(
    vf: &VirtualFunction<G, R, BLOCKS>,
    admitted: &Admitted<'_>,
    counters: Option<&BlockCounters>,
    platform: &P,
    handler: impl FnOnce() -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    vf.begin_handler(admitted.route.registration, platform.thread(), admitted.time);
    let answer = handler();
    vf.end_handler();
    let time = platform.now().saturating_sub(admitted.time);
    vf.handler_time.count(time);
    if let Some(counters) = counters {
        counters.handled(time);
    }
    answer
}
