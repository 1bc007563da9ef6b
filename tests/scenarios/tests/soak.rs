//! The soak in short: it ends as soon as enough has happened, and its ledger notices a handler's mistakes.

use scenarios::c_driver::{self, Model};
use scenarios::command::{self, BAD_ARGUMENTS, CLEAN, Run};

/// Exit code of a soak whose ledger does not agree.
const DISAGREES: i32 = 1;
/// Exit code of a soak in which too little happened.
const PROVES_NOTHING: i32 = 5;

fn soak(arguments: &[&str]) -> Run {
    let recorder = c_driver::compile(Model::Wdm, "tests/plugins/c/recorder.c", None);
    let recorder = recorder.to_str().expect("UTF-8");
    command::run(["soak", "--json", "--guests", "8", "--recorder", recorder].iter().chain(arguments))
}

/// The figure `key` of the report.
#[track_caller]
fn figure(run: &Run, key: &str) -> u64 {
    run.lines()[0][key].as_u64().unwrap_or_else(|| panic!("no figure {key}\n{run}"))
}

#[test]
fn no_write_is_lost_or_seen_twice_under_resets_rebalances_cancels_and_replacements() {
    let run = soak(&["--least", "20"]);
    run.expect_code(CLEAN);
    let faults = ["lost", "duplicated", "forged", "reordered", "overlapped", "outlived", "misdirected"];
    assert_eq!(faults.map(|key| figure(&run, key)), [0; 7], "{run}");
    let faults = ["invalidations_lost", "invalidations_duplicated", "unexpected", "rules_broken"];
    assert_eq!(faults.map(|key| figure(&run, key)), [0; 4], "{run}");
    for key in ["resets_in_flight", "cancelled", "replaced"] {
        assert!(figure(&run, key) > 20, "{key}\n{run}");
    }
    for key in ["writes", "resets", "rebalances", "replaced_in_flight"] {
        assert_ne!(figure(&run, key), 0, "{key}\n{run}");
    }
}

#[test]
fn handler_that_drops_writes_is_noticed() {
    let run = soak(&["--least", "5", "--mistake", "drop"]);
    run.expect_code(DISAGREES);
    assert_ne!(figure(&run, "lost"), 0, "{run}");
}

#[test]
fn handler_that_takes_writes_twice_is_noticed() {
    let run = soak(&["--least", "5", "--mistake", "double"]);
    run.expect_code(DISAGREES);
    assert_ne!(figure(&run, "duplicated"), 0, "{run}");
}

#[test]
fn handler_that_takes_writes_out_of_order_is_noticed() {
    let run = soak(&["--least", "5", "--mistake", "reorder"]);
    run.expect_code(DISAGREES);
    assert_ne!(figure(&run, "reordered"), 0, "{run}");
}

#[test]
fn handler_that_serves_on_after_its_replacement_is_noticed() {
    let run = soak(&["--least", "5", "--mistake", "stay"]);
    run.expect_code(DISAGREES);
    assert_ne!(figure(&run, "misdirected"), 0, "{run}");
}

#[test]
fn soak_in_which_too_little_happens_proves_nothing() {
    soak(&["--seconds", "1", "--least", "1000000"]).expect_code(PROVES_NOTHING);
}

#[test]
fn soak_without_the_plugin_that_keeps_a_journal_says_how_to_build_it() {
    let run = command::run(["soak", "--recorder", "/nowhere/recorder.sys"]);
    run.expect_code(BAD_ARGUMENTS);
    assert!(run.errors.contains("cargo xtask soak"), "{run}");
}
