//! The schema of a block: everything that is fixed about one block id.
//!
//! Validator, dispatch, policy and documentation read the same description. It is written down once, as a constant, with
//! [`schema!`](crate::schema!), which refuses to compile a wrong one; a schema that comes from elsewhere (a plug-in's C
//! structure) is refused with a [`SchemaError`] that names the mistake.
//!
//! ```
//! use backchannel::{BlockId, Owner, Schema, schema};
//!
//! // 6 bytes that the operator sets and the VF reads; they survive a reset.
//! const MAC_ADDRESS: Schema =
//!     schema!(Schema::published(BlockId::new(7)).length(6).owner(Owner::Operator).keep_on_reset().invalidatable());
//! assert_eq!(MAC_ADDRESS.id(), BlockId::new(7));
//! ```
//!
//! ```compile_fail
//! use backchannel::{BlockId, Schema, schema};
//! // Blocks from 64 up have no bit in an invalidation.
//! const WRONG: Schema = schema!(Schema::published(BlockId::new(64)).length(6).invalidatable());
//! ```

use crate::block::BlockId;

/// Who may do what with the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The VF writes it.
    VfWrites,
    /// The VF reads it.
    VfReads,
    /// The VF writes and reads it.
    Both,
}

/// Where the content of a read comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadSource {
    /// The content that the PF side published last; zeros before the first time.
    Published,
    /// The handler, asked at each read.
    Handler,
    /// What the VF itself wrote last; zeros before the first time.
    Echo,
}

/// Whose content the block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The VF's.
    Vf,
    /// The PF driver's.
    Pf,
    /// The operator's.
    Operator,
}

/// What a reset does to the published content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetRule {
    /// It is wiped, as all content that the VF wrote always is.
    Wipe,
    /// It stays.
    Keep,
}

/// Which of a VF's token buckets the writes and reads of the block draw from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateClass {
    /// Messages at a moderate rate; the default.
    Standard,
    /// Rare requests that start work on the PF.
    Control,
    /// Pieces of large messages.
    Bulk,
    /// Never limited.
    Unlimited,
}

/// What happens to a call over the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// It is refused; the default.
    Refuse,
    /// A write is dropped and answered with success: for status blocks, whose next write replaces this one.
    ///
    /// A Linux mlx5 guest ends its periodic updates for good after one failed write.
    DropWithSuccess,
    /// It is delayed, at most 10 ms, and then carried out or refused.
    Delay,
}

/// Describes one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    pub(crate) id: BlockId,
    pub(crate) direction: Direction,
    pub(crate) source: ReadSource,
    pub(crate) owner: Owner,
    pub(crate) reset: ResetRule,
    pub(crate) rate: RateClass,
    pub(crate) shed: Shed,
    pub(crate) minimum: u8,
    pub(crate) maximum: u8,
    pub(crate) step: u8,
    pub(crate) truncatable: bool,
    pub(crate) deferred: bool,
    pub(crate) invalidatable: bool,
}

/// Why a schema is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaError {
    /// A C structure holds a number that stands for nothing.
    UnknownValue,
    /// No length was stated, or one of 0.
    NoLength,
    /// The maximum is above 128.
    TooLong,
    /// The minimum is above the maximum.
    EmptyRange,
    /// The step is 0, or does not lead from the minimum to the maximum.
    Step,
    /// An echo is asked for, but the VF does not both write and read the block.
    EchoNeedsBothDirections,
    /// Content that is published cannot be the VF's own.
    PublishedByVf,
    /// Only what the PF or the operator published survives a reset.
    KeepsVfContent,
    /// Only a read can be cut short.
    TruncatableWithoutRead,
    /// Only the blocks 0 to 63 can be invalidated, and only if the VF reads them.
    NotInvalidatable,
    /// Only writes can be deferred. A read that would have to wait is published, and announced by an invalidation.
    DeferredWithoutWrite,
}

/// Collects the description; all functions are `const`.
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder describes nothing before `build`"]
pub struct SchemaBuilder {
    pub(crate) schema: Schema,
}

impl Schema {
    /// Begins a block that the VF writes and never reads.
    pub const fn written(id: BlockId) -> SchemaBuilder {
        SchemaBuilder::new(id, Direction::VfWrites, ReadSource::Published, Owner::Vf)
    }

    /// Begins a block that the PF side publishes and the VF reads.
    pub const fn published(id: BlockId) -> SchemaBuilder {
        SchemaBuilder::new(id, Direction::VfReads, ReadSource::Published, Owner::Pf)
    }

    /// Begins a block that the VF reads and a handler answers.
    pub const fn answered(id: BlockId) -> SchemaBuilder {
        SchemaBuilder::new(id, Direction::VfReads, ReadSource::Handler, Owner::Pf)
    }

    /// Begins a block that the VF writes, and reads from `source`.
    pub const fn exchanged(id: BlockId, source: ReadSource) -> SchemaBuilder {
        let owner = match source {
            ReadSource::Echo => Owner::Vf,
            ReadSource::Published | ReadSource::Handler => Owner::Pf,
        };
        SchemaBuilder::new(id, Direction::Both, source, owner)
    }

    /// Describes a block of a protocol that both sides speak: written and answered by a handler, always as long.
    ///
    /// `length` is 1 to 128.
    pub(crate) const fn conversed(id: BlockId, length: u8, rate: RateClass) -> Self {
        let mut schema = Self::exchanged(id, ReadSource::Handler).length(length).rate(rate).schema;
        schema.invalidatable = id.mask().is_some();
        schema
    }

    /// Gives the block that this describes.
    #[must_use]
    pub const fn id(&self) -> BlockId {
        self.id
    }

    /// Says whether the VF may write the block.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        matches!(self.direction, Direction::VfWrites | Direction::Both)
    }

    /// Says whether the VF may read the block.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        matches!(self.direction, Direction::VfReads | Direction::Both)
    }

    /// Says whether reads are served from published content.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        self.is_read() && matches!(self.source, ReadSource::Published)
    }

    /// Says whether `length` bytes are a whole block.
    #[must_use]
    pub const fn allows(&self, length: u8) -> bool {
        match length.checked_sub(self.minimum) {
            Some(above) => length <= self.maximum && matches!(above.checked_rem(self.step), Some(0)),
            None => false,
        }
    }
}

impl SchemaBuilder {
    const fn new(id: BlockId, direction: Direction, source: ReadSource, owner: Owner) -> Self {
        Self {
            schema: Schema {
                id,
                direction,
                source,
                owner,
                reset: ResetRule::Wipe,
                rate: RateClass::Standard,
                shed: Shed::Refuse,
                minimum: 0,
                maximum: 0,
                step: 1,
                truncatable: false,
                deferred: false,
                invalidatable: false,
            },
        }
    }

    /// Allows exactly this length, in bytes.
    pub const fn length(self, length: u8) -> Self {
        self.lengths(length, length, 1)
    }

    /// Allows the lengths from `minimum` to `maximum` in steps of `step` bytes.
    pub const fn lengths(mut self, minimum: u8, maximum: u8, step: u8) -> Self {
        self.schema.minimum = minimum;
        self.schema.maximum = maximum;
        self.schema.step = step;
        self
    }

    /// States whose content the block holds.
    pub const fn owner(mut self, owner: Owner) -> Self {
        self.schema.owner = owner;
        self
    }

    /// Lets the published content survive a reset of the VF.
    pub const fn keep_on_reset(mut self) -> Self {
        self.schema.reset = ResetRule::Keep;
        self
    }

    /// States the rate class.
    pub const fn rate(mut self, rate: RateClass) -> Self {
        self.schema.rate = rate;
        self
    }

    /// States what happens to a call over the rate.
    pub const fn shed(mut self, shed: Shed) -> Self {
        self.schema.shed = shed;
        self
    }

    /// Answers a read that is shorter than the block with the first bytes of it, instead of refusing.
    pub const fn truncatable(mut self) -> Self {
        self.schema.truncatable = true;
        self
    }

    /// Lets the handler answer a write later, by ticket.
    pub const fn deferred(mut self) -> Self {
        self.schema.deferred = true;
        self
    }

    /// Lets the PF side tell the VF to read the block again.
    pub const fn invalidatable(mut self) -> Self {
        self.schema.invalidatable = true;
        self
    }

    /// Checks the description.
    ///
    /// # Errors
    ///
    /// The first mistake, by name.
    pub const fn build(self) -> Result<Schema, SchemaError> {
        let schema = self.schema;
        let keeps = matches!(schema.reset, ResetRule::Keep);
        let vf_owned = matches!(schema.owner, Owner::Vf);
        if schema.minimum == 0 {
            return Err(SchemaError::NoLength);
        }
        if schema.maximum > 128 {
            return Err(SchemaError::TooLong);
        }
        let Some(range) = schema.maximum.checked_sub(schema.minimum) else {
            return Err(SchemaError::EmptyRange);
        };
        if !matches!(range.checked_rem(schema.step), Some(0)) {
            return Err(SchemaError::Step);
        }
        if matches!(schema.source, ReadSource::Echo) && !matches!(schema.direction, Direction::Both) {
            return Err(SchemaError::EchoNeedsBothDirections);
        }
        if schema.is_published() && vf_owned {
            return Err(SchemaError::PublishedByVf);
        }
        if keeps && (vf_owned || !schema.is_published()) {
            return Err(SchemaError::KeepsVfContent);
        }
        if schema.truncatable && !schema.is_read() {
            return Err(SchemaError::TruncatableWithoutRead);
        }
        if schema.invalidatable && (schema.id.mask().is_none() || !schema.is_read()) {
            return Err(SchemaError::NotInvalidatable);
        }
        if schema.deferred && !schema.is_written() {
            return Err(SchemaError::DeferredWithoutWrite);
        }
        Ok(schema)
    }
}

/// Builds a [`Schema`] in a constant; a wrong one does not compile.
#[macro_export]
macro_rules! schema {
    ($builder:expr) => {
        const {
            match $builder.build() {
                Ok(schema) => schema,
                Err(_) => panic!("the schema is wrong: `build` names the mistake"),
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::{Owner, RateClass, ReadSource, Schema, SchemaBuilder, SchemaError};
    use crate::block::BlockId;

    fn refused(builder: SchemaBuilder) -> SchemaError {
        builder.build().expect_err("the schema is wrong")
    }

    const ID: BlockId = BlockId::new(3);

    #[test]
    fn schema_without_a_length_is_refused() {
        assert_eq!(refused(Schema::written(ID)), SchemaError::NoLength);
        assert_eq!(refused(Schema::written(ID).lengths(0, 8, 1)), SchemaError::NoLength);
    }

    #[test]
    fn schema_of_129_bytes_is_refused() {
        assert_eq!(refused(Schema::written(ID).length(129)), SchemaError::TooLong);
        assert!(Schema::written(ID).length(128).build().is_ok());
    }

    #[test]
    fn schema_with_an_empty_range_is_refused() {
        assert_eq!(refused(Schema::written(ID).lengths(9, 8, 1)), SchemaError::EmptyRange);
    }

    #[test]
    fn step_that_misses_the_maximum_is_refused() {
        assert_eq!(refused(Schema::written(ID).lengths(8, 17, 4)), SchemaError::Step);
        assert_eq!(refused(Schema::written(ID).lengths(8, 16, 0)), SchemaError::Step);
    }

    #[test]
    fn echo_to_a_vf_that_does_not_write_is_impossible_to_describe() {
        assert!(Schema::exchanged(ID, ReadSource::Echo).length(4).build().is_ok());
        let mut builder = Schema::published(ID).length(4);
        builder.schema.source = ReadSource::Echo;
        assert_eq!(refused(builder), SchemaError::EchoNeedsBothDirections);
    }

    #[test]
    fn published_content_is_never_the_vfs_own() {
        assert_eq!(refused(Schema::published(ID).length(4).owner(Owner::Vf)), SchemaError::PublishedByVf);
    }

    #[test]
    fn content_that_the_vf_wrote_cannot_survive_a_reset() {
        assert_eq!(refused(Schema::written(ID).length(4).keep_on_reset()), SchemaError::KeepsVfContent);
        let claimed = Schema::written(ID).length(4).owner(Owner::Operator).keep_on_reset();
        assert_eq!(refused(claimed), SchemaError::KeepsVfContent);
        let echo = Schema::exchanged(ID, ReadSource::Echo).length(4).owner(Owner::Pf).keep_on_reset();
        assert_eq!(refused(echo), SchemaError::KeepsVfContent);
        assert!(Schema::published(ID).length(4).keep_on_reset().build().is_ok());
    }

    #[test]
    fn block_that_is_never_read_cannot_be_truncated() {
        assert_eq!(refused(Schema::written(ID).length(4).truncatable()), SchemaError::TruncatableWithoutRead);
    }

    #[test]
    fn block_without_a_mask_bit_cannot_be_invalidated() {
        let block = |id| Schema::published(BlockId::new(id)).length(4).invalidatable();
        assert!(block(63).build().is_ok());
        assert_eq!(refused(block(64)), SchemaError::NotInvalidatable);
        assert_eq!(refused(Schema::written(ID).length(4).invalidatable()), SchemaError::NotInvalidatable);
    }

    #[test]
    fn only_writes_can_be_deferred() {
        assert_eq!(refused(Schema::published(ID).length(4).deferred()), SchemaError::DeferredWithoutWrite);
        assert_eq!(refused(Schema::answered(ID).length(4).deferred()), SchemaError::DeferredWithoutWrite);
        assert!(Schema::written(ID).length(4).deferred().build().is_ok());
    }

    #[test]
    fn block_of_a_conversation_is_right_whatever_its_id() {
        for (id, invalidatable) in [(63, true), (64, false)] {
            let schema = Schema::conversed(BlockId::new(id), 32, RateClass::Control);
            assert_eq!(SchemaBuilder { schema }.build(), Ok(schema));
            assert_eq!(schema.invalidatable, invalidatable);
        }
    }

    #[test]
    fn only_lengths_on_the_steps_are_allowed() {
        let schema = Schema::written(ID).lengths(8, 128, 40).build().expect("8, 48, 88, 128");
        let allowed: Vec<u8> = (0..=255).filter(|length| schema.allows(*length)).collect();
        assert_eq!(allowed, [8, 48, 88, 128]);
    }
}
