//! Measuring: nanoseconds a write, of one contender, warm.

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

/// Writes that are timed; enough to make the reading of the clock vanish.
const WRITES: u32 = 10_000;

/// Writes before them, ten for each of 1,024 VFs: the contenders measured before have taken the caches.
const WARM_UP: u32 = 10_000;

/// Gives the nanoseconds of one write.
pub fn alone(contender: &Contender, pattern: Pattern) -> f64 {
    run(contender, pattern, 0, 1, || ())
}

/// Gives the nanoseconds of one write when two threads write to VFs of their own, counted over both.
pub fn in_pairs(contender: &Contender, pattern: Pattern) -> f64 {
    let barrier = Barrier::new(2);
    let times: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let barrier = &barrier;
                scope.spawn(move || {
                    run(contender, pattern, thread, 2, || {
                        barrier.wait();
                    })
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no contender fails")).collect()
    });
    times.iter().copied().fold(0.0, f64::max) / 2.0
}

/// Writes until warm, then calls `ready`, then measures.
fn run(contender: &Contender, pattern: Pattern, first: u16, step: u16, ready: impl FnOnce()) -> f64 {
    let mut bytes = [0x3C_u8; 128];
    let mut random = 0x9E37_79B9_u32 ^ u32::from(first);
    let vfs = u32::from(pattern.size.vfs / step);
    let mut writes = |number: u32| {
        for _ in 0..number {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            let vf = u16::try_from((random >> 8) % vfs).expect("a remainder of a u16") * step + first;
            let block = random % pattern.size.handlers + pattern.beyond;
            bytes[1] = random.to_le_bytes()[0];
            black_box(contender(vf, block, black_box(&bytes)));
        }
    };
    writes(WARM_UP);
    ready();
    let began = Instant::now();
    writes(WRITES);
    began.elapsed().as_nanos() as f64 / f64::from(WRITES)
}
