//! Blocks 0 and 1 as a Linux mlx5 VF driver uses them: the host half, and a worked example of a handler.
//!
//! Block 0 is the control block: the VF offers agents, the PF addresses them and gives a command. Block 1 takes the
//! statistics agent's data, cut into pieces of 120 bytes. What came together is kept for each VF and can be read back by
//! that VF alone: block 0x0FFF holds counters, blocks 0x1000 to 0x100F hold the last complete set, four rings each.
//!
//! The VF driver reads block 0 before anything is configured, may repeat acknowledgements and sets, and is not trusted:
//! nothing it sends selects memory other than its own conversation.
//!
//! This file depends on the engine alone, so its tests run on any host.

mod control;
mod statistics;

use backchannel::{
    BlockHandler, BlockId, Call, NtStatus, Output, ReadSource, Schema, Vf, VfEvent, VfIndex, schema,
};
use lock_api::{Mutex, MutexGuard, RawMutex};

use control::Control;
use statistics::{SET, Statistics};

/// Every block of this handler: control, statistics, the report, and the windows into the last complete set.
pub const BLOCKS: [Schema; 3 + WINDOWS] = {
    let mut blocks = [REPORT; 3 + WINDOWS];
    let [control, statistics, _report, windows @ ..] = &mut blocks;
    *control = CONTROL;
    *statistics = STATISTICS;
    let mut id = FIRST_WINDOW;
    let mut rest: &mut [Schema] = windows;
    while let Some((window, others)) = rest.split_first_mut() {
        if let Ok(schema) = Schema::answered(BlockId::new(id)).length(128).build() {
            *window = schema;
        }
        id = id.saturating_add(1);
        rest = others;
    }
    blocks
};

const CONTROL: Schema =
    schema!(Schema::exchanged(BlockId::new(0), ReadSource::Handler).length(128).invalidatable());

const STATISTICS: Schema = schema!(Schema::written(BlockId::new(1)).length(128));

/// Counters of the reassembly.
const REPORT: Schema = schema!(Schema::answered(BlockId::new(0x0FFF)).length(128));

/// The first of the blocks that hold the last complete set, four rings each.
const FIRST_WINDOW: u32 = 0x1000;

/// How many blocks hold a set.
const WINDOWS: usize = SET / 128;

/// What the report begins with: "MLXS", little-endian.
const MAGIC: u32 = u32::from_le_bytes(*b"MLXS");

/// The host half for up to `VFS` VFs; `R` is the lock of the platform.
#[derive(Debug)]
pub struct Mlx5<R: RawMutex, const VFS: usize> {
    conversations: [Mutex<R, Conversation>; VFS],
}

/// What was said between the PF and one VF in its present life.
#[derive(Debug)]
struct Conversation {
    control: Control,
    statistics: Statistics,
}

impl<R: RawMutex, const VFS: usize> Mlx5<R, VFS> {
    /// Makes a host half to which no VF has said anything; for a `static`.
    // Inline, so that it exists in constants only: as code it would need a frame of many KiB.
    #[inline]
    #[must_use]
    pub const fn silent() -> Self {
        Self {
            conversations: [const {
                Mutex::new(Conversation { control: Control::new(), statistics: Statistics::new() })
            }; VFS],
        }
    }

    fn conversation(&self, vf: VfIndex) -> Result<MutexGuard<'_, R, Conversation>, NtStatus> {
        let slot = self.conversations.get(usize::from(vf.value())).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(slot.lock())
    }
}

impl<R: RawMutex + Sync + Send, const VFS: usize> BlockHandler for Mlx5<R, VFS> {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let mut conversation = self.conversation(call.vf().index)?;
        if call.block() == CONTROL.id() {
            conversation.control.write(block);
            return Ok(());
        }
        let rings = conversation.control.rings();
        conversation.statistics.receive(rings, block)
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        let conversation = self.conversation(call.vf().index)?;
        if call.block() == CONTROL.id() {
            return out.fill(&conversation.control.bytes());
        }
        let statistics = &conversation.statistics;
        if call.block() == REPORT.id() {
            let words = [MAGIC, statistics.sets, statistics.pieces, statistics.rejected];
            let last = u32::from(statistics.last_sequence) | u32::from(statistics.rings) << 16;
            return fill_words(out, words.into_iter().chain([last]));
        }
        let window = call.block().value().saturating_sub(FIRST_WINDOW);
        let start = usize::try_from(window).unwrap_or(WINDOWS).saturating_mul(128);
        out.fill(statistics.window(start))
    }

    fn vf_event(&self, vf: Vf, event: VfEvent) {
        let Ok(mut conversation) = self.conversation(vf.index) else { return };
        match event {
            // A VF that is disabled goes on with its life when it is enabled again, and its driver with its conversation.
            VfEvent::Reset => {
                conversation.control = Control::new();
                conversation.statistics.clear();
            }
            VfEvent::Enabled | VfEvent::Disabled | VfEvent::PowerChanged | VfEvent::Quarantined => {}
        }
    }
}

fn fill_words(out: &mut Output<'_>, words: impl Iterator<Item = u32>) -> Result<(), NtStatus> {
    out.fill(&[])?;
    for (to, word) in out.bytes_mut().chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    Ok(())
}
