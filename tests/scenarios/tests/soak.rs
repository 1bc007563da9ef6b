//! The soak in short: it ends as soon as enough has happened, and its ledger notices a handler's mistakes.

use std::env;

use scenarios::command::{self, CLEAN, Run};

/// Exit code of a soak whose ledger does not agree.
const DISAGREES: i32 = 1;
/// Exit code of a soak in which too little happened.
const PROVES_NOTHING: i32 = 5;

fn soak(arguments: &[&str]) -> Run {
    let image = env::var("PF_BACKCHANNEL_LIBRARY_IMAGE").expect("run `cargo xtask test`");
    command::run(["soak", "--json", "--guests", "8", "--image", &image].iter().chain(arguments))
}

/// The figure `key` of the report.
#[track_caller]
fn figure(run: &Run, key: &str) -> u64 {
    run.lines()[0][key].as_u64().unwrap_or_else(|| panic!("no figure {key}\n{run}"))
}

#[test]
fn no_write_is_lost_or_seen_twice_under_resets_rebalances_and_cancels() {
    let run = soak(&["--least", "20"]);
    run.expect_code(CLEAN);
    let faults = ["lost", "duplicated", "forged", "reordered", "overlapped", "outlived"];
    assert_eq!(faults.map(|key| figure(&run, key)), [0; 6], "{run}");
    let faults = ["invalidations_lost", "invalidations_duplicated", "unexpected", "rules_broken"];
    assert_eq!(faults.map(|key| figure(&run, key)), [0; 4], "{run}");
    for key in ["resets_in_flight", "cancelled"] {
        assert!(figure(&run, key) > 20, "{key}\n{run}");
    }
    assert!(figure(&run, "rebalances") > 0, "{run}");
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
fn soak_in_which_too_little_happens_proves_nothing() {
    soak(&["--seconds", "1", "--least", "1000000"]).expect_code(PROVES_NOTHING);
}
