//! The work of every handler: one of eight, so that the processor cannot guess the call.

/// Takes a block, as every contender calls it.
pub trait Handler: Sync + Send {
    /// Looks at the block.
    fn take(&self, block: &[u8]) -> bool;
}

/// Eight handlers that differ in their code.
#[derive(Debug)]
pub struct Checks<const SEED: u8>;

impl<const SEED: u8> Handler for Checks<SEED> {
    fn take(&self, block: &[u8]) -> bool {
        std::hint::black_box(block.first().copied().unwrap_or(0) ^ SEED) != 0xFF
    }
}

/// Makes the handler of a block, as whichever object a contender keeps.
#[macro_export]
macro_rules! handler {
    ($block:expr, $make:expr) => {
        match $block % 8 {
            0 => $make($crate::Checks::<0>),
            1 => $make($crate::Checks::<1>),
            2 => $make($crate::Checks::<2>),
            3 => $make($crate::Checks::<3>),
            4 => $make($crate::Checks::<4>),
            5 => $make($crate::Checks::<5>),
            6 => $make($crate::Checks::<6>),
            _ => $make($crate::Checks::<7>),
        }
    };
}
