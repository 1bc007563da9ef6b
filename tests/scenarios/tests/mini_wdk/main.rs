//! The mini WDK against the fact tables: what compiles with it must compile with the WDK.
//!
//! Both ways: every declaration equals its row, and what no table holds is listed by name in `not-in-tables.tsv` with its
//! documentation page. Each kind of finding is shown once, over a small wrong header.

mod bindings;
mod compare;
mod compilers;
mod facts;
mod init_routines;
mod interface_codes;
mod own_headers;
mod records;
mod sources;
mod tree;
mod wrong_headers;

use std::{collections::BTreeSet, fs};

use bindings::Bindings;
use compare::{Findings, compare, compare_layouts};
use facts::{Facts, Outside};
use tree::{Tree, files_below};

fn findings() -> Findings {
    compare(&Tree::whole(), &Facts::carried())
}

#[test]
fn every_declaration_equals_its_row() {
    let wrong = findings().wrong;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A comparison that saw nothing would find nothing.
#[test]
fn the_comparison_sees_the_tree() {
    let facts = Facts::carried();
    let declared = Bindings::read(&Tree::whole());
    let known = |names: Vec<&String>, table: &dyn Fn(&String) -> bool| {
        names.into_iter().filter(|name| table(name)).count()
    };
    assert!(known(declared.functions.keys().collect(), &|name| facts.functions.contains_key(name)) > 190);
    assert!(known(declared.structures.iter().collect(), &|name| facts.layouts.contains_key(name)) > 100);
    assert!(
        known(declared.enumerations.keys().collect(), &|name| facts.enumerations.contains_key(name)) > 50
    );
    assert!(known(declared.constants.keys().collect(), &|name| facts.constants.contains_key(name)) > 150);
    assert!(declared.enumerations["_WDFFUNCENUM"].len() > 260);
}

#[test]
fn no_routine_is_declared_that_the_wdk_has_inline_or_as_a_macro() {
    let found = findings().not_bindable;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_no_table_holds_is_listed_and_nothing_else_is() {
    let declared = findings().outside;
    let listed = Facts::listed_outside();
    let lines = |names: BTreeSet<&Outside>| {
        let line = |outside: &Outside| format!("{}\t{}\t{}\n", outside.kind, outside.name, outside.declared);
        names.into_iter().map(line).collect::<String>()
    };
    let unlisted = lines(declared.difference(&listed).collect());
    let stale = lines(listed.difference(&declared).collect());
    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "not listed:\n{unlisted}listed and not declared:\n{stale}"
    );
}

#[test]
fn what_wdk_sys_reads_is_part_of_what_was_compared() {
    let read_by_wdk_sys = compare(&Tree::of_wdk_sys(), &Facts::carried()).outside;
    assert!(read_by_wdk_sys.is_subset(&Facts::listed_outside()));
}

#[test]
fn the_documented_interfaces_have_their_layouts() {
    let wrong = compare_layouts(&Tree::whole(), &Facts::carried().abi_layouts).wrong;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The tables are carried unchanged. Where they came from is beside the checkout of their authors only.
#[test]
fn carried_tables_are_those_that_were_handed_over() {
    let origin = facts::folder().join("../../../shared/facts");
    if !origin.is_dir() {
        println!("skipped: {} is not there", origin.display());
        return;
    }
    let handed: Vec<_> = files_below(&origin)
        .into_iter()
        .filter(|file| file.parent() == Some(&origin) && has_ending(file, "tsv"))
        .collect();
    assert!(!handed.is_empty());
    for table in handed {
        let name = table.file_name().expect("a file has a name");
        let carried =
            fs::read(facts::folder().join(name)).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        assert!(carried == fs::read(&table).expect("readable"), "{name:?} was changed");
    }
}

fn has_ending(file: &std::path::Path, ending: &str) -> bool {
    file.extension().is_some_and(|found| found == ending)
}
