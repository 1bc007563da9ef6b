//! Each rule of the judge is shown to catch a deliberately wrong driver, and to leave right ones alone.
//!
//! A wrong driver differs from a right one in one routine (`tests/wrong-drivers`). It is run through start, requests,
//! removal and unload; the judge must name the rule, the routine called and the function of the driver that did it.

mod framework;
mod irps;
mod levels;
mod memory;
mod objects;
mod physical_function;
mod resources;
mod wrong;

use std::collections::BTreeSet;
use std::path::Path;

use parent_partition::judge::Rule;
use scenarios::command::CLEAN;
use serde_json::json;
use wrong::{Kind, Wrong};

#[test]
fn a_right_wdm_driver_breaks_no_rule() {
    exercises_clean(Kind::Wdm, "right", "0x00000000");
}

#[test]
fn a_right_kmdf_driver_breaks_no_rule() {
    exercises_clean(Kind::Kmdf, "right", "0x00000000");
}

#[test]
fn a_request_that_a_right_driver_keeps_is_cancelled() {
    exercises_clean(Kind::Wdm, "right_pending", "0xc0000120");
}

#[test]
fn a_lock_taken_at_dispatch_level_meets_no_dpc() {
    exercises_clean(Kind::Wdm, "right_lock", "0x00000000");
}

#[test]
fn a_mutex_that_is_tried_or_one_of_several_has_no_order() {
    exercises_clean(Kind::Wdm, "right_mutexes", "0x00000000");
}

#[test]
fn a_wait_lock_that_is_tried_or_new_has_no_order() {
    exercises_clean(Kind::Kmdf, "right_wait_locks", "0x00000000");
}

#[test]
fn a_right_driver_of_a_physical_function_breaks_no_rule() {
    let run = Kind::Pf.run("right");
    run.expect_code(CLEAN);
    let statuses: Vec<_> = run.lines().iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, ["0x00000000"; 2], "{run}");
}

#[test]
fn every_rule_has_a_wrong_driver() {
    let shown: BTreeSet<&str> = all().map(|wrong| wrong.rule.name()).collect();
    let missing: Vec<&str> =
        Rule::ALL.iter().map(|rule| rule.name()).filter(|name| !shown.contains(name)).collect();
    assert_eq!(missing, [""; 0], "rules that no wrong driver is known to break");
}

#[test]
fn every_wrong_driver_is_judged() {
    let judged: BTreeSet<String> = all().map(Wrong::file).collect();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wrong-drivers");
    let mut written = BTreeSet::new();
    for kind in Kind::ALL {
        for entry in sources.join(kind.folder()).read_dir().expect("the folder is there") {
            let name = entry.expect("readable").file_name().into_string().expect("UTF-8");
            if name.ends_with(".c") && !name.starts_with("right") {
                written.insert(format!("{}/{name}", kind.folder()));
            }
        }
    }
    assert_eq!(written, judged);
}

fn all() -> impl Iterator<Item = &'static Wrong> {
    let groups = [
        memory::DRIVERS,
        levels::DRIVERS,
        irps::DRIVERS,
        objects::DRIVERS,
        framework::DRIVERS,
        physical_function::DRIVERS,
    ];
    groups.into_iter().flatten()
}

/// Panics unless every step of `exercise` succeeds, but for the device control, which ends with `control`.
#[track_caller]
fn exercises_clean(kind: Kind, name: &str, control: &str) {
    let run = kind.run(name);
    run.expect_code(CLEAN);
    let status_of = |step| if step == "device-control" { control } else { "0x00000000" };
    let expected: Vec<_> =
        STEPS.iter().map(|step| json!({"step": step, "status": status_of(*step)})).collect();
    assert_eq!(run.lines(), expected, "{run}");
}

/// The steps of `exercise`, in order.
const STEPS: [&str; 11] = [
    "load",
    "add-device",
    "start",
    "open",
    "device-control",
    "internal-device-control",
    "close",
    "stop",
    "restart",
    "remove",
    "unload",
];
