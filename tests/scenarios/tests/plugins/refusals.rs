//! Structures that are not right are refused, each by its own name.

use backchannel::abi::handler_interface::{
    PF_BACKCHANNEL_STATUS_FOREIGN_CALLBACK, PF_BACKCHANNEL_STATUS_FOREIGN_FILE,
    PF_BACKCHANNEL_STATUS_NO_DRIVER, PF_BACKCHANNEL_STATUS_NULL_CALLBACK,
    PF_BACKCHANNEL_STATUS_RESERVED_NOT_ZERO, PF_BACKCHANNEL_STATUS_SCHEMA_TOO_LONG,
    PF_BACKCHANNEL_STATUS_SCHEMA_UNKNOWN_VALUE, PF_BACKCHANNEL_STATUS_WRONG_SIZE,
    PF_BACKCHANNEL_STATUS_WRONG_VERSION,
};

use crate::{Ask, ask, expect, own_status};

/// What each mistake of the probe's is refused with, in its order.
const REGISTRATIONS: [i32; 12] = [
    // An unknown tail, and a tail that is missing.
    PF_BACKCHANNEL_STATUS_WRONG_SIZE,
    PF_BACKCHANNEL_STATUS_WRONG_SIZE,
    PF_BACKCHANNEL_STATUS_WRONG_VERSION,
    PF_BACKCHANNEL_STATUS_RESERVED_NOT_ZERO,
    // Write, Read, VfEvent.
    PF_BACKCHANNEL_STATUS_NULL_CALLBACK,
    PF_BACKCHANNEL_STATUS_NULL_CALLBACK,
    PF_BACKCHANNEL_STATUS_NULL_CALLBACK,
    PF_BACKCHANNEL_STATUS_NO_DRIVER,
    PF_BACKCHANNEL_STATUS_FOREIGN_CALLBACK,
    PF_BACKCHANNEL_STATUS_FOREIGN_FILE,
    PF_BACKCHANNEL_STATUS_SCHEMA_UNKNOWN_VALUE,
    PF_BACKCHANNEL_STATUS_SCHEMA_TOO_LONG,
];

/// The same of queries for the interface: an unknown tail, a missing one, another version.
const QUERIES: [i32; 3] =
    [PF_BACKCHANNEL_STATUS_WRONG_SIZE, PF_BACKCHANNEL_STATUS_WRONG_SIZE, PF_BACKCHANNEL_STATUS_WRONG_VERSION];

#[test]
fn registration_with_a_mistake_is_refused_by_the_mistakes_name() {
    let names = REGISTRATIONS.map(own_status);
    let steps: Vec<_> = (0..)
        .zip(&names)
        .map(|(mistake, name)| (ask(Ask::RegisterWrong, &[mistake]), name.as_str()))
        .collect();
    expect(&steps);
}

#[test]
fn query_of_another_size_or_version_is_refused_by_name() {
    let names = QUERIES.map(own_status);
    let steps: Vec<_> =
        (0..).zip(&names).map(|(mistake, name)| (ask(Ask::QueryWrong, &[mistake]), name.as_str())).collect();
    expect(&steps);
}
