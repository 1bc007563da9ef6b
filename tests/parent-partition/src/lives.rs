//! Lives of a driver in a row: what one leaves behind in kernel memory ends the run.

use std::path::Path;

use crate::judge::{self, Rule};
use crate::memory;

/// How many blocks of kernel memory there are after each life of a driver.
#[derive(Debug, Default)]
pub struct Lives {
    ended: u32,
    blocks: usize,
}

impl Lives {
    /// How many lives have ended.
    pub fn ended(&self) -> u32 {
        self.ended
    }

    /// Counts after the end of a life: more than after the one before breaks [`Rule::Leak`], whoever has it.
    pub fn end_one(&mut self, image: &Path) {
        let left = memory::live().len();
        self.ended += 1;
        // The first life makes what the machine keeps.
        if self.ended > 2 && left > self.blocks {
            let detail =
                format_args!("life {} leaves {} blocks of kernel memory", self.ended, left - self.blocks);
            judge::violation_at_load(Rule::Leak, "", image, detail);
        }
        self.blocks = left;
    }
}
