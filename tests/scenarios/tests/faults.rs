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
