//! A guest's way to the PF, counted on the guest's side, and lossy where asked for.

use std::cell::Cell;

use crate::guest::backchannel::{Backchannel, Refused};
use crate::guest::mlx5::STATISTICS;

/// A backchannel that counts what goes through it.
#[derive(Debug)]
pub struct Observed<B> {
    inner: B,
    loss: Option<Loss>,
    pieces: Cell<u32>,
    counts: Cell<Counts>,
}

/// The piece that never arrives: the VF driver is told that it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Its number among all writes of the statistics block, from 0.
    pub write: u32,
}

/// Blocks that the PF accepted and served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks written.
    pub writes: u32,
    /// Blocks read.
    pub reads: u32,
}

impl<B> Observed<B> {
    /// Counts what goes to `inner`, except for the lost piece.
    pub fn new(inner: B, loss: Option<Loss>) -> Self {
        Self { inner, loss, pieces: Cell::default(), counts: Cell::default() }
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }
}

impl<B: Backchannel> Backchannel for Observed<B> {
    fn write(&self, block: u32, data: &[u8]) -> Result<(), Refused> {
        if block == STATISTICS {
            let write = self.pieces.replace(self.pieces.get() + 1);
            if self.loss == Some(Loss { write }) {
                return Ok(());
            }
        }
        self.inner.write(block, data)?;
        let counts = self.counts.get();
        self.counts.set(Counts { writes: counts.writes + 1, ..counts });
        Ok(())
    }

    fn read(&self, block: u32, out: &mut [u8]) -> Result<(), Refused> {
        self.inner.read(block, out)?;
        let counts = self.counts.get();
        self.counts.set(Counts { reads: counts.reads + 1, ..counts });
        Ok(())
    }
}

impl<B: Backchannel> Backchannel for &B {
    fn write(&self, block: u32, data: &[u8]) -> Result<(), Refused> {
        (**self).write(block, data)
    }

    fn read(&self, block: u32, out: &mut [u8]) -> Result<(), Refused> {
        (**self).read(block, out)
    }
}
