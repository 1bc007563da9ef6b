//! The demo as a user runs it.

use std::collections::BTreeSet;

use parent_partition::wdfldr::choice;
use scenarios::command::{self, BAD_ARGUMENTS, CLEAN, Run};
use serde_json::Value;

/// Sets that each of four guests sends, and pieces in each: 64 rings of 32 bytes, 120 bytes a piece.
const GUESTS: u64 = 4;
const SETS: u64 = 3;
const PIECES: u64 = 18;
/// A guest's further blocks: two control cycles, and per set one report and 16 windows; the report and windows once more
/// at the end, which the guest does not count.
const CONTROL_CYCLES: u64 = 2;
const BLOCKS_READ_BACK: u64 = 17;

#[test]
fn every_value_arrives() {
    let report = json(&command::run(["demo", "--json"]));
    let figures = ["guests", "writes", "reads", "pieces", "statistics_sets", "mismatches", "rules_broken"];
    let expected = [
        GUESTS,
        GUESTS * (CONTROL_CYCLES + SETS * PIECES),
        GUESTS * (CONTROL_CYCLES + SETS * BLOCKS_READ_BACK),
        GUESTS * SETS * PIECES,
        GUESTS * SETS,
        0,
        0,
    ];
    assert_eq!(figures.map(|key| report[key].as_u64()), expected.map(Some), "{report}");
    let keys: BTreeSet<_> = report.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, figures.into_iter().chain(["image", "framework", "lives"]).collect());
    assert!(report["image"].as_str().is_some_and(|path| path.ends_with(".sys")), "{report}");
    assert_eq!(report["framework"] == "simulated", choice::framework().is_none(), "{report}");
}

#[test]
fn driver_lives_again_and_again_with_its_traffic_and_leaves_nothing() {
    let report = json(&command::run(["demo", "--json", "--repeat", "20"]));
    assert_eq!([&report["lives"], &report["mismatches"], &report["rules_broken"]], [20, 0, 0], "{report}");
    assert_eq!(report["statistics_sets"].as_u64(), Some(GUESTS * SETS), "{report}");
}

#[test]
fn lost_piece_is_noticed_in_each_life() {
    let run = command::run(["demo", "--json", "--repeat", "3", "--drop-piece"]);
    assert_eq!(json(&run)["lives"], 3, "{run}");
}

#[test]
fn lost_piece_is_noticed_whatever_the_seed() {
    for seed in ["1", "2", "3", "4", "5", "18446744073709551615"] {
        let report = json(&command::run(["demo", "--json", "--drop-piece", "--seed", seed]));
        assert!(report["mismatches"].as_u64() > Some(0), "{report}");
        assert_eq!(report["pieces"].as_u64(), Some(GUESTS * SETS * PIECES - 1), "{report}");
        assert_eq!(report["statistics_sets"].as_u64(), Some(GUESTS * SETS - 1), "{report}");
        assert_eq!(report["rules_broken"], 0);
    }
}

#[test]
fn other_seeds_arrive_as_well() {
    for seed in ["0", "7", "18446744073709551615"] {
        assert_eq!(json(&command::run(["demo", "--json", "--seed", seed]))["mismatches"], 0);
    }
}

#[test]
fn person_reads_who_wrote_what_and_what_came_back() {
    let run = command::run(["demo"]);
    run.expect_code(CLEAN);
    for words in [
        "guest 3  Linux mlx5 VF driver on VF 3",
        "write  block 0x0000 to the PF's mlx5 handler",
        "acknowledged 1, version 1, rings 64",
        "every value as it was sent",
        "0 mismatches, 0 rules broken",
    ] {
        assert!(run.output.contains(words), "{words:?} is missing\n{run}");
    }
    assert!(!run.output.contains('\u{1b}'), "no colour without a terminal\n{run}");
}

#[test]
fn bad_arguments_end_with_2() {
    for arguments in
        [&["demo", "--seed", "x"][..], &["demo", "--image", "/nonexistent.sys"], &["demo", "more"]]
    {
        command::run(arguments).expect_code(BAD_ARGUMENTS);
    }
}

#[track_caller]
fn json(run: &Run) -> Value {
    run.expect_code(CLEAN);
    match run.lines().as_slice() {
        [report] => report.clone(),
        lines => panic!("one object, not {}\n{run}", lines.len()),
    }
}
