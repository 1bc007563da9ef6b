//! Plug-ins that break a rule of the handler interface: each is caught, named and survived.

use backchannel::abi::handler_interface::{
    PF_BACKCHANNEL_BLAME_IRQL, PF_BACKCHANNEL_BLAME_LATE, PF_BACKCHANNEL_BLAME_NO_ANSWER,
    PF_BACKCHANNEL_BLAME_OVERRUN, PF_BACKCHANNEL_STATUS_BLOCK_TAKEN, PF_BACKCHANNEL_STATUS_TABLE_FULL,
};
use scenarios::script::{Conversation, vsp_read, vsp_write};
use serde_json::{Value, json};

use crate::{
    Ask, DEVICE_NOT_READY, INTERNAL_ERROR, IO_TIMEOUT, SUCCESS, ask, expect, number, own_status, probe,
};

/// What a write to block 50 has its handler do.
const OBEDIENT: u8 = 0;
const RAISED: u8 = 2;
const INFORMATIONAL: u8 = 3;
const PENDING: u8 = 4;
/// Places of the blocks 50 and 51 among the probe's registrations.
const WRITTEN: u8 = 0;
const ANSWERED: u8 = 1;

/// How often the registration at that place was blamed, and what for.
fn blames(answer: &Value) -> (u64, u64) {
    (number(answer, 56, 4), number(answer, 60, 4))
}

#[test]
fn handler_that_blocks_for_ever_holds_up_its_own_vf_alone_and_for_its_budget_only() {
    let image = probe();
    let image = image.to_str().expect("UTF-8");
    let mut run = Conversation::begin(&["--plugin", image, "--value", "HandlerTimeBudget=200"]);
    // The first byte of a guest's first write is 1.
    run.ask(&json!({"do": "traffic", "action": "begin", "vfs": 1, "block": 50, "writes": 1}));
    while number(&run.ask(&ask(Ask::Calls, &[])), 0, 8) == 0 {}
    let mut status = |line: Value| run.ask(&line)["status"].clone();
    assert_eq!(status(vsp_write(0, 50, &[OBEDIENT])), IO_TIMEOUT, "the VF's next call");
    assert_eq!(status(vsp_write(1, 50, &[OBEDIENT])), DEVICE_NOT_READY, "another VF's call to the block");
    assert_eq!(status(vsp_read(1, 51, 8)), SUCCESS, "another VF's call to another block");
    assert_eq!(status(ask(Ask::Release, &[])), SUCCESS);
    let ended = run.ask(&json!({"do": "traffic", "action": "end"}));
    assert_eq!(ended["accepted"], json!([1]), "the one call in the handler is answered when it returns");
    let mut status = |line: Value| run.ask(&line)["status"].clone();
    assert_eq!(status(vsp_write(0, 50, &[OBEDIENT])), SUCCESS);
    assert_eq!(status(vsp_write(1, 50, &[OBEDIENT])), SUCCESS);
    let statistics = run.ask(&ask(Ask::Statistics, &[0, 0, WRITTEN]));
    assert_eq!(blames(&statistics), (1, PF_BACKCHANNEL_BLAME_LATE.into()));
    run.end();
}

#[test]
fn handler_that_returns_at_a_raised_level_is_blamed_and_the_level_put_right() {
    let found = expect(&[
        (vsp_write(0, 50, &[RAISED]), INTERNAL_ERROR),
        (vsp_write(0, 50, &[OBEDIENT]), SUCCESS),
        (ask(Ask::Statistics, &[0, 0, WRITTEN]), SUCCESS),
    ]);
    assert_eq!(blames(&found[2]), (1, PF_BACKCHANNEL_BLAME_IRQL.into()));
}

#[test]
fn handler_that_returns_an_informational_status_is_blamed() {
    let found = expect(&[
        (vsp_write(0, 50, &[INFORMATIONAL]), INTERNAL_ERROR),
        (ask(Ask::Statistics, &[0, 0, WRITTEN]), SUCCESS),
    ]);
    assert_eq!(blames(&found[1]), (1, PF_BACKCHANNEL_BLAME_NO_ANSWER.into()));
}

#[test]
fn handler_that_pends_a_block_that_is_not_deferred_is_blamed() {
    let found = expect(&[
        (vsp_write(0, 50, &[PENDING]), INTERNAL_ERROR),
        (vsp_write(0, 50, &[OBEDIENT]), SUCCESS),
        (ask(Ask::Statistics, &[0, 0, WRITTEN]), SUCCESS),
    ]);
    assert_eq!(blames(&found[2]), (1, PF_BACKCHANNEL_BLAME_NO_ANSWER.into()));
}

#[test]
fn handler_that_writes_past_the_read_buffer_is_blamed_and_nothing_of_it_reaches_the_guest() {
    let found = expect(&[
        (vsp_read(0, 51, 8), SUCCESS),
        (ask(Ask::NextCallback, &[0, 255, 4]), SUCCESS),
        (vsp_read(0, 51, 8), INTERNAL_ERROR),
        (ask(Ask::NextCallback, &[0, 255, 0]), SUCCESS),
        (vsp_read(0, 51, 8), SUCCESS),
        (ask(Ask::Statistics, &[0, 0, ANSWERED]), SUCCESS),
    ]);
    assert_eq!(found[0]["data"], "eeeeeeeeeeeeeeee");
    assert_eq!(found[2]["data"], "0000000000000000");
    assert_eq!(blames(&found[5]), (1, PF_BACKCHANNEL_BLAME_OVERRUN.into()));
}

#[test]
fn block_that_is_taken_is_refused_and_its_handler_goes_on() {
    expect(&[
        (ask(Ask::RegisterTaken, &[]), &own_status(PF_BACKCHANNEL_STATUS_BLOCK_TAKEN)),
        (vsp_write(0, 50, &[OBEDIENT]), SUCCESS),
    ]);
}

#[test]
fn handler_beyond_the_last_place_of_the_table_is_refused_and_the_others_go_on() {
    let found = expect(&[
        (ask(Ask::FillTable, &[]), SUCCESS),
        (vsp_write(0, 50, &[OBEDIENT]), SUCCESS),
        (ask(Ask::FillTable, &[]), SUCCESS),
    ]);
    let full = u64::from(PF_BACKCHANNEL_STATUS_TABLE_FULL.cast_unsigned());
    assert_eq!(number(&found[0], 4, 4), full);
    assert!(number(&found[0], 0, 4) > 16, "{}", found[0]);
    assert_eq!(found[0]["data"], found[2]["data"], "every place is given back");
}
