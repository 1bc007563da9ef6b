//! Messages of up to 64 KiB over blocks of 128 bytes, in both directions: a handler ready to be used.
//!
//! An IHV writes a [`MessageHandler`], which takes whole messages and sends whole messages, and registers it inside
//! [`Messages`] under three block ids of its choice. The VF driver uses the client: [`MessageClient`] in Rust, or
//! `driver/include/vf_backchannel.h` in C. Pieces may be lost, repeated and reordered on the way; what arrives is the
//! message, whole, once, or nothing.
//!
//! Who is not trusted: the VF. It says how long its message is, which piece this is, and when it is done; each number is
//! held against the memory that is there. The memory is the VF's own part of what the host brings
//! ([`BlockHandler::memory`]), sized by the [`MessageLimits`] that the IHV states, so a VF that begins and never ends
//! keeps nobody else waiting; after the time limit what it began is dropped. One message of a VF is on its way in each
//! direction at a time.
//!
//! # The wire
//!
//! Numbers are little-endian, bytes that are not named are zero. Pieces are numbered from 0; each carries 120 bytes of the
//! message, the last one what is left and then zeros. A sequence number names a message; each is one more than the one
//! before, and wraps.
//!
//! | block | who | bytes | what |
//! | --- | --- | --- | --- |
//! | control | VF writes 32 | | what the VF speaks, see [`Negotiation`]; begins the conversation anew |
//! | | VF reads 32 | 0..24 | what both speak, as there |
//! | | | 24..28 | longest message to the PF, `u32` |
//! | | | 28..32 | longest message to the VF, `u32` |
//! | to the PF | VF writes 128 | 0..2 | sequence, `u16` |
//! | | | 2..4 | piece, `u16` |
//! | | | 4..8 | length of the whole message, `u32` |
//! | | | 8..128 | the piece |
//! | | VF reads 128 | 0..2 | sequence of the message that was begun last |
//! | | | 2..4 | what became of it, `u16`: 0 nothing was begun, 1 pieces are missing, 2 taken, 3 refused, 4 too late |
//! | | | 4..8 | its length |
//! | | | 8..12 | if refused: the NTSTATUS of the handler |
//! | | | 12..14 | pieces that have arrived, `u16` |
//! | | | 16..128 | bit n: piece n has arrived |
//! | to the VF | VF reads 128 | 0..2 | sequence |
//! | | | 2..4 | piece |
//! | | | 4..8 | length of the whole message; 0: there is none |
//! | | | 8..128 | the piece |
//! | | VF writes 128 | 0..2 | sequence |
//! | | | 2..4 | the piece to go on with, `u16`; one more than the last: the message has arrived |
//!
//! Each read of the block to the VF gives the next piece, and after the last the first again, until the VF has
//! acknowledged the message. When there is a new one, the block is invalidated.
//!
//! What a write is answered with besides: `STATUS_INVALID_DEVICE_STATE` before a version was agreed,
//! `STATUS_REVISION_MISMATCH` when none can be, `STATUS_INVALID_BUFFER_SIZE` for a message of no length or beyond the
//! limit, `STATUS_INVALID_PARAMETER` for a piece beyond its message's end or of another length than the pieces before,
//! `STATUS_IO_TIMEOUT` for a message that was begun too long ago. A piece that came before is dropped, with success.

mod client;
mod inbound;
mod outbound;
mod state;
mod wire;

use crate::block::BlockId;
use crate::halves::join;
use crate::handler::{BlockHandler, Call, Output};
use crate::invalidation::InvalidationTarget;
use crate::negotiation::{Agreement, Negotiation, Offer};
use crate::platform::SECOND;
use crate::schema::{RateClass, Schema};
use crate::status::NtStatus;
use crate::vf::{Vf, VfEvent};
use inbound::Progress;
use outbound::Outbound;
use state::Parts;

pub use client::{Blocks, ClientError, MessageClient};
pub use outbound::{Outbox, SendError};

/// What an IHV writes: takes messages from VFs, and sends some.
///
/// The rules of a [`BlockHandler`] hold for it. All calls are inside a call of the VF that they are about.
///
/// ```
/// use backchannel::{Call, MessageHandler, NtStatus, Outbox};
///
/// /// Sends every message back.
/// struct Echo;
///
/// impl MessageHandler for Echo {
///     fn message(&self, _call: &Call<'_>, message: &[u8], outbox: &mut Outbox<'_>) -> Result<(), NtStatus> {
///         outbox.send(message).map_err(|error| error.status())
///     }
/// }
/// ```
pub trait MessageHandler: Sync {
    /// Takes a message from the VF that calls.
    ///
    /// # Errors
    ///
    /// The error code that the guest is told.
    fn message(&self, call: &Call<'_>, message: &[u8], outbox: &mut Outbox<'_>) -> Result<(), NtStatus>;

    /// Is asked for a message: the VF looks for one, and none is on its way.
    ///
    /// To send one when the VF has not called, keep it, invalidate the VF's block, and send it here.
    fn asked(&self, _call: &Call<'_>, _outbox: &mut Outbox<'_>) {}

    /// Hears what happened to a VF, before any later call for it.
    fn vf_event(&self, _vf: Vf, _event: VfEvent) {}
}

/// The ids of the three blocks that messages use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageBlocks {
    /// The version is agreed here, and the limits are read.
    pub control: BlockId,
    /// Pieces of messages to the PF.
    pub to_pf: BlockId,
    /// Pieces of messages to the VF; below 64, so that a new one can be announced.
    pub to_vf: BlockId,
}

/// How much memory and time a VF has for its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Bytes of the longest message to the PF, at most [`LONGEST_MESSAGE`].
    pub to_pf: u32,
    /// Bytes of the longest message to the VF, at most [`LONGEST_MESSAGE`].
    pub to_vf: u32,
    /// The time in which a message must be complete, in units of the host's clock (100 ns).
    pub time: u64,
}

/// Bytes of a message at most.
pub const LONGEST_MESSAGE: u32 = 0x1_0000;

/// Serves the three blocks, for a [`MessageHandler`].
///
/// ```
/// # use backchannel::{BlockId, Call, MessageBlocks, MessageHandler, MessageLimits, Messages, NtStatus, Outbox, Schema};
/// # struct Echo;
/// # impl MessageHandler for Echo {
/// #     fn message(&self, _: &Call<'_>, _: &[u8], _: &mut Outbox<'_>) -> Result<(), NtStatus> { Ok(()) }
/// # }
/// const BLOCKS: MessageBlocks =
///     MessageBlocks { control: BlockId::new(10), to_pf: BlockId::new(11), to_vf: BlockId::new(12) };
/// // Registered like any handler, with the schemas that it states.
/// static MESSAGES: Messages<Echo> = Messages::new(Echo, BLOCKS, MessageLimits::DEFAULT);
/// static SCHEMAS: [Schema; 3] = BLOCKS.schemas();
/// # let _unused = (&MESSAGES, &SCHEMAS);
/// ```
#[derive(Debug)]
pub struct Messages<H> {
    handler: H,
    blocks: MessageBlocks,
    limits: MessageLimits,
}

impl MessageLimits {
    /// 4 KiB each way, five seconds.
    pub const DEFAULT: Self = Self { to_pf: 4096, to_vf: 4096, time: 5 * SECOND };
}

impl MessageBlocks {
    /// Describes the three blocks.
    #[must_use]
    pub const fn schemas(&self) -> [Schema; 3] {
        [Negotiation::schema(self.control), of_pieces(self.to_pf), of_pieces(self.to_vf)]
    }
}

impl<H: MessageHandler> Messages<H> {
    /// Makes the handler; limits beyond [`LONGEST_MESSAGE`] are cut to it.
    #[must_use]
    pub const fn new(handler: H, blocks: MessageBlocks, mut limits: MessageLimits) -> Self {
        if limits.to_pf > LONGEST_MESSAGE {
            limits.to_pf = LONGEST_MESSAGE;
        }
        if limits.to_vf > LONGEST_MESSAGE {
            limits.to_vf = LONGEST_MESSAGE;
        }
        Self { handler, blocks, limits }
    }

    /// Gives the handler inside.
    pub const fn handler(&self) -> &H {
        &self.handler
    }

    fn converse(
        &self,
        call: &Call<'_>,
        act: impl FnOnce(&mut Parts<'_>) -> Result<(), NtStatus>,
    ) -> Result<(), NtStatus> {
        let done = call.with_memory(|memory| Parts::of(memory, &self.limits, call.time(), act));
        done.flatten().unwrap_or(Err(NtStatus::INSUFFICIENT_RESOURCES))
    }

    fn take_piece(&self, call: &Call<'_>, parts: &mut Parts<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let message = match parts.inbound.piece(&mut parts.state, block)? {
            Progress::Kept => return Ok(()),
            Progress::Whole(message) => message,
        };
        let mut outbox = Outbox::new(&mut parts.outbound, &mut parts.state);
        let answer = self.handler.message(call, message, &mut outbox);
        self.announce(call, outbox.has_sent());
        parts.state.concluded(answer);
        answer
    }

    fn give_piece(&self, call: &Call<'_>, parts: &mut Parts<'_>, out: &mut [u8]) {
        if !parts.state.is_sending() {
            let mut outbox = Outbox::new(&mut parts.outbound, &mut parts.state);
            self.handler.asked(call, &mut outbox);
        }
        parts.outbound.piece(&mut parts.state, out);
    }

    fn announce(&self, call: &Call<'_>, has_sent: bool) {
        if let (true, Some(mask)) = (has_sent, self.blocks.to_vf.mask()) {
            call.invalidate(InvalidationTarget::Vf(call.vf().index), mask);
        }
    }
}

impl<H: MessageHandler> BlockHandler for Messages<H> {
    fn memory(&self) -> usize {
        Parts::length(&self.limits)
    }

    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        self.converse(call, |parts| {
            if call.block() == self.blocks.control {
                return parts.begin(OFFER.agree(block));
            }
            if !parts.state.has_version() {
                return Err(NtStatus::INVALID_DEVICE_STATE);
            }
            if call.block() == self.blocks.to_pf {
                self.take_piece(call, parts, block)
            } else {
                Outbound::acknowledge(&mut parts.state, block)
            }
        })
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        self.converse(call, |parts| {
            if call.block() == self.blocks.control {
                let agreed = Agreement { version: parts.state.version(), features: 0 };
                let mut answer = OFFER.answer(agreed);
                answer[3] = join(self.limits.to_pf, self.limits.to_vf);
                return out.fill(answer.map(u64::to_le_bytes).as_flattened());
            }
            let mut block = wire::EMPTY;
            if call.block() == self.blocks.to_pf {
                parts.inbound.report(&mut parts.state, &mut block);
            } else if parts.state.has_version() {
                self.give_piece(call, parts, &mut block);
            }
            out.fill(&block)
        })
    }

    fn vf_event(&self, vf: Vf, event: VfEvent) {
        self.handler.vf_event(vf, event);
    }
}

/// The versions of the wire that are spoken here.
const OFFER: Offer = Offer { lowest: 1, highest: 1, features: 0 };

const fn of_pieces(id: BlockId) -> Schema {
    Schema::conversed(id, 128, RateClass::Bulk)
}
