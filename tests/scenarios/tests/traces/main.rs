//! The recorded traces of the real framework, played on the simulated one and compared line by line.
//!
//! `tests/traces/differences.tsv` says what is not reproduced, and why. It is exact: a scenario that differs and is not
//! in it fails the test, and so does an entry that has become equal or differs elsewhere.

mod findings;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use parent_partition::traces::recorded::{self, Difference, Tier};
use scenarios::c_driver::{self, Model};
use scenarios::command::{self, BAD_ARGUMENTS, CLEAN, Run};
use serde_json::Value;

/// What one scenario of the command's answer comes to.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Reproduced,
    Refused,
    Different(usize),
}

#[test]
fn recorded_traces_are_reproduced() {
    let answers = play();
    let differences = recorded::differences(&folder()).expect("the table of differences can be read");
    print_counts(&answers, differences.len());
    let known: BTreeMap<String, usize> =
        differences.into_iter().map(|difference| (difference.scenario, difference.line)).collect();
    let mut wrong = Vec::new();
    for answer in &answers {
        let name = answer["scenario"].as_str().expect("a name");
        let expected = known.get(name).copied();
        let is_core = answer["tier"] == Tier::Core.name();
        let said = match (found(answer), expected) {
            (Found::Reproduced, None) => continue,
            (Found::Refused, None) if !is_core => continue,
            (Found::Different(line), Some(expected)) if line == expected => continue,
            (Found::Reproduced, Some(_)) => "is reproduced: take it out of differences.tsv".to_owned(),
            (Found::Refused, _) => format!("is refused: {}", answer["refused"]),
            (Found::Different(line), expected) => format!(
                "differs in line {line}, known {expected:?}\n    recorded {}\n    played   {}",
                answer["recorded"], answer["played"]
            ),
        };
        wrong.push(format!("{name} {said}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let played: BTreeSet<&str> = answers.iter().filter_map(|answer| answer["scenario"].as_str()).collect();
    let unknown: Vec<_> = known.keys().filter(|name| !played.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "differences.tsv names no scenarios: {unknown:?}");
    let core = || answers.iter().filter(|answer| answer["tier"] == Tier::Core.name());
    let sum = |member| core().map(|answer| number(answer, member)).sum::<u64>();
    assert_eq!(sum("lines"), CORE_LINES);
    assert!(
        sum("equal_lines") * 100 > CORE_LINES * 99,
        "{} of {CORE_LINES} core lines are equal",
        sum("equal_lines")
    );
}

#[test]
fn the_table_of_differences_gives_up_less_than_a_hundredth_of_the_core_lines() {
    let differences = recorded::differences(&folder()).expect("the table of differences can be read");
    assert!(may_stay(&differences), "{differences:?}");
    // The same bound on a table that has grown: one core scenario of 178 lines from its first on.
    let grown = |line| Difference { scenario: "rebalance-held".to_owned(), line, reason: "none".to_owned() };
    let held = recorded::lines(&folder(), "rebalance-held").expect("a recording").len();
    assert!(held > 105, "the recording is longer than a hundredth of the core lines");
    assert!(!may_stay(&[grown(1)]), "a table that gives up {held} lines");
    assert!(may_stay(&[grown(held)]), "a table that gives up one line");
}

/// Whether the table gives up few enough core lines: those of a scenario from the row's line on.
fn may_stay(differences: &[Difference]) -> bool {
    let core: BTreeSet<String> = recorded::index(&folder())
        .expect("the index can be read")
        .into_iter()
        .filter(|row| row.tier == Tier::Core)
        .map(|row| row.name)
        .collect();
    let given_up: usize = differences
        .iter()
        .filter(|row| core.contains(&row.scenario))
        .map(|row| recorded::lines(&folder(), &row.scenario).expect("a recording").len() + 1 - row.line)
        .sum();
    given_up as u64 * 100 < CORE_LINES
}

#[test]
fn a_changed_recording_is_found() {
    let changed = tempfile::tempdir().expect("a folder");
    let recorded = changed.path().join("recorded");
    std::fs::create_dir(&recorded).expect("a folder");
    let copy = |name: &str| std::fs::copy(folder().join(name), changed.path().join(name)).expect("a copy");
    copy("index.tsv");
    let file = "recorded/start-noadd.jsonl";
    let trace = std::fs::read_to_string(folder().join(file)).expect("a recording");
    let other = trace.replacen("\"result\":\"unloaded\"", "\"result\":\"kept\"", 1);
    assert_ne!(trace, other, "the recording has the line that is changed");
    std::fs::write(changed.path().join(file), other).expect("a changed recording");
    let answers = check(changed.path(), "start-noadd");
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(found(&answers[0]), Found::Different(7), "{answers:?}");
    let run = traces(changed.path(), "start-noadd", &["--check".as_ref()]);
    run.expect_code(FOUND);
    assert!(run.errors.contains("not as recorded: start-noadd"), "{run}");
    traces(&folder(), "start-noadd", &["--check".as_ref()]).expect_code(CLEAN);
}

#[test]
fn what_is_recorded_can_be_compared_with() {
    let kept = tempfile::tempdir().expect("a folder");
    let record = kept.path().join("of-this-framework");
    let folder = folder();
    let run = traces(&folder, "start-noadd", &["--record".as_ref(), record.as_os_str()]);
    run.expect_code(CLEAN);
    let answers = check(&record, "start-noadd");
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!((found(&answers[0]), number(&answers[0], "lines")), (Found::Reproduced, 8));
}

#[test]
fn recordings_are_not_written_over_what_they_are_compared_with() {
    let folder = folder();
    let run = traces(&folder, "start-noadd", &["--record".as_ref(), folder.as_os_str()]);
    run.expect_code(BAD_ARGUMENTS);
    assert!(run.errors.contains("record into another folder"), "{}", run.errors);
}

#[test]
fn the_index_names_every_recording() {
    let rows = recorded::index(&folder()).expect("the index can be read");
    let named: BTreeSet<String> = rows.iter().map(|row| format!("{}.jsonl", row.name)).collect();
    let files = folder().join("recorded").read_dir().expect("a folder of recordings");
    let there: BTreeSet<String> =
        files.map(|file| file.expect("readable").file_name().into_string().expect("UTF-8")).collect();
    assert_eq!(named, there);
    let of_tier = |tier| rows.iter().filter(|row| row.tier == tier).count();
    assert_eq!((of_tier(Tier::Core), of_tier(Tier::Wide)), (171, 43));
}

fn play() -> Vec<Value> {
    check(&folder(), "")
}

/// Builds the probes and has the command compare the scenarios whose names begin so.
fn check(folder: &Path, only: &str) -> Vec<Value> {
    let run = traces(folder, only, &[]);
    run.expect_code(CLEAN);
    run.lines()
}

fn traces(folder: &Path, only: &str, more: &[&OsStr]) -> Run {
    traces_with(folder, only, more, &[])
}

fn traces_with(folder: &Path, only: &str, more: &[&OsStr], variables: &[(&str, &OsStr)]) -> Run {
    let probes = probes();
    let mut arguments: Vec<&OsStr> = vec![
        "traces".as_ref(),
        "--json".as_ref(),
        "--folder".as_ref(),
        folder.as_os_str(),
        "--probes".as_ref(),
        probes.as_os_str(),
        "--only".as_ref(),
        only.as_ref(),
    ];
    arguments.extend(more);
    command::run_with_variables(arguments, "", variables)
}

/// The folder with the probes' images.
fn probes() -> PathBuf {
    let index = recorded::index(&folder()).expect("the index can be read");
    let names: BTreeSet<String> = index.into_iter().map(|row| row.probe).collect();
    let definition = Path::new("tests/traces/probes/trace.def");
    let build = |name: &String| {
        c_driver::compile(Model::Kmdf, &format!("tests/traces/probes/{name}.c"), Some(definition))
    };
    let images: BTreeSet<PathBuf> = names
        .iter()
        .map(|name| build(name).parent().expect("an image lies in a folder").to_owned())
        .collect();
    assert_eq!(images.len(), 1, "the probes' images lie in one folder");
    images.into_iter().next().expect("one folder")
}

fn found(answer: &Value) -> Found {
    match answer["outcome"].as_str() {
        Some("equal" | "judged") => Found::Reproduced,
        Some("refused") => Found::Refused,
        _ => Found::Different(number(answer, "line") as usize),
    }
}

fn number(answer: &Value, member: &str) -> u64 {
    answer[member].as_u64().expect("a number")
}

/// Says what was counted, for the table of all checks.
fn print_counts(answers: &[Value], known: usize) {
    // The runner's line may not have ended yet.
    println!();
    for tier in [Tier::Core, Tier::Wide] {
        let of_tier = || answers.iter().filter(move |answer| answer["tier"] == tier.name());
        let count = |outcome| of_tier().filter(|answer| answer["outcome"] == outcome).count();
        let sum = |member| of_tier().filter_map(|answer| answer[member].as_u64()).sum::<u64>();
        println!(
            "counted: {tier}: {} scenarios, {} equal, {} ended by a rule at the recorded finding, {} refused by name, \
             {} different; {} of {} lines equal",
            of_tier().count(),
            count("equal"),
            count("judged"),
            count("refused"),
            count("different"),
            sum("equal_lines"),
            sum("lines"),
        );
    }
    println!("counted: table of known differences: {known}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces")
}

/// How many lines the recordings of the tier *core* have.
const CORE_LINES: u64 = 10_502;
/// Exit code of a comparison that found something.
const FOUND: i32 = 1;
