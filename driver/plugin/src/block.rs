//! A block as its schema describes it, and who serves it.

use backchannel::abi::handler_interface::{
    PF_BACKCHANNEL_DEFERRED, PF_BACKCHANNEL_INVALIDATABLE, PF_BACKCHANNEL_KEEP_ON_RESET,
    PF_BACKCHANNEL_OWNER_OPERATOR, PF_BACKCHANNEL_OWNER_PF, PF_BACKCHANNEL_OWNER_VF,
    PF_BACKCHANNEL_RATE_UNLIMITED, PF_BACKCHANNEL_SCHEMA, PF_BACKCHANNEL_SOURCE_HANDLER,
    PF_BACKCHANNEL_SOURCE_PUBLISHED, PF_BACKCHANNEL_TRUNCATABLE, PF_BACKCHANNEL_VF_READS,
    PF_BACKCHANNEL_VF_WRITES, PF_BACKCHANNEL_VF_WRITES_AND_READS,
};

use crate::handler::Handler;

/// Describes a block; a wrong description is refused by the PF when it is registered.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    schema: PF_BACKCHANNEL_SCHEMA,
}

impl Block {
    /// Begins a block that the VF writes and never reads.
    #[must_use]
    pub const fn written(id: u32) -> Self {
        Self::new(id, PF_BACKCHANNEL_VF_WRITES, PF_BACKCHANNEL_SOURCE_PUBLISHED, PF_BACKCHANNEL_OWNER_VF)
    }

    /// Begins a block that the PF side publishes and the VF reads.
    #[must_use]
    pub const fn published(id: u32) -> Self {
        Self::new(id, PF_BACKCHANNEL_VF_READS, PF_BACKCHANNEL_SOURCE_PUBLISHED, PF_BACKCHANNEL_OWNER_PF)
    }

    /// Begins a block that the VF reads and the handler answers.
    #[must_use]
    pub const fn answered(id: u32) -> Self {
        Self::new(id, PF_BACKCHANNEL_VF_READS, PF_BACKCHANNEL_SOURCE_HANDLER, PF_BACKCHANNEL_OWNER_PF)
    }

    /// Begins a block that the VF writes, and reads from the handler.
    #[must_use]
    pub const fn exchanged(id: u32) -> Self {
        Self::new(
            id,
            PF_BACKCHANNEL_VF_WRITES_AND_READS,
            PF_BACKCHANNEL_SOURCE_HANDLER,
            PF_BACKCHANNEL_OWNER_PF,
        )
    }

    const fn new(id: u32, direction: u8, source: u8, owner: u8) -> Self {
        Self {
            schema: PF_BACKCHANNEL_SCHEMA {
                BlockId: id,
                Flags: 0,
                Direction: direction,
                Source: source,
                Owner: owner,
                Rate: 0,
                Shed: 0,
                Minimum: 0,
                Maximum: 0,
                Step: 1,
            },
        }
    }

    /// Allows exactly this length, in bytes.
    #[must_use]
    pub const fn length(self, length: u8) -> Self {
        self.lengths(length, length, 1)
    }

    /// Allows the lengths from `minimum` to `maximum` in steps of `step` bytes.
    #[must_use]
    pub const fn lengths(mut self, minimum: u8, maximum: u8, step: u8) -> Self {
        self.schema.Minimum = minimum;
        self.schema.Maximum = maximum;
        self.schema.Step = step;
        self
    }

    /// Lets the operator set the content too.
    #[must_use]
    pub const fn owned_by_operator(mut self) -> Self {
        self.schema.Owner = PF_BACKCHANNEL_OWNER_OPERATOR;
        self
    }

    /// Takes the block out of the rate limits.
    #[must_use]
    pub const fn unlimited(mut self) -> Self {
        self.schema.Rate = PF_BACKCHANNEL_RATE_UNLIMITED;
        self
    }

    /// Lets the published content survive a reset of the VF.
    #[must_use]
    pub const fn keep_on_reset(self) -> Self {
        self.with(PF_BACKCHANNEL_KEEP_ON_RESET)
    }

    /// Answers a read that is shorter than the block with its first bytes, instead of refusing.
    #[must_use]
    pub const fn truncatable(self) -> Self {
        self.with(PF_BACKCHANNEL_TRUNCATABLE)
    }

    /// Lets the handler answer a write later: it returns `Err(NtStatus::PENDING)` and completes the call's ticket.
    #[must_use]
    pub const fn deferred(self) -> Self {
        self.with(PF_BACKCHANNEL_DEFERRED)
    }

    /// Lets VFs be told to read the block again.
    #[must_use]
    pub const fn invalidatable(self) -> Self {
        self.with(PF_BACKCHANNEL_INVALIDATABLE)
    }

    const fn with(mut self, flag: u32) -> Self {
        self.schema.Flags |= flag;
        self
    }

    /// Gives the block's id.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.schema.BlockId
    }

    pub(crate) const fn schema(&self) -> PF_BACKCHANNEL_SCHEMA {
        self.schema
    }
}

/// A block with the handler that serves it.
#[derive(Clone, Copy)]
pub struct Service {
    pub(crate) block: Block,
    pub(crate) handler: &'static dyn Handler,
}

impl Service {
    /// Has `handler` serve `block`.
    pub const fn new(block: Block, handler: &'static dyn Handler) -> Self {
        Self { block, handler }
    }
}

impl core::fmt::Debug for Service {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Service").field("block", &self.block).finish_non_exhaustive()
    }
}
