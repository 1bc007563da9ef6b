//! Calling back: every routine of the interface from every callback, for the own VF and for another.

use backchannel::abi::handler_interface::{
    PF_BACKCHANNEL_STATUS_BLOCK_TAKEN, PF_BACKCHANNEL_STATUS_OTHER_SCHEMA,
    PF_BACKCHANNEL_STATUS_OWN_CALLBACK, PF_BACKCHANNEL_STATUS_TOO_LATE,
};
use scenarios::script::{vsp_read, vsp_write};
use serde_json::{Value, json};

use crate::{Ask, SUCCESS, ask, expect, own_status};

/// The callbacks, and a call of VF 0 that leads to each.
fn callbacks() -> [(u8, Value); 3] {
    [(0, vsp_write(0, 50, &[0])), (1, vsp_read(0, 51, 8)), (2, json!({"do": "reset", "vf": 0}))]
}

/// What the routines answer, in the interface's order; `callback` is the one that they are called from.
fn answers_in(callback: u8, vf: u8) -> [String; 10] {
    let own = own_status(PF_BACKCHANNEL_STATUS_OWN_CALLBACK);
    let success = || SUCCESS.to_owned();
    let in_event = callback == 2;
    // The probe registers a block and unregisters it: the latter is refused inside an event, and the block stays.
    let register = match (in_event, vf) {
        (false, _) => success(),
        (true, 0) => own.clone(),
        (true, _) => own_status(PF_BACKCHANNEL_STATUS_BLOCK_TAKEN),
    };
    // It replaces by the handler of block 50, which is not the one that is read.
    let replace = if callback == 1 { own_status(PF_BACKCHANNEL_STATUS_OTHER_SCHEMA) } else { own.clone() };
    [
        register,
        replace,
        own,
        success(),
        success(),
        success(),
        success(),
        success(),
        success(),
        own_status(PF_BACKCHANNEL_STATUS_TOO_LATE),
    ]
}

#[test]
fn every_routine_may_be_called_from_every_callback_for_any_vf() {
    let mut steps = Vec::new();
    for (callback, trigger) in callbacks() {
        for vf in 0..2 {
            for (routine, answer) in (0..).zip(answers_in(callback, vf)) {
                steps.push((ask(Ask::NextCallback, &[callback, routine, vf]), SUCCESS.to_owned()));
                steps.push((trigger.clone(), SUCCESS.to_owned()));
                // An event is heard by the next call of its VF.
                steps.push((vsp_write(0, 50, &[0]), SUCCESS.to_owned()));
                steps.push((ask(Ask::LastStatus, &[]), answer));
            }
        }
    }
    assert_eq!(steps.len(), 4 * 3 * 10 * 2, "all pairs");
    let steps: Vec<_> = steps.iter().map(|(line, status)| (line.clone(), status.as_str())).collect();
    expect(&steps);
}

#[test]
fn what_is_published_to_all_is_read_by_each_vf() {
    const PUBLISH: u8 = 3;
    let answers = expect(&[
        (ask(Ask::NextCallback, &[0, PUBLISH, 0xFF, 0xFF]), SUCCESS),
        (vsp_write(0, 50, &[0]), SUCCESS),
        (ask(Ask::LastStatus, &[]), SUCCESS),
        (vsp_read(0, 52, 8), SUCCESS),
        (vsp_read(1, 52, 8), SUCCESS),
        (vsp_read(3, 52, 8), SUCCESS),
    ]);
    for answer in &answers[3..] {
        assert_eq!(answer["data"], "0102030405060708", "{answer}");
    }
}
