//! Each call of the driver that can fail does so once: nothing breaks, nothing is left, and it loads again.

use scenarios::command::{self, CLEAN};

#[test]
fn every_failable_call_fails_once_without_a_broken_rule() {
    let run = command::run(["faults", "--json"]);
    run.expect_code(CLEAN);
    let report = run.lines().remove(0);
    assert_eq!([&report["rules_broken"], &report["leaks"], &report["not_again"]], [0, 0, 0], "{run}");
    assert_eq!(report["injected"], report["calls"], "{run}");
    // Loading and starting alone need more than these.
    assert!(report["calls"].as_u64() > Some(40), "{run}");
}

/// How many failable calls a life has in which none fails.
#[track_caller]
fn counted(more: &[&str]) -> u64 {
    let run = command::run(["faults", "--nth", "0"].iter().chain(more));
    run.expect_code(CLEAN);
    let count = run.output.split_whitespace().next().and_then(|word| word.parse().ok());
    count.unwrap_or_else(|| panic!("no count\n{run}"))
}

#[test]
fn life_has_the_same_failable_calls_every_time_however_late_each_step_begins() {
    let calls = counted(&[]);
    // Longer than a script waits before it takes a step for pending.
    for late in ["0", "1", "300", "600"] {
        assert_eq!(counted(&["--late", late]), calls, "{late} ms late");
    }
}
