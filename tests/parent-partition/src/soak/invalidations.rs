//! The invalidations: an operator posts bits, parked requests bring them, and many of those are cancelled meanwhile.
//!
//! A bit that was posted is not posted again before it was brought, so each is brought once. They are of VFs that are never
//! reset: a reset takes pending bits with it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::counts::Count;
use super::stage::{SPARE_VFS, Stage};
use crate::machine::wait;
use crate::nt::status;
use crate::script::operation::OperatorRequest;
use crate::script::operator::{self, Carried};
use crate::script::requests;
use crate::vsp::door::Visit;
use crate::vsp::invalidations::{INVALIDATE_BLOCK, INVALIDATE_BLOCK_SIZE};

/// What is posted and not brought yet.
#[derive(Debug, Default)]
pub struct Posted {
    masks: Mutex<[u64; VFS]>,
    unasked: Count,
}

/// Posts bits until the soak is over.
pub fn post(stage: &Stage, posted: &Posted) {
    let mut choices = stage.choices(POSTER);
    while !stage.is_over() {
        let place = choices.below(VFS as u32) as usize;
        // Noted first: it may be brought before the operator has its answer.
        let mask = {
            let masks = &mut *posted.lock();
            let mask = choices.bits() & choices.bits() & !masks[place];
            masks[place] |= mask;
            mask
        };
        let vf = stage.first_spare() + place as u16;
        let carried = Carried { vf, argument: 0, block: 0, mask, data: &[] };
        let told = operator::send(OperatorRequest::Invalidate, &carried, None).status;
        match told {
            status::SUCCESS => {}
            // The PF is stopped, and with it its interface for operators: nothing was posted.
            status::DEVICE_NOT_READY | status::NO_SUCH_DEVICE | status::OBJECT_NAME_NOT_FOUND => {
                posted.lock()[place] &= !mask;
            }
            other => stage.unexpected(format_args!("an invalidation was answered {other:#010x}")),
        }
        choices.pause(2000);
    }
}

/// Keeps a request parked and cancels many, until the soak is over and every bit was brought or has taken too long.
pub fn fetch(stage: &Stage, actor: u64, pf: &Visit, posted: &Posted) {
    let mut choices = stage.choices(actor);
    let mut over_since = None;
    loop {
        if stage.is_over_for_readers() {
            let since = *over_since.get_or_insert_with(wait::since_boot);
            if posted.left() == 0 || wait::since_boot() - since > PATIENCE {
                return;
            }
        }
        let (sent, data) = requests::own(INVALIDATE_BLOCK, Vec::new(), INVALIDATE_BLOCK_SIZE).send(pf.file());
        let moment = Duration::from_micros(choices.below(1500).into());
        if sent.wait(Some(moment)).is_none() {
            if choices.once_in(4) {
                sent.cancel_from_dpc();
            } else {
                sent.cancel();
            }
        }
        match sent.finish_within(PATIENCE).status {
            status::SUCCESS => {
                stage.counts.invalidations.up();
                take(stage, posted, &data.take());
            }
            status::CANCELLED => stage.counts.cancelled.up(),
            other => stage.unexpected(format_args!("a wait for an invalidation ended with {other:#010x}")),
        }
    }
}

/// Notes what a request brought.
fn take(stage: &Stage, posted: &Posted, brought: &[u8]) {
    let Ok(bytes) = <[u8; INVALIDATE_BLOCK_SIZE]>::try_from(brought) else {
        stage.unexpected(format_args!("an invalidation of {} bytes", brought.len()));
        return;
    };
    let [low, high, _, _, _, _, _, _, mask @ ..] = bytes;
    let (vf, mask) = (u16::from_le_bytes([low, high]), u64::from_le_bytes(mask));
    let mut nobody = 0;
    let masks = &mut *posted.lock();
    let place = vf.checked_sub(stage.first_spare()).map(usize::from);
    let posted_mask = place.and_then(|place| masks.get_mut(place)).unwrap_or(&mut nobody);
    posted.unasked.add((mask & !*posted_mask).count_ones().into());
    *posted_mask &= !mask;
}

impl Posted {
    /// Bits that were posted and not brought.
    pub fn left(&self) -> u64 {
        self.lock().iter().map(|mask| u64::from(mask.count_ones())).sum()
    }

    /// Bits that were brought, though not posted since they were brought last.
    pub fn unasked(&self) -> u64 {
        self.unasked.value()
    }

    fn lock(&self) -> MutexGuard<'_, [u64; VFS]> {
        self.masks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const VFS: usize = SPARE_VFS as usize;
/// How long a bit may take when nothing is cancelled any more.
const PATIENCE: Duration = Duration::from_secs(10);
/// Whose choices these are.
const POSTER: u64 = 0xF002;
