//! What the real framework finds in the recordings, and the rule that has each here: `tests/traces/findings.tsv`.
//!
//! A finding is a bugcheck with its first parameter, a stop of the verifier (`break`), a fault (`crash`), a spin lock taken
//! twice (`deadlock`), or a wait that never ends (`stuck`). The table is exact: it has every finding, and its rules are
//! those that the simulated framework names when it plays the scenario.

use std::collections::BTreeMap;
use std::path::Path;

use parent_partition::judge::Rule;
use parent_partition::traces::recorded;
use scenarios::framework;
use serde_json::Value;

use crate::{folder, traces_with};

/// A row of the table: scenario, line, finding, rule.
type Row = (String, usize, String, String);

#[test]
fn every_finding_of_the_recordings_is_a_rule_of_the_simulated_framework() {
    let kept = tempfile::tempdir().expect("a folder");
    let more = ["--record".as_ref(), kept.path().as_os_str()];
    // The rules are the simulated framework's; an image stops by itself.
    let run = traces_with(&folder(), "", &more, &[(framework::FRAMEWORK_VARIABLE, "".as_ref())]);
    let answers: BTreeMap<String, Value> = run
        .lines()
        .into_iter()
        .map(|answer| (answer["scenario"].as_str().expect("a name").to_owned(), answer))
        .collect();
    let mut found = Vec::new();
    for row in recorded::index(&folder()).expect("the index can be read") {
        let recorded = recorded::lines(&folder(), &row.name).expect("a recording");
        let played = recorded::lines(kept.path(), &row.name).expect("what was played");
        found.extend(findings(&row.name, &recorded, &played, &answers[&row.name]));
    }
    assert_eq!(found, table(), "left: played, right: tests/traces/findings.tsv");
}

#[test]
fn the_rules_of_the_table_are_rules() {
    let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    let table = table();
    assert!(table.len() > 50, "the table has {} rows", table.len());
    // A thread that waits for ever ends no run.
    let is_rule = |row: &&Row| rules.contains(&row.3.as_str()) || row.2 == "stuck" && row.3 == "stuck";
    let unknown: Vec<_> = table.iter().filter(|row| !is_rule(row)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The findings of a recording, each with the rule that was played: the one that ended the run there, or that of the same
/// stop.
fn findings(scenario: &str, recorded: &[Value], played: &[Value], answer: &Value) -> Vec<Row> {
    let mut stops = played.iter().filter(|line| line.get("break").is_some());
    let mut found = Vec::new();
    for (index, line) in recorded.iter().enumerate() {
        let Some(finding) = finding(line) else { continue };
        let is_last = answer["outcome"] == "judged" && answer["line"] == index + 1;
        let rule = match finding.as_str() {
            _ if is_last => answer["rule"].as_str(),
            "break" => stops.next().and_then(|stop| stop["rule"].as_str()),
            _ => played.last().filter(|last| last.get(&finding).is_some()).map(|_| finding.as_str()),
        };
        let rule = rule.unwrap_or("none").to_owned();
        found.push((scenario.to_owned(), index + 1, finding, rule));
    }
    found
}

fn finding(line: &Value) -> Option<String> {
    if let (Some(code), Some(first)) = (line["code"].as_str(), line["p1"].as_u64()) {
        return Some(format!("bugcheck {code}/{first:#X}")).filter(|_| line.get("violation").is_some());
    }
    let kinds = ["break", "crash", "deadlock", "stuck"];
    kinds.iter().find(|kind| line.get(**kind).is_some()).map(|kind| (*kind).to_owned())
}

fn table() -> Vec<Row> {
    let path = Path::new(&folder()).join("findings.tsv");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let row = |line: &str| {
        let [scenario, number, finding, rule] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("four columns");
        (scenario.to_owned(), number.parse().expect("a number"), finding.to_owned(), rule.to_owned())
    };
    text.lines().skip(1).map(row).collect()
}
