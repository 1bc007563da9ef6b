//! The simulated kernel against documented behaviours: a probe driver in C observes, a table says what each page promises.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use scenarios::c_driver::{self, Model};
use scenarios::command::{self, CLEAN};

/// Name, and what the page promises.
fn promised() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/table.tsv");
    let table = fs::read_to_string(path).expect("readable");
    let mut rows = BTreeMap::new();
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [name, area, behaviour, page, value] = columns[..] else { panic!("no row: {row:?}") };
        assert!(!area.is_empty() && !behaviour.is_empty() && !page.is_empty(), "{row:?}");
        let before = rows.insert(name.to_owned(), value.to_owned());
        assert_eq!(before, None, "{name} is there twice");
    }
    rows
}

/// Name, and what the probe observed.
fn observed() -> BTreeMap<String, String> {
    let probe = c_driver::compile(Model::Wdm, "tests/conformance/probe.c", None);
    let run = command::run([Path::new("exercise"), &probe]);
    run.expect_code(CLEAN);
    let lines = run.errors.lines().filter_map(|line| line.strip_prefix("observed ")?.split_once(' '));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn every_documented_behaviour_in_the_table_is_observed() {
    assert_eq!(observed(), promised(), "left: observed by the probe, right: promised by the pages");
}

#[test]
fn table_speaks_of_every_part() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/table.tsv");
    let table = fs::read_to_string(path).expect("readable");
    for area in ["dispatcher", "pool", "strings", "I/O", "PnP", "power", "PCI bus"] {
        assert!(table.lines().any(|row| row.split('\t').nth(1) == Some(area)), "nothing about {area}");
    }
}
