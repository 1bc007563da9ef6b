//! The shipped driver, made to make a mistake, is caught on whatever framework it runs.
//!
//! Its calls are changed on their way, so that it behaves like a driver with that fault. The rule that it breaks is the
//! kernel's or the simulated framework's; where a framework image lets the fault pass, what the driver serves is no longer
//! what the right one does.

use std::ffi::OsStr;

use scenarios::command::{self, CLEAN, RULE_BROKEN, Run};
use scenarios::framework;
use serde_json::{Value, json};

/// What the driver answers to a request that it does not know, and what a request ends with that nobody took.
const INVALID_DEVICE_REQUEST: &str = "0xc0000010";
const CANCELLED: &str = "0xc0000120";

fn exercise(mistake: &[&str]) -> Run {
    let image = command::image();
    let arguments = [OsStr::new("exercise"), "--json".as_ref(), image.as_ref()];
    command::run(arguments.into_iter().chain(mistake.iter().map(OsStr::new)))
}

fn device_control(run: &Run) -> Value {
    let lines = run.lines();
    let step = lines.iter().find(|line| line["step"] == "device-control");
    step.map_or(Value::Null, |line| line["status"].clone())
}

#[track_caller]
fn broken(run: &Run) -> Value {
    run.expect_code(RULE_BROKEN);
    run.broken_rule()
}

#[test]
fn without_a_mistake_the_driver_is_right() {
    let run = exercise(&[]);
    run.expect_code(CLEAN);
    assert_eq!(device_control(&run), INVALID_DEVICE_REQUEST, "{run}");
}

#[test]
fn queue_limit_of_none_is_caught() {
    let run = exercise(&["--driver-mistake", "present-none"]);
    if framework::image().is_some() {
        // The framework takes the limit, and keeps every request until it is cancelled.
        run.expect_code(CLEAN);
        assert_eq!(device_control(&run), CANCELLED, "{run}");
    } else {
        let report = broken(&run);
        assert_eq!([&report["rule"], &report["call"]], ["bad-parameter", "WdfIoQueueCreate"], "{run}");
    }
}

#[test]
fn request_that_is_never_completed_is_caught() {
    let run = exercise(&["--driver-mistake", "never-complete"]);
    assert_eq!(broken(&run)["rule"], "request-not-completed", "{run}");
}

#[test]
fn lock_held_over_a_completion_is_caught() {
    let run = exercise(&["--driver-mistake", "complete-under-lock"]);
    let report = broken(&run);
    let call = if framework::image().is_some() { "IofCompleteRequest" } else { "WdfRequestComplete" };
    assert_eq!([&report["rule"], &report["call"]], ["spin-lock", call], "{run}");
}

#[test]
fn interface_size_off_by_eight_is_caught() {
    let run = command::run(["run", "-", "--driver-mistake", "short-interface"]);
    let report = broken(&run);
    let found = json!([report["rule"], report["call"], report["detail"]]);
    let expected =
        json!(["bad-parameter", "IRP_MN_QUERY_INTERFACE", "answered an interface of 112 bytes, version 1"]);
    assert_eq!(found, expected, "{run}");
}

#[test]
fn mistake_of_no_name_is_a_bad_argument() {
    exercise(&["--driver-mistake", "nothing"]).expect_code(command::BAD_ARGUMENTS);
}
