//! The task `exercise`: what it prints of drivers that break no rule, and of files that are no drivers.

use std::path::Path;

use scenarios::c_driver::{self, Model};
use scenarios::command::{self, BAD_ARGUMENTS, CLEAN, RULE_BROKEN, Run};

#[test]
fn the_shipped_driver_breaks_no_rule() {
    let run = exercise(&command::image());
    run.expect_code(CLEAN);
    let invalid_device_request = "0xc0000010";
    assert_eq!(status_of(&run, "start"), "0x00000000", "{run}");
    assert_eq!(status_of(&run, "device-control"), invalid_device_request, "{run}");
    assert_eq!(status_of(&run, "unload"), "0x00000000", "{run}");
}

#[test]
fn the_shipped_driver_lives_again_and_again_and_leaves_nothing() {
    let run =
        command::run([Path::new("exercise"), "--json".as_ref(), "--repeat=20".as_ref(), &command::image()]);
    run.expect_code(CLEAN);
    let lives = run.lines().iter().filter(|line| line["step"] == "unload").count();
    assert_eq!(lives, 2, "the first and the last life are reported\n{run}");
}

#[test]
fn what_each_life_leaves_more_of_ends_the_run() {
    let source = "tests/wrong-drivers/lives/keep_callback_object.c";
    let image = c_driver::compile(Model::Wdm, source, None);
    exercise(&image).expect_code(CLEAN);
    let run = command::run([Path::new("exercise"), "--json".as_ref(), "--repeat=5".as_ref(), &image]);
    run.expect_code(RULE_BROKEN);
    let report = run.broken_rule();
    assert_eq!(report["rule"], "leak", "{run}");
    assert_eq!(report["detail"], "life 3 leaves 1 blocks of kernel memory", "{run}");
}

#[test]
fn a_driver_that_refuses_to_load_is_reported_and_nothing_follows() {
    let run = exercise(&c_driver::compile(Model::Wdm, "tests/wrong-drivers/wdm/right_failing_entry.c", None));
    run.expect_code(CLEAN);
    assert_eq!(run.output, "{\"status\":\"0xc000009a\",\"step\":\"load\"}\n");
}

#[test]
fn a_device_that_does_not_start_is_removed_unopened() {
    let run = exercise(&c_driver::compile(Model::Wdm, "tests/wrong-drivers/wdm/right_failing_start.c", None));
    run.expect_code(CLEAN);
    let steps: Vec<_> = run.lines().iter().map(|line| line["step"].clone()).collect();
    assert_eq!(steps, ["load", "add-device", "start", "remove", "unload"], "{run}");
    assert_eq!(status_of(&run, "start"), "0xc000009a", "{run}");
}

#[test]
fn without_json_a_step_is_a_line_for_people() {
    let image = c_driver::compile(Model::Wdm, "tests/wrong-drivers/wdm/right.c", None);
    let run = command::run([Path::new("exercise"), &image]);
    run.expect_code(CLEAN);
    assert_eq!(run.output.lines().next(), Some("load                     0x00000000"), "{run}");
}

#[test]
fn a_file_that_does_not_exist_is_a_bad_argument() {
    let run = exercise(Path::new("/nonexistent.sys"));
    run.expect_code(BAD_ARGUMENTS);
    assert!(run.errors.contains("/nonexistent.sys cannot be read"), "{run}");
}

#[test]
fn a_file_that_is_no_image_is_a_bad_argument() {
    let run = exercise(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    run.expect_code(BAD_ARGUMENTS);
    assert!(run.errors.contains("Cargo.toml is no driver image"), "{run}");
}

#[test]
fn no_file_is_a_bad_argument() {
    command::run(["exercise"]).expect_code(BAD_ARGUMENTS);
}

fn exercise(image: &Path) -> Run {
    command::run([Path::new("exercise"), Path::new("--json"), image])
}

fn status_of(run: &Run, step: &str) -> String {
    let lines = run.lines();
    let line = lines.iter().find(|line| line["step"] == step);
    line.and_then(|line| line["status"].as_str()).unwrap_or_default().to_owned()
}
