//! The table of immunities is complete, what it cites exists, and each cause of a refusal is asked for by a test.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_immunity_names_a_place_and_a_test_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("IMMUNITY.md")).unwrap();
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests"), &mut files);
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 7 && cells[1].starts_with(|digit: char| digit.is_ascii_digit()))
        .collect();
    let numbers: Vec<u8> = rows.iter().filter_map(|cells| cells[1].parse().ok()).collect();
    assert_eq!(numbers, (1..=38).collect::<Vec<u8>>());
    assert!(rows.iter().any(|cells| cells[1].ends_with("of messages")));
    for cells in rows {
        let (place, test) = (cells[4].trim_matches('`'), cells[5].trim_matches('`'));
        assert!(place == "the whole crate" || root.join("src").join(place).exists(), "{place}");
        let by_the_host = test.starts_with("every test of") || test.starts_with("unused_must_use");
        assert!(by_the_host || code.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}

#[test]
fn every_cause_of_a_refusal_is_expected_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let refusals = fs::read_to_string(root.join("src/refusal.rs")).unwrap();
    let variants =
        refusals.split_once("pub enum Refusal {").and_then(|(_, rest)| rest.split_once("\n}")).unwrap().0;
    let names: Vec<&str> = variants
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.split([',', '(']).next().unwrap())
        .collect();
    assert_eq!(names.len(), backchannel::Refusal::COUNT, "{names:?}");
    let mut files = Vec::new();
    sources(&root.join("tests/engine"), &mut files);
    let tests: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let is_named = |name: &str| {
        tests.split(&format!("Refusal::{name}")).skip(1).any(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let missing: Vec<&str> = names.into_iter().filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "no test expects {missing:?}");
}
