//! The clock that all contenders read: the standard library's.
//!
//! It is sped up so that a token bucket made for guests refills as fast as a benchmark empties it: the rate is checked, and
//! never exceeded.

use std::sync::LazyLock;
use std::time::Instant;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Reads the clock, sped up.
#[inline]
pub fn now() -> u64 {
    let passed = BEGAN.elapsed();
    (passed.as_secs() * 1_000_000_000 + u64::from(passed.subsec_nanos())) << 8
}
