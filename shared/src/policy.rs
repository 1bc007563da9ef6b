//! Policy: how much a VF may ask for, and what becomes of one that misbehaves.
//!
//! **Rates.** Each VF has a token bucket for each rate class, kept as one number: the time at which the bucket would be
//! full again (the generic cell rate algorithm), so that zeroed memory is a full bucket. The one known real client, the
//! Linux mlx5 driver, writes bursts of 18 to 35 pieces ten times a second; the defaults are far above that. A false alarm
//! is worse than a busy VF: they bound what a guest can cost the host, they do not shape its traffic.
//!
//! **Standing.** Refusals that the guest itself caused add to a level that leaks away with time.
//!
//! ```text
//!            level >= limit / 2             level >= limit
//!   Good --------------------> Throttled ------------------> Isolated
//!    ^  <--------------------                                 |   ^
//!    |       level < limit / 4                time is over    v   | level >= limit / 4
//!    +---------------------------------------------------- Probation
//!                    60 s without that
//! ```
//!
//! A throttled VF has a quarter of its rates. An isolated one is refused everything, 10 s at first, twice as long each
//! further time within one life, at most 320 s. All of it heals without anybody's help. A reset does not shorten an
//! isolation: it would be the way out. Errors that handlers or the PF make never count.
//!
//! **Isolation of the others.** A call over its rate is refused inside its own VF's gate, and touches nothing that
//! another VF writes. All that a quiet VF can wait for because of a flooding one is one hold of the table's lock while
//! a handler is registered, replaced or blamed; a guest can cause none of them but the last, once for each time budget.

use crate::platform::{MILLISECOND, SECOND};
use crate::refusal::Refusal;
use crate::schema::RateClass;
use crate::sync::const_new;
use crate::sync::counting::{AtomicU32, AtomicU64, Ordering};

/// How a VF stands with the PF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is held against it.
    Good,
    /// It has a quarter of its rates.
    Throttled,
    /// It is refused everything for a time.
    Isolated,
    /// It was isolated, and is watched.
    Probation,
}

/// What the operator decided about a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// The policy decides.
    None,
    /// The VF is never throttled or isolated.
    Exempt,
    /// The VF is isolated until the operator says otherwise.
    Isolated,
}

/// What a call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is carried out.
    Pass,
    /// It is over the rate; there is room for it again at this time.
    Over(u64),
}

/// How a VF stands; all-zero is in good standing with full buckets.
///
/// Written by the caller inside the gate only, but for `decided`, which is the operator's.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Policy {
    standing: AtomicU32,
    decided: AtomicU32,
    full_again: [AtomicU64; 3],
    /// When the present isolation or probation ends.
    until: AtomicU64,
    /// Faults, in units of [`FAULT`], as of `leaked`.
    level: AtomicU64,
    leaked: AtomicU64,
    times_isolated: AtomicU32,
    faults: AtomicU32,
}

/// A rate: one call each `interval`, and as many more at once as fit into `burst`. In units of the host's clock.
#[derive(Clone, Copy)]
struct Rate {
    interval: u64,
    burst: u64,
}

impl Policy {
    const_new! {
        pub(crate) fn new() -> Self {
            Self {
                standing: AtomicU32::new(0),
                decided: AtomicU32::new(0),
                until: AtomicU64::new(0),
                level: AtomicU64::new(0),
                leaked: AtomicU64::new(0),
                times_isolated: AtomicU32::new(0),
                faults: AtomicU32::new(0),
                full_again: [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)],
            }
        }
    }

    /// Says whether the VF is isolated at this time, and lets it go when its time is over.
    #[inline]
    pub(crate) fn is_isolated(&self, time: u64) -> bool {
        // One load for the many calls of VFs that nothing is held against.
        if self.standing.load(Ordering::Relaxed) | self.decided.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.is_isolated_now(time)
    }

    #[cold]
    fn is_isolated_now(&self, time: u64) -> bool {
        match self.decision() {
            Override::Exempt => return false,
            Override::Isolated => return true,
            Override::None => {}
        }
        match self.standing() {
            Standing::Isolated if time < self.until.load(Ordering::Relaxed) => true,
            Standing::Isolated => {
                self.until.store(time.saturating_add(PROBATION), Ordering::Relaxed);
                self.level.store(0, Ordering::Relaxed);
                self.stand(Standing::Probation);
                false
            }
            Standing::Probation if time >= self.until.load(Ordering::Relaxed) => {
                self.stand(Standing::Good);
                false
            }
            Standing::Throttled if self.leak(time) < LIMIT / 4 => {
                self.stand(Standing::Good);
                false
            }
            Standing::Good | Standing::Throttled | Standing::Probation => false,
        }
    }

    /// Takes a token of the class, if there is one.
    #[inline]
    pub(crate) fn draw(&self, class: RateClass, time: u64) -> Verdict {
        let place = bucket_of(class);
        let (Some(bucket), Some(rate)) = (self.full_again.get(place), RATES.get(place)) else {
            return Verdict::Pass;
        };
        let throttled = self.standing.load(Ordering::Relaxed) == bits(Standing::Throttled);
        if throttled && self.decision() == Override::None {
            return rate.throttled().draw(bucket, time);
        }
        rate.draw(bucket, time)
    }

    /// Counts a fault of the guest; says whether it changed the standing for the worse.
    pub(crate) fn fault(&self, refusal: Refusal, time: u64) -> Option<Standing> {
        if !refusal.is_guest_fault() {
            return None;
        }
        let weight = if refusal == Refusal::Rate { FAULT / 10 } else { FAULT };
        let level = self.leak(time).saturating_add(weight);
        self.level.store(level, Ordering::Relaxed);
        self.faults.store(self.faults.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        let next = match self.standing() {
            Standing::Good if level >= LIMIT / 2 => Standing::Throttled,
            Standing::Throttled if level >= LIMIT => Standing::Isolated,
            Standing::Probation if level >= LIMIT / 4 => Standing::Isolated,
            Standing::Good | Standing::Throttled | Standing::Isolated | Standing::Probation => return None,
        };
        if self.decision() == Override::Exempt {
            return None;
        }
        if next == Standing::Isolated {
            let times = self.times_isolated.load(Ordering::Relaxed);
            let longer = 1_u64.wrapping_shl(times.min(5));
            self.until.store(time.saturating_add(ISOLATION.saturating_mul(longer)), Ordering::Relaxed);
            self.times_isolated.store(times.saturating_add(1), Ordering::Relaxed);
        }
        self.stand(next);
        Some(next)
    }

    /// Forgets, but for the time that an isolation has still to run.
    pub(crate) fn begin_next_life(&self) {
        if self.standing() != Standing::Isolated {
            self.stand(Standing::Good);
            self.until.store(0, Ordering::Relaxed);
        }
        self.level.store(0, Ordering::Relaxed);
        self.faults.store(0, Ordering::Relaxed);
        self.times_isolated.store(0, Ordering::Relaxed);
        for bucket in &self.full_again {
            bucket.store(0, Ordering::Relaxed);
        }
    }

    /// Lets the VF go, as the operator wishes.
    pub(crate) fn release(&self) {
        self.level.store(0, Ordering::Relaxed);
        self.until.store(0, Ordering::Relaxed);
        self.stand(Standing::Good);
    }

    pub(crate) fn decide(&self, decision: Override) {
        let bits = match decision {
            Override::None => 0,
            Override::Exempt => 1,
            Override::Isolated => 2,
        };
        self.decided.store(bits, Ordering::Relaxed);
    }

    pub(crate) fn decision(&self) -> Override {
        match self.decided.load(Ordering::Relaxed) {
            1 => Override::Exempt,
            2 => Override::Isolated,
            _ => Override::None,
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Relaxed) {
            1 => Standing::Throttled,
            2 => Standing::Isolated,
            3 => Standing::Probation,
            _ => Standing::Good,
        }
    }

    /// Faults of this life.
    pub(crate) fn faults(&self) -> u32 {
        self.faults.load(Ordering::Relaxed)
    }

    fn stand(&self, standing: Standing) {
        self.standing.store(bits(standing), Ordering::Relaxed);
    }

    /// Lets faults leak away up to this time; gives what is left.
    fn leak(&self, time: u64) -> u64 {
        let passed = time.saturating_sub(self.leaked.load(Ordering::Relaxed));
        self.leaked.store(time, Ordering::Relaxed);
        let left = self.level.load(Ordering::Relaxed).saturating_sub(passed);
        self.level.store(left, Ordering::Relaxed);
        left
    }
}

impl Rate {
    fn draw(self, full_again: &AtomicU64, time: u64) -> Verdict {
        let since = full_again.load(Ordering::Relaxed).max(time);
        if since.wrapping_sub(time) > self.burst {
            return Verdict::Over(since.saturating_sub(self.burst));
        }
        full_again.store(since.saturating_add(self.interval), Ordering::Relaxed);
        Verdict::Pass
    }

    /// A quarter of the rate, and of the burst.
    const fn throttled(self) -> Self {
        Self { interval: self.interval.saturating_mul(4), burst: self.burst }
    }
}

/// The place of the bucket of a class; the class that is never limited has none.
const fn bucket_of(class: RateClass) -> usize {
    match class {
        RateClass::Standard => 0,
        RateClass::Control => 1,
        RateClass::Bulk => 2,
        RateClass::Unlimited => 3,
    }
}

const fn bits(standing: Standing) -> u32 {
    match standing {
        Standing::Good => 0,
        Standing::Throttled => 1,
        Standing::Isolated => 2,
        Standing::Probation => 3,
    }
}

/// 8,000 calls a second, bursts of 16,384.
const STANDARD: Rate = Rate { interval: SECOND / 8_000, burst: SECOND / 8_000 * 16_383 };
/// 50 calls a second, bursts of 64.
const CONTROL: Rate = Rate { interval: SECOND / 50, burst: SECOND / 50 * 63 };
/// 50,000 calls a second, bursts of 65,536.
const BULK: Rate = Rate { interval: SECOND / 50_000, burst: SECOND / 50_000 * 65_535 };

/// In the order of the buckets: looked up, not branched to.
const RATES: [Rate; 3] = [STANDARD, CONTROL, BULK];

/// What one fault adds to the level, which leaks by one for each unit of time: 100 faults a second leak away.
const FAULT: u64 = SECOND / 100;
/// 1,000 faults at once.
const LIMIT: u64 = FAULT * 1_000;
const ISOLATION: u64 = 10 * SECOND;
const PROBATION: u64 = 60 * SECOND;

/// A call that its schema lets be delayed waits no longer.
pub(crate) const LONGEST_DELAY: u64 = 10 * MILLISECOND;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
