//! Measuring: nanoseconds a write, of one contender, warm.

use std::hint::black_box;
use std::time::Instant;

use crate::contender::{Contender, Size};

/// Which calls a measurement makes.
#[derive(Clone, Copy)]
pub struct Pattern {
    /// The VFs and blocks that are written, in an order that no predictor learns.
    pub size: Size,
    /// Added to each VF: a thread that writes beside another one has VFs of its own.
    pub first_vf: u16,
    /// Added to each block id: beyond the registered ones, each write is refused.
    pub beyond: u32,
}

impl Pattern {
    /// Gives the pattern of accepted writes to all VFs and blocks.
    pub fn all(size: Size) -> Self {
        Self { size, first_vf: 0, beyond: 0 }
    }
}

/// Writes that are timed; enough to make the reading of the clock vanish.
const WRITES: u32 = 10_000;

/// Writes before them, ten for each of 1,024 VFs: the contenders measured before have taken the caches.
const WARM_UP: u32 = 10_000;

/// Gives the nanoseconds of one write.
pub fn alone(contender: &Contender, pattern: Pattern) -> f64 {
    let mut writer = Writer::new(pattern);
    writer.write(contender, WARM_UP);
    writer.time(contender, WRITES)
}

/// Makes the calls of a pattern.
pub struct Writer {
    pattern: Pattern,
    random: u32,
    bytes: [u8; 128],
}

impl Writer {
    pub fn new(pattern: Pattern) -> Self {
        Self { pattern, random: 0x9E37_79B9 ^ u32::from(pattern.first_vf), bytes: [0x3C; 128] }
    }

    /// Makes so many writes.
    pub fn write(&mut self, contender: &Contender, number: u32) {
        let Pattern { size, first_vf, beyond } = self.pattern;
        for _ in 0..number {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let vf = (self.random >> 8) % u32::from(size.vfs);
            let vf = u16::try_from(vf).expect("a remainder of a u16") + first_vf;
            let block = self.random % size.handlers + beyond;
            self.bytes[1] = self.random.to_le_bytes()[0];
            black_box(contender(vf, block, black_box(&self.bytes)));
        }
    }

    /// Makes so many writes; gives the nanoseconds of one.
    pub fn time(&mut self, contender: &Contender, number: u32) -> f64 {
        let began = Instant::now();
        self.write(contender, number);
        began.elapsed().as_nanos() as f64 / f64::from(number)
    }
}
