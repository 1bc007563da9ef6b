//! Tests as judged processes: one process a scenario.
//!
//! ```no_run
//! use parent_partition::{judge::Rule, machine::irql, scenario};
//!
//! let verdict = scenario!(|| irql::lower(irql::DISPATCH_LEVEL));
//! verdict.expect_broken(Rule::Irql);
//! ```

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::machine::thread;
use crate::supervisor::{Verdict, is_judged, judge_within};

/// Runs a test's body as a judged process of its own; `place` is the path of an item inside that test.
///
/// Use it through [`scenario!`](macro@crate::scenario). The test's program starts itself again, with this test as
/// the only one; there, the calling thread becomes a kernel thread, runs `body`, and the process ends.
///
/// # Panics
///
/// When the process cannot be started, or did not reach the body.
pub fn run(place: &str, body: impl FnOnce()) -> Verdict {
    if is_judged() {
        thread::adopt();
        body();
        std::process::exit(EXIT_SCENARIO_DONE);
    }
    let (_, path) = place.split_once("::").expect("a path inside a crate");
    let (test, _) = path.rsplit_once("::").expect("an item inside a test");
    let mut command = Command::new(std::env::current_exe().expect("the test's program"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).stdout(Stdio::null());
    match judge_within(command, Some(LIMIT)).expect("the judged process") {
        Verdict::Ended(EXIT_SCENARIO_DONE) => Verdict::Ended(0),
        Verdict::Ended(code) => panic!("{test} did not finish as a judged process: exit code {code}"),
        broken @ Verdict::Broken(_) => broken,
    }
}

/// Runs a closure as a judged process and yields its [`Verdict`]; once in the body of a test function.
#[macro_export]
macro_rules! scenario {
    ($body:expr) => {{
        fn here() {}
        $crate::scenario::run(::std::any::type_name_of_val(&here), $body)
    }};
}

/// Longer than any scenario; what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);
const EXIT_SCENARIO_DONE: i32 = 81;
