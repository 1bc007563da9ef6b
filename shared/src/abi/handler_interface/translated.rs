//! The engine's words for the handler interface's: schemas, and why something was refused.

use super::{PF_BACKCHANNEL_SCHEMA, numbers};
use crate::{
    abi::NTSTATUS,
    block::BlockId,
    handler_table::{RegisterError, UnregisterError},
    policy::Standing,
    schema::{Direction, Owner, RateClass, ReadSource, ResetRule, Schema, SchemaBuilder, SchemaError, Shed},
    services::PublishError,
    status::NtStatus,
    vf::VfState,
};

impl PF_BACKCHANNEL_SCHEMA {
    /// Checks the description.
    ///
    /// # Errors
    ///
    /// The first mistake, by name.
    pub fn checked(&self) -> Result<Schema, SchemaError> {
        let flag = |flag: u32| self.Flags & flag != 0;
        SchemaBuilder {
            schema: Schema {
                id: BlockId::new(self.BlockId),
                direction: one_of(DIRECTIONS, self.Direction)?,
                source: one_of(SOURCES, self.Source)?,
                owner: one_of(OWNERS, self.Owner)?,
                reset: if flag(numbers::PF_BACKCHANNEL_KEEP_ON_RESET) {
                    ResetRule::Keep
                } else {
                    ResetRule::Wipe
                },
                rate: one_of(RATES, self.Rate)?,
                shed: one_of(SHEDS, self.Shed)?,
                minimum: self.Minimum,
                maximum: self.Maximum,
                step: self.Step,
                truncatable: flag(numbers::PF_BACKCHANNEL_TRUNCATABLE),
                deferred: flag(numbers::PF_BACKCHANNEL_DEFERRED),
                invalidatable: flag(numbers::PF_BACKCHANNEL_INVALIDATABLE),
            },
        }
        .build()
    }

    /// Says whether a flag is set that has no meaning.
    #[must_use]
    pub const fn has_unknown_flags(&self) -> bool {
        self.Flags & !FLAGS != 0
    }
}

/// Describes a block for a driver in Rust that registers it by the interface.
impl From<&Schema> for PF_BACKCHANNEL_SCHEMA {
    fn from(schema: &Schema) -> Self {
        let flags = [
            (schema.reset == ResetRule::Keep, numbers::PF_BACKCHANNEL_KEEP_ON_RESET),
            (schema.truncatable, numbers::PF_BACKCHANNEL_TRUNCATABLE),
            (schema.deferred, numbers::PF_BACKCHANNEL_DEFERRED),
            (schema.invalidatable, numbers::PF_BACKCHANNEL_INVALIDATABLE),
        ];
        Self {
            BlockId: schema.id.value(),
            Flags: flags.iter().filter(|(set, _)| *set).fold(0, |flags, (_, flag)| flags | flag),
            Direction: number_of(DIRECTIONS, schema.direction),
            Source: number_of(SOURCES, schema.source),
            Owner: number_of(OWNERS, schema.owner),
            Rate: number_of(RATES, schema.rate),
            Shed: number_of(SHEDS, schema.shed),
            Minimum: schema.minimum,
            Maximum: schema.maximum,
            Step: schema.step,
        }
    }
}

const FLAGS: u32 = numbers::PF_BACKCHANNEL_KEEP_ON_RESET
    | numbers::PF_BACKCHANNEL_TRUNCATABLE
    | numbers::PF_BACKCHANNEL_DEFERRED
    | numbers::PF_BACKCHANNEL_INVALIDATABLE;

const DIRECTIONS: [(u8, Direction); 3] = [
    (numbers::PF_BACKCHANNEL_VF_WRITES, Direction::VfWrites),
    (numbers::PF_BACKCHANNEL_VF_READS, Direction::VfReads),
    (numbers::PF_BACKCHANNEL_VF_WRITES_AND_READS, Direction::Both),
];
const SOURCES: [(u8, ReadSource); 3] = [
    (numbers::PF_BACKCHANNEL_SOURCE_PUBLISHED, ReadSource::Published),
    (numbers::PF_BACKCHANNEL_SOURCE_HANDLER, ReadSource::Handler),
    (numbers::PF_BACKCHANNEL_SOURCE_ECHO, ReadSource::Echo),
];
const OWNERS: [(u8, Owner); 3] = [
    (numbers::PF_BACKCHANNEL_OWNER_VF, Owner::Vf),
    (numbers::PF_BACKCHANNEL_OWNER_PF, Owner::Pf),
    (numbers::PF_BACKCHANNEL_OWNER_OPERATOR, Owner::Operator),
];
const RATES: [(u8, RateClass); 4] = [
    (numbers::PF_BACKCHANNEL_RATE_STANDARD, RateClass::Standard),
    (numbers::PF_BACKCHANNEL_RATE_CONTROL, RateClass::Control),
    (numbers::PF_BACKCHANNEL_RATE_BULK, RateClass::Bulk),
    (numbers::PF_BACKCHANNEL_RATE_UNLIMITED, RateClass::Unlimited),
];
const SHEDS: [(u8, Shed); 3] = [
    (numbers::PF_BACKCHANNEL_SHED_REFUSE, Shed::Refuse),
    (numbers::PF_BACKCHANNEL_SHED_DROP_WITH_SUCCESS, Shed::DropWithSuccess),
    (numbers::PF_BACKCHANNEL_SHED_DELAY, Shed::Delay),
];

fn one_of<T: Copy, const COUNT: usize>(values: [(u8, T); COUNT], number: u8) -> Result<T, SchemaError> {
    let found = values.iter().find(|(known, _)| *known == number);
    found.map(|(_, value)| *value).ok_or(SchemaError::UnknownValue)
}

fn number_of<T: Copy + PartialEq, const COUNT: usize>(values: [(u8, T); COUNT], value: T) -> u8 {
    values.iter().find(|(_, known)| *known == value).map_or(0, |(number, _)| *number)
}

/// Gives the number that stands for the state of a VF, in all interfaces.
#[must_use]
pub const fn state_number(state: VfState) -> u8 {
    match state {
        VfState::Absent => numbers::PF_BACKCHANNEL_STATE_ABSENT,
        VfState::Enabled => numbers::PF_BACKCHANNEL_STATE_ENABLED,
        VfState::Off => numbers::PF_BACKCHANNEL_STATE_OFF,
    }
}

/// Gives the number that stands for how a VF stands, in all interfaces.
#[must_use]
pub const fn standing_number(standing: Standing) -> u8 {
    match standing {
        Standing::Good => 0,
        Standing::Throttled => 1,
        Standing::Isolated => 2,
        Standing::Probation => 3,
    }
}

/// Gives the status for a schema that is wrong.
#[must_use]
pub const fn schema_status(error: SchemaError) -> NTSTATUS {
    match error {
        SchemaError::UnknownValue => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_UNKNOWN_VALUE,
        SchemaError::NoLength => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_NO_LENGTH,
        SchemaError::TooLong => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_TOO_LONG,
        SchemaError::EmptyRange => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_EMPTY_RANGE,
        SchemaError::Step => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_STEP,
        SchemaError::EchoNeedsBothDirections => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_ECHO_NEEDS_BOTH,
        SchemaError::PublishedByVf => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_PUBLISHED_BY_VF,
        SchemaError::KeepsVfContent => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_KEEPS_VF_CONTENT,
        SchemaError::TruncatableWithoutRead => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_TRUNCATABLE,
        SchemaError::NotInvalidatable => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_NOT_INVALIDATABLE,
        SchemaError::DeferredWithoutWrite => numbers::PF_BACKCHANNEL_STATUS_SCHEMA_DEFERRED,
    }
}

/// Gives the status for a block that was not registered.
#[must_use]
pub const fn register_status(error: RegisterError) -> NTSTATUS {
    match error {
        RegisterError::Taken => numbers::PF_BACKCHANNEL_STATUS_BLOCK_TAKEN,
        RegisterError::Full => numbers::PF_BACKCHANNEL_STATUS_TABLE_FULL,
        RegisterError::StoreFull => numbers::PF_BACKCHANNEL_STATUS_STORE_FULL,
        RegisterError::NoSuchHandler | RegisterError::NeedsHandler => NtStatus::INVALID_PARAMETER.raw(),
    }
}

/// Gives the status for a block that was not unregistered, or whose handler was not replaced.
#[must_use]
pub const fn unregister_status(error: UnregisterError) -> NTSTATUS {
    match error {
        UnregisterError::NotRegistered => numbers::PF_BACKCHANNEL_STATUS_NOT_REGISTERED,
        UnregisterError::InsideCallback => numbers::PF_BACKCHANNEL_STATUS_OWN_CALLBACK,
        UnregisterError::StillInUse => numbers::PF_BACKCHANNEL_STATUS_STILL_IN_USE,
        UnregisterError::NoSuchHandler => NtStatus::INVALID_PARAMETER.raw(),
    }
}

/// Gives the status for content that was not published.
#[must_use]
pub const fn publish_status(error: PublishError) -> NTSTATUS {
    match error {
        PublishError::NoSuchVf => numbers::PF_BACKCHANNEL_STATUS_NO_SUCH_VF,
        PublishError::Stale => numbers::PF_BACKCHANNEL_STATUS_STALE,
        PublishError::UnknownBlock => numbers::PF_BACKCHANNEL_STATUS_NOT_REGISTERED,
        PublishError::NotPublished => numbers::PF_BACKCHANNEL_STATUS_NOT_PUBLISHED,
        PublishError::Length => numbers::PF_BACKCHANNEL_STATUS_CONTENT_LENGTH,
    }
}

#[cfg(test)]
mod tests {
    use super::{numbers, schema_status, standing_number, state_number};
    use crate::{
        abi::handler_interface::PF_BACKCHANNEL_SCHEMA,
        block::BlockId,
        policy::Standing,
        schema::{Owner, RateClass, ReadSource, Schema, SchemaBuilder, SchemaError, Shed},
        vf::VfState,
    };

    /// A block that is right whatever one member of it is changed to.
    fn builders() -> Vec<SchemaBuilder> {
        let id = BlockId::new(7);
        vec![
            Schema::written(id)
                .lengths(4, 16, 4)
                .rate(RateClass::Bulk)
                .shed(Shed::DropWithSuccess)
                .deferred(),
            Schema::published(id).length(6).owner(Owner::Operator).keep_on_reset().invalidatable(),
            Schema::answered(id).length(128).truncatable().rate(RateClass::Control).shed(Shed::Delay),
            Schema::exchanged(id, ReadSource::Echo).length(1).rate(RateClass::Unlimited),
        ]
    }

    #[test]
    fn states_and_standings_have_the_numbers_of_the_header() {
        assert_eq!([VfState::Absent, VfState::Enabled, VfState::Off].map(state_number), [0, 1, 2]);
        let standings = [Standing::Good, Standing::Throttled, Standing::Isolated, Standing::Probation];
        assert_eq!(standings.map(standing_number), [0, 1, 2, 3]);
    }

    #[test]
    fn every_schema_is_the_same_on_both_sides() {
        for builder in builders() {
            let schema = builder.build().expect("it is right");
            assert_eq!(PF_BACKCHANNEL_SCHEMA::from(&schema).checked(), Ok(schema));
        }
    }

    #[test]
    fn values_that_are_not_defined_are_refused() {
        let right = PF_BACKCHANNEL_SCHEMA::from(&builders()[1].build().expect("it is right"));
        assert!(right.checked().is_ok() && !right.has_unknown_flags());
        for wrong in [
            PF_BACKCHANNEL_SCHEMA { Direction: 0, ..right },
            PF_BACKCHANNEL_SCHEMA { Direction: 4, ..right },
            PF_BACKCHANNEL_SCHEMA { Source: 3, ..right },
            PF_BACKCHANNEL_SCHEMA { Owner: 3, ..right },
            PF_BACKCHANNEL_SCHEMA { Rate: 4, ..right },
            PF_BACKCHANNEL_SCHEMA { Shed: 3, ..right },
        ] {
            assert_eq!(wrong.checked(), Err(SchemaError::UnknownValue), "{wrong:?}");
        }
        assert!(PF_BACKCHANNEL_SCHEMA { Flags: 16, ..right }.has_unknown_flags());
        assert!(!PF_BACKCHANNEL_SCHEMA { Flags: 15, ..right }.has_unknown_flags());
    }

    #[test]
    fn a_wrong_schema_has_the_status_that_names_its_mistake() {
        let right = PF_BACKCHANNEL_SCHEMA::from(&builders()[1].build().expect("it is right"));
        let status = |schema: PF_BACKCHANNEL_SCHEMA| schema.checked().map_err(schema_status).map(|_| ());
        let with_minimum = PF_BACKCHANNEL_SCHEMA { Minimum: 0, ..right };
        assert_eq!(status(with_minimum), Err(numbers::PF_BACKCHANNEL_STATUS_SCHEMA_NO_LENGTH));
        let of_a_vf = PF_BACKCHANNEL_SCHEMA { Owner: numbers::PF_BACKCHANNEL_OWNER_VF, ..right };
        assert_eq!(status(of_a_vf), Err(numbers::PF_BACKCHANNEL_STATUS_SCHEMA_PUBLISHED_BY_VF));
        let beyond = PF_BACKCHANNEL_SCHEMA { BlockId: 64, ..right };
        assert_eq!(status(beyond), Err(numbers::PF_BACKCHANNEL_STATUS_SCHEMA_NOT_INVALIDATABLE));
    }
}
