//! Want of resources: a driver whose calls fail has to look, and to give back what it got before.
//!
//! Each driver lives once for each call of it that can fail, with that call failing.

use std::ffi::OsStr;

use scenarios::c_driver::{self, Model};
use scenarios::command::{self, CLEAN, RULE_BROKEN, Run};
use scenarios::framework;

/// The life of a driver in which one call fails.
fn live(name: &str, failing: u32) -> Run {
    let image = c_driver::compile(Model::Wdm, &format!("tests/wrong-drivers/resources/{name}.c"), None);
    let fail = format!("--fail={failing}");
    command::run([OsStr::new("exercise"), "--json".as_ref(), fail.as_ref(), image.as_ref()])
}

/// The rules that a driver breaks, with the functions to blame, by the call that fails: its device, and up to two blocks.
fn broken(name: &str) -> Vec<Option<(String, String)>> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (1..=4)
        .map(|failing| {
            let run = live(name, failing);
            if run.code == CLEAN {
                return None;
            }
            run.expect_code(RULE_BROKEN);
            let report = run.broken_rule();
            Some((word(&report["rule"]), word(&report["at"])))
        })
        .collect()
}

fn blamed(rule: &str, at: &str) -> Option<(String, String)> {
    Some((rule.to_owned(), at.to_owned()))
}

#[test]
fn a_right_driver_gets_by_without_what_it_does_not_get() {
    if framework::skipped_on_an_image("a WDM driver is bound to no framework") {
        return;
    }
    assert_eq!(broken("right"), [const { None }; 4]);
    let made = live("right", 1);
    let added = made.lines().into_iter().find(|line| line["step"] == "add-device");
    assert_eq!(added.map(|line| line["status"].clone()), Some("0xc000009a".into()), "{made}");
}

#[test]
fn memory_that_was_not_got_is_not_written() {
    if framework::skipped_on_an_image("a WDM driver is bound to no framework") {
        return;
    }
    assert_eq!(broken("use_without_looking"), [None, blamed("access", "use_without_looking"), None, None]);
}

#[test]
fn what_was_got_is_given_back_when_the_rest_is_not() {
    if framework::skipped_on_an_image("a WDM driver is bound to no framework") {
        return;
    }
    assert_eq!(broken("keep_the_first"), [None, None, blamed("leak", "keep_the_first"), None]);
}
