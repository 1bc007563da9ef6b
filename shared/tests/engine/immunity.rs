//! The table of immunities is complete, and what it cites exists.

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
        .filter(|cells| cells.len() == 7 && cells[1].parse::<u8>().is_ok())
        .collect();
    let numbers: Vec<u8> = rows.iter().map(|cells| cells[1].parse().unwrap()).collect();
    assert_eq!(numbers, (1..=38).collect::<Vec<u8>>());
    for cells in rows {
        let (place, test) = (cells[4].trim_matches('`'), cells[5].trim_matches('`'));
        assert!(place == "the whole crate" || root.join("src").join(place).exists(), "{place}");
        let by_the_host = test.starts_with("every test of") || test.starts_with("unused_must_use");
        assert!(by_the_host || code.contains(&format!("fn {test}()")), "there is no test {test}");
    }
}
