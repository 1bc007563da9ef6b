//! Measuring: nanoseconds a write, of several contenders in turn, round after round.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use crate::contender::{Contender, Size};

/// Which calls a measurement makes.
#[derive(Clone, Copy)]
pub struct Pattern {
    /// The VFs and blocks that are written, in an order that no predictor learns.
    pub size: Size,
    /// Added to each block id: beyond the registered ones, each write is refused.
    pub beyond: u32,
}

/// Writes of one measurement; enough to make the reading of the clock vanish.
const WRITES: u32 = 40_000;

/// Gives the nanoseconds of one write.
pub fn alone(contender: &dyn Contender, pattern: Pattern) -> f64 {
    run(contender, pattern, 0, 1) / f64::from(WRITES)
}

/// Gives the nanoseconds of one write when two threads write to VFs of their own, counted over both.
pub fn in_pairs(contender: &dyn Contender, pattern: Pattern) -> f64 {
    let barrier = Barrier::new(2);
    let times: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let barrier = &barrier;
                scope.spawn(move || {
                    run(contender, pattern, thread, 2);
                    barrier.wait();
                    run(contender, pattern, thread, 2)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no contender fails")).collect()
    });
    times.iter().copied().fold(0.0, f64::max) / f64::from(WRITES) / 2.0
}

fn run(contender: &dyn Contender, pattern: Pattern, first: u16, step: u16) -> f64 {
    let mut bytes = [0x3C_u8; 128];
    let mut random = 0x9E37_79B9_u32 ^ u32::from(first);
    let vfs = u32::from(pattern.size.vfs / step);
    let began = Instant::now();
    for _ in 0..WRITES {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let vf = u16::try_from((random >> 8) % vfs).expect("a remainder of a u16") * step + first;
        let block = random % pattern.size.handlers + pattern.beyond;
        bytes[1] = random.to_le_bytes()[0];
        black_box(contender.write(vf, block, black_box(&bytes)));
    }
    began.elapsed().as_nanos() as f64
}

/// Gives the best of each column over so many rounds: what the contender needs when nothing else runs.
pub fn best<const COLUMNS: usize>(
    rounds: usize,
    mut round: impl FnMut() -> [f64; COLUMNS],
) -> [f64; COLUMNS] {
    let _warm_up = round();
    let mut best = [f64::INFINITY; COLUMNS];
    for _ in 0..rounds.max(1) {
        for (best, measured) in best.iter_mut().zip(round()) {
            *best = best.min(measured);
        }
    }
    best
}
