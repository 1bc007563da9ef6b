//! Deferred writes: answered by ticket, within the time budget or not.

use backchannel::abi::handler_interface::PF_BACKCHANNEL_STATUS_TOO_LATE;
use scenarios::script::vsp_write;

use crate::{Ask, IO_TIMEOUT, SUCCESS, ask, expect_with, number, own_status, plugin};

/// A write to the deferred block that its handler completes at once, and one that it keeps.
const AT_ONCE: [u8; 8] = [0; 8];
const KEPT: [u8; 8] = [1; 8];
/// The place of the deferred block among the probe's registrations.
const DEFERRED: u8 = 3;

const SHORT_BUDGET: [&str; 2] = ["--value", "HandlerTimeBudget=200"];

#[test]
fn deferred_write_is_answered_by_its_ticket() {
    expect_with(
        &SHORT_BUDGET,
        &[(vsp_write(0, 53, &AT_ONCE), SUCCESS), (vsp_write(1, 53, &AT_ONCE), SUCCESS)],
    );
}

#[test]
fn completion_after_the_budget_is_dropped_and_counted_and_the_handler_recovers() {
    let late = own_status(PF_BACKCHANNEL_STATUS_TOO_LATE);
    let found = expect_with(
        &SHORT_BUDGET,
        &[
            (vsp_write(0, 53, &KEPT), IO_TIMEOUT),
            (ask(Ask::Complete, &[]), &late),
            (ask(Ask::Statistics, &[0, 0, DEFERRED]), SUCCESS),
            (vsp_write(0, 53, &AT_ONCE), SUCCESS),
            (vsp_write(1, 53, &AT_ONCE), SUCCESS),
        ],
    );
    assert_eq!(number(&found[2], 52, 4), 1, "late completions");
}

#[test]
fn registration_that_has_ended_can_be_made_again() {
    expect_with(
        &SHORT_BUDGET,
        &[
            (ask(Ask::Unregister, &[DEFERRED]), SUCCESS),
            (vsp_write(0, 53, &AT_ONCE), crate::INVALID_PARAMETER),
            (plugin("probe", "unload"), SUCCESS),
            (plugin("probe", "load"), SUCCESS),
            (vsp_write(0, 53, &AT_ONCE), SUCCESS),
        ],
    );
}
