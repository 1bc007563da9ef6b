//! Pages that cite tests, and comments that cite pages: everything cited is there.

use std::collections::BTreeMap;
use std::fs;

use crate::{root, sources};

/// The pitfalls of the published interface that this driver has to decide: 6.n.
fn pitfalls() -> Vec<u32> {
    [2..=18, 22..=22, 24..=31].into_iter().flatten().collect()
}

/// Whether a line declares the function, with whatever arguments.
fn declares(line: &str, function: &str) -> bool {
    line.trim_start()
        .strip_prefix("fn ")
        .and_then(|rest| rest.strip_prefix(function))
        .is_some_and(|rest| rest.starts_with('('))
}

/// Whether the text has a test of that name; one that ends in `...` names every test that begins so.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(2).any(|pair| {
        let is_named = match name.strip_suffix("...") {
            Some(beginning) => pair[1].starts_with(&format!("fn {beginning}")),
            None => declares(pair[1], name),
        };
        pair[0] == "#[test]" && is_named
    })
}

/// The words between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// What a cell cites that is not there; files lie in the folder of the scenarios.
///
/// A cell names files (`power.rs`) and after each the tests in it; a file alone stands for all its tests.
fn missing(cell: &str, sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut file = None;
    for word in quoted(cell) {
        if word.ends_with(".rs") {
            file = sources.get(&format!("tests/scenarios/tests/{word}"));
            if file.is_none_or(|text| !text.contains("#[test]")) {
                faults.push(format!("there is no {word} with tests"));
            }
        } else if file.is_some_and(|text| !has_test(text, word)) {
            faults.push(format!("there is no test {word}"));
        }
    }
    if file.is_none() {
        faults.push(format!("no file in {cell:?}"));
    }
    faults
}

fn all_sources() -> BTreeMap<String, String> {
    sources().into_iter().collect()
}

/// The rows of a page's tables, as cells.
fn rows(page: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).map(cells).collect()
}

/// The pitfalls that comments cite, each beside a line of code; a citation in a file's own description is beside none.
fn cited(sources: &BTreeMap<String, String>) -> Vec<u32> {
    let mut found = Vec::new();
    for (_, text) in
        sources.iter().filter(|(name, _)| name.starts_with("driver/") || name.starts_with("shared/src/"))
    {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (place, line) in lines.iter().enumerate() {
            let Some((before, rest)) = line.split_once("SPEC: abi ") else { continue };
            let code = lines[place..].iter().find(|line| !line.starts_with("//"));
            if matches!(before, "// " | "/// ") && code.is_some_and(|line| !line.is_empty()) {
                let numbers = rest.split_once(": ").map_or("", |(numbers, _)| numbers);
                found.extend(
                    numbers.split(", ").filter_map(|number| number.strip_prefix("6.")?.parse::<u32>().ok()),
                );
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn every_pitfall_is_cited_beside_the_line_that_decides_it() {
    assert_eq!(cited(&all_sources()), pitfalls());
}

#[test]
fn every_pitfall_has_a_test() {
    let page = fs::read_to_string(root().join("driver/PITFALLS.md")).expect("readable");
    let sources = all_sources();
    let mut numbers = Vec::new();
    let mut faults = Vec::new();
    for row in rows(&page) {
        let Some(number) = row[0].strip_prefix("6.").and_then(|number| number.parse::<u32>().ok()) else {
            continue;
        };
        numbers.push(number);
        match row.get(3) {
            Some(cell) => faults.extend(missing(cell, &sources)),
            None => faults.push(format!("6.{number} has no test")),
        }
    }
    assert_eq!((numbers, faults), (pitfalls(), Vec::new()));
}

/// The names in the first column of a table of the carried facts for which `is` holds.
fn facts(table: &str, is: impl Fn(&[&str]) -> bool, column: usize) -> Vec<String> {
    let table = fs::read_to_string(root().join("tests/facts").join(table)).expect("readable");
    let fields = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    fields.filter(|fields| is(fields)).map(|fields| fields[column].to_owned()).collect()
}

#[test]
fn readme_shows_a_scenario_for_every_member_and_every_request() {
    let page = fs::read_to_string(root().join("README.md")).expect("readable");
    let tables = rows(&page);
    let header = ["Size", "Version", "Context", "InterfaceReference", "InterfaceDereference"];
    let mut wanted = facts(
        "abi-layouts.tsv",
        |fields| fields[0] == "_SRIOV_DEVICE_INTERFACE_STANDARD_2" && !header.contains(&fields[1]),
        1,
    );
    wanted.extend(facts("abi-codes.tsv", |fields| fields[0].starts_with("IOCTL_SRIOV_"), 0));
    assert_eq!(wanted.len(), 14 + 9, "the facts are where this test looks");
    let shown: Vec<&str> = tables
        .iter()
        .filter(|row| row.len() == 2 && row[1].contains(".rs`"))
        .flat_map(|row| quoted(&row[0]))
        .collect();
    let absent: Vec<&String> = wanted.iter().filter(|name| !shown.contains(&name.as_str())).collect();
    assert_eq!(absent, Vec::<&String>::new());
}

#[test]
fn every_scenario_that_the_readme_names_is_there() {
    let page = fs::read_to_string(root().join("README.md")).expect("readable");
    let sources = all_sources();
    let shown = rows(&page)
        .into_iter()
        .filter(|row| row.len() == 2 && row[1].contains(".rs`") && !row[1].contains("]("));
    let faults: Vec<String> = shown.flat_map(|row| missing(&row[1], &sources)).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn these_checks_find_what_they_look_for() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let sources = BTreeMap::from([
        file("driver/src/a.rs", "//! A.\n//! SPEC: abi 6.1: beside nothing.\nfn f() {}\n"),
        file(
            "driver/src/b.rs",
            "//! B.\n// SPEC: abi 6.2, 6.3: a reason\n// in two lines.\nfn f() {}\n// SPEC: abi 6.4: nothing follows.\n",
        ),
        file("tests/scenarios/tests/c.rs", "#[test]\nfn there_is_one() {}\nfn no_test() {}\n"),
    ]);
    assert_eq!(cited(&sources), [2, 3]);
    assert_eq!(missing("`c.rs`: `there_is_one`, `there_...`", &sources), Vec::<String>::new());
    assert_eq!(missing("`c.rs`: `no_test`, `there`, `no_...`", &sources).len(), 3);
    assert_eq!(missing("`d.rs`", &sources).len(), 2);
    assert_eq!(missing("nothing", &sources).len(), 1);
}
