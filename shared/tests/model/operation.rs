//! What can happen to a PF, and how it is made up.

/// One thing that somebody does; numbers are as wild as a guest or a VSP may send them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Write {
        vf: u16,
        block: u32,
        length: u32,
        fill: u8,
        null: bool,
    },
    Read {
        vf: u16,
        block: u32,
        length: u32,
        null: bool,
    },
    Publish {
        vf: u16,
        block: u32,
        length: usize,
        fill: u8,
    },
    Reset {
        vf: u16,
    },
    Power {
        vf: u16,
        state: i32,
    },
    Invalidate {
        vf: Option<u16>,
        mask: u64,
    },
    TakeInvalidation {
        vf: u16,
    },
    Register {
        block: u32,
        kind: u8,
    },
    Unregister {
        block: u32,
    },
    Replace {
        block: u32,
    },
    /// The PF side looks at the content of a block.
    Look {
        vf: u16,
        block: u32,
    },
    Stop,
    Start {
        count: u16,
    },
    /// The model is wrong about it on purpose, so that shrinking can be tested.
    Wrong,
}

/// A small generator with a long period (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        let place = self.below(u64::try_from(N).expect("a small number"));
        from[usize::try_from(place).expect("below N")]
    }

    fn vf(&mut self) -> u16 {
        self.pick([0, 0, 0, 1, 1, 2, 3, 0xFFFF])
    }

    fn block(&mut self) -> u32 {
        self.pick([0, 1, 2, 3, 4, 5, 64, 1 << 31, u32::MAX])
    }

    fn length(&mut self) -> u32 {
        if self.below(3) == 0 {
            self.pick([0, 1, 4, 127, 128, 129, 256, 260, u32::MAX])
        } else {
            u32::try_from(self.below(129)).expect("below 129")
        }
    }
}

impl Operation {
    pub(crate) fn any(random: &mut Random) -> Self {
        let vf = random.vf();
        let block = random.block();
        match random.below(40) {
            0..=13 => {
                let null = random.below(20) == 0;
                Self::Write { vf, block, length: random.length(), fill: random.byte(), null }
            }
            14..=24 => Self::Read { vf, block, length: random.length(), null: random.below(20) == 0 },
            25..=28 => {
                let length = usize::try_from(random.below(132)).expect("small");
                Self::Publish { vf, block, length, fill: random.byte() }
            }
            31 => Self::Power { vf, state: random.pick([0, 1, 1, 2, 3, 4, 4, 5, -1]) },
            32 => Self::Invalidate { vf: (vf != 3).then_some(vf), mask: random.next() },
            33 => Self::TakeInvalidation { vf },
            34 | 35 => Self::Register { block, kind: random.byte() },
            36 => Self::Unregister { block },
            37 => Self::Replace { block },
            38 if random.below(4) == 0 => Self::Look { vf, block },
            38 if random.below(6) == 0 => Self::Stop,
            29 | 30 | 38 => Self::Reset { vf },
            _ => Self::Start { count: random.pick([0, 1, 2, 3, 3, 3, 4]) },
        }
    }
}
