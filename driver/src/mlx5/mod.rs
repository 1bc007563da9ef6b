//! Blocks 0 and 1 as a Linux mlx5 VF driver uses them: the host half, and a worked example of a handler.
//!
//! Block 0 is the control block: the VF offers agents, the PF addresses them and gives a command. Block 1 takes the
//! statistics agent's data, cut into pieces of 120 bytes. What came together is kept for each VF and can be read back by
//! that VF alone: block 0x0FFF holds counters, blocks 0x1000 to 0x101F hold the last complete set, four rings each. It is
//! also handed to the driver's own [`StatisticsSink`].
//!
//! The operator says what a VF is to do, by setting block 0x0FFE for it: a command, `u16` (0 stop, 0xFFFF send once, n
//! send every n * 100 ms), and a number, `u16`, that tells two orders "once" apart; and by invalidating block 0. As long
//! as nothing is set the order is 1: send every 100 ms.
//!
//! The VF driver reads block 0 before anything is configured, may repeat acknowledgements and sets, and is not trusted:
//! nothing it sends selects memory other than its own conversation.
//!
//! This file depends on the engine alone, so its tests run on any host.

mod control;
mod statistics;

use backchannel::{
    BlockHandler, BlockId, BlockMask, Call, InvalidationTarget, NtStatus, Output, Owner, ReadSource, Schema,
    Vf, schema,
};

use bytemuck::{Pod, Zeroable};

use control::{Control, Order};
use statistics::{SET, Statistics};

/// Every block of this handler: control, statistics, the operator's order, the report, and the windows into the last
/// complete set.
pub const BLOCKS: [Schema; 4 + WINDOWS] = {
    let mut blocks = [REPORT; 4 + WINDOWS];
    let [control, statistics, order, _report, windows @ ..] = &mut blocks;
    *control = CONTROL;
    *statistics = STATISTICS;
    *order = ORDER;
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

/// What the operator wants of the VF.
const ORDER: Schema =
    schema!(Schema::published(BlockId::new(0x0FFE)).length(4).owner(Owner::Operator).keep_on_reset());

/// Counters of the reassembly.
const REPORT: Schema = schema!(Schema::answered(BlockId::new(0x0FFF)).length(128));

/// The first of the blocks that hold the last complete set, four rings each.
const FIRST_WINDOW: u32 = 0x1000;

/// How many blocks hold a set.
const WINDOWS: usize = SET / 128;

/// What the report begins with: "MLXS", little-endian.
const MAGIC: u32 = u32::from_le_bytes(*b"MLXS");

/// Takes what a VF's pieces make.
pub trait StatisticsSink: Sync {
    /// Takes a complete set of a VF: 32 bytes a ring.
    ///
    /// Called at `PASSIVE_LEVEL` inside the call that brought the last piece; the bytes are the guest's word.
    fn set(&self, vf: Vf, set: &[u8]);
}

/// Sets are only read back.
impl StatisticsSink for () {
    fn set(&self, _vf: Vf, _set: &[u8]) {}
}

/// The host half, which hands complete sets to `S`.
#[derive(Debug)]
pub struct Mlx5<S = ()>(pub S);

/// What was said between the PF and one VF in its present life; all zero is nothing.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Conversation {
    statistics: Statistics,
    control: Control,
}

impl<S: StatisticsSink> Mlx5<S> {
    /// Takes up the conversation with the VF that calls.
    fn converse(
        call: &Call<'_>,
        mut act: impl FnMut(&mut Conversation) -> Result<(), NtStatus>,
    ) -> Result<(), NtStatus> {
        let done = call.with_memory(|memory| bytemuck::try_from_bytes_mut(memory).ok().map(&mut act));
        done.flatten().unwrap_or(Err(NtStatus::INSUFFICIENT_RESOURCES))
    }
}

impl<S: StatisticsSink> BlockHandler for Mlx5<S> {
    fn memory(&self) -> usize {
        size_of::<Conversation>()
    }

    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        Self::converse(call, |Conversation { control, statistics }| {
            let is_new = if call.block() == CONTROL.id() {
                if control.write(block, order(call)) {
                    let vf = InvalidationTarget::Vf(call.vf().index);
                    call.invalidate(vf, const { BlockMask::new(1) });
                }
                if control.limit() == 0 {
                    statistics.give_up();
                }
                true
            } else {
                statistics.receive(control.limit(), block)?
            };
            if is_new && let Some(set) = statistics.conclude(control.rings()) {
                self.0.set(call.vf(), set);
            }
            Ok(())
        })
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        Self::converse(call, |Conversation { control, statistics }| {
            if call.block() == CONTROL.id() {
                return out.fill(bytemuck::bytes_of(&control.read(order(call))));
            }
            if call.block() == REPORT.id() {
                let words = [
                    MAGIC,
                    statistics.sets,
                    statistics.pieces,
                    statistics.rejected,
                    statistics.last_sequence | statistics.rings << 16,
                    control.commands(),
                    statistics.lost,
                ];
                return out.fill(bytemuck::bytes_of(&words));
            }
            let window = call.block().value().saturating_sub(FIRST_WINDOW);
            let start = usize::try_from(window).unwrap_or(WINDOWS).saturating_mul(128);
            out.fill(statistics.window(start))
        })
    }
}

/// What the operator wants of the VF that calls.
fn order(call: &Call<'_>) -> Order {
    let mut block = [0; 4];
    let length = call.published(ORDER.id(), &mut block);
    Order::of(block, length)
}

const _: () = assert!(cfg!(target_endian = "little"), "words are sent as they are kept");
