//! What every contender does: take one block of one VF and hand it to the handler of the block.

/// Something that serves writes.
pub trait Contender: Sync {
    /// Takes one block; says whether it was accepted.
    fn write(&self, vf: u16, block: u32, bytes: &[u8; 128]) -> bool;
}

/// How many VFs and handlers a contender is made for.
#[derive(Clone, Copy)]
pub struct Size {
    pub vfs: u16,
    pub handlers: u32,
}

/// The work of every handler: one of eight, so that the processor cannot guess the call.
pub trait Handler: Sync + Send {
    /// Looks at the block.
    fn take(&self, block: &[u8]) -> bool;
}

/// Eight handlers that differ in their code.
pub struct Checks<const SEED: u8>;

impl<const SEED: u8> Handler for Checks<SEED> {
    fn take(&self, block: &[u8]) -> bool {
        std::hint::black_box(block.first().copied().unwrap_or(0) ^ SEED) != 0xFF
    }
}

/// Makes the handler of a block, as whichever object a contender keeps.
macro_rules! handler {
    ($block:expr, $make:expr) => {
        match $block % 8 {
            0 => $make($crate::contender::Checks::<0>),
            1 => $make($crate::contender::Checks::<1>),
            2 => $make($crate::contender::Checks::<2>),
            3 => $make($crate::contender::Checks::<3>),
            4 => $make($crate::contender::Checks::<4>),
            5 => $make($crate::contender::Checks::<5>),
            6 => $make($crate::contender::Checks::<6>),
            _ => $make($crate::contender::Checks::<7>),
        }
    };
}

pub(crate) use handler;
