//! Plug-ins that go without a word are never called again.

use backchannel::abi::handler_interface::PF_BACKCHANNEL_STATUS_FOREIGN_CALLBACK;
use scenarios::command;
use scenarios::script::vsp_write;

use crate::{
    Ask, DEVICE_NOT_READY, INVALID_PARAMETER, SUCCESS, ask, expect, number, own_status, plugin, probe,
};

#[test]
fn handle_that_is_closed_ends_what_was_registered_with_it() {
    let found = expect(&[
        (vsp_write(0, 50, &[0]), SUCCESS),
        (ask(Ask::CloseHandle, &[]), SUCCESS),
        (vsp_write(0, 50, &[0]), INVALID_PARAMETER),
        (ask(Ask::Calls, &[]), SUCCESS),
        (plugin("probe", "unload"), SUCCESS),
        (vsp_write(0, 50, &[0]), INVALID_PARAMETER),
        (plugin("probe", "load"), SUCCESS),
        (vsp_write(0, 50, &[0]), SUCCESS),
    ]);
    assert_eq!(number(&found[3], 0, 8), 1);
}

#[test]
fn interface_that_is_given_back_with_a_handler_registered_is_survived() {
    let found = expect(&[
        (ask(Ask::Dereference, &[]), SUCCESS),
        (vsp_write(0, 50, &[0]), SUCCESS),
        (ask(Ask::Calls, &[]), SUCCESS),
        // The unload routine only closes the handle, which ends the registrations.
        (plugin("probe", "unload"), SUCCESS),
        (vsp_write(0, 50, &[0]), INVALID_PARAMETER),
    ]);
    assert_eq!(number(&found[2], 0, 8), 1);
}

/// Neither unregistered, nor closed, nor given back: the reference of the interface keeps the PF's memory for ever, which is
/// found when the PF's driver is unloaded.
#[test]
fn driver_that_leaves_everything_behind_is_not_called_once_it_is_unloaded() {
    let image = probe();
    let lines = [
        vsp_write(0, 50, &[0]),
        ask(Ask::Forget, &[]),
        plugin("probe", "abandon"),
        vsp_write(0, 50, &[0]),
        vsp_write(1, 50, &[0]),
    ];
    let script: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let run = command::run_with_input(["run", "-", "--plugin", image.to_str().expect("UTF-8")], &script);
    run.expect_code(command::RULE_BROKEN);
    assert_eq!(run.broken_rule()["rule"], "leak");
    let found = run.lines();
    let left = found[2]["left"].as_array().expect("a list");
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].as_str().expect("text").starts_with("a handle of the object"), "{left:?}");
    assert_eq!(
        [&found[0]["status"], &found[3]["status"], &found[4]["status"]],
        [SUCCESS, DEVICE_NOT_READY, DEVICE_NOT_READY]
    );
}

#[test]
fn driver_that_also_gave_the_interface_back_is_not_called_either() {
    expect(&[
        (ask(Ask::Dereference, &[]), SUCCESS),
        (ask(Ask::Forget, &[]), SUCCESS),
        (plugin("probe", "abandon"), SUCCESS),
        (vsp_write(0, 50, &[0]), DEVICE_NOT_READY),
    ]);
}

#[test]
fn driver_object_that_does_not_own_the_callbacks_is_refused() {
    let foreign = own_status(PF_BACKCHANNEL_STATUS_FOREIGN_CALLBACK);
    expect(&[(ask(Ask::RegisterWrong, &[8]), &foreign), (vsp_write(0, 50, &[0]), SUCCESS)]);
}
