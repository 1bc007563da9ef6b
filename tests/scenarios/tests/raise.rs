//! The driver's locks are taken behind a raise of the level: a DPC that wants one finds it free.

use scenarios::command::{self, CLEAN, RULE_BROKEN, Run};
use scenarios::framework;

/// While the driver takes out the request that hears of the rebalance, which it does under its lock, a DPC cancels another
/// one, for which it takes that lock, too.
const SCRIPT: &str = r#"{"do":"attach"}
{"do":"notification","id":"event"}
{"do":"ioctl","code":"0x226054","output":16,"id":"first"}
{"do":"cancel_at","of":"first","call":"WdfRequestUnmarkCancelable","id":"dpc"}
{"do":"query_stop","id":"stop"}
{"do":"await","of":"dpc"}
{"do":"await","of":"first"}
"#;

/// Why the DPC has no place to run at.
const NO_CALL: &str = "a call into an image is none of the kernel's, at which a DPC can be made to run";

fn play(more: &[&str]) -> Run {
    command::run_with_input(["run", "-"].iter().chain(more), SCRIPT)
}

#[test]
fn dpc_that_cancels_a_parked_request_waits_until_the_lock_is_free() {
    if framework::skipped_on_an_image(NO_CALL) {
        return;
    }
    let run = play(&[]);
    run.expect_code(CLEAN);
    let answers = run.lines();
    assert_eq!(answers[5]["status"], "0x00000000", "{run}");
    assert_eq!(answers[6]["status"], "0xc0000120", "{run}");
}

#[test]
fn the_same_driver_deadlocks_without_the_raise() {
    if framework::skipped_on_an_image(NO_CALL) {
        return;
    }
    let run = play(&["--forget-to-raise"]);
    run.expect_code(RULE_BROKEN);
    let report = run.broken_rule();
    assert_eq!(report["rule"], "deadlock", "{run}");
    // Which function takes the lock depends on what the compiler made one.
    assert_eq!(report["detail"], "at IRQL 2 without an end, waiting for a lock", "{run}");
}
