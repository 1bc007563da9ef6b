//! The house rules that a program can check, read from the sources.

mod citations;
mod framework;
mod installation;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// No file may be longer.
const LONGEST_FILE: usize = 500;

/// Folders whose Rust sources the rules are for.
const SOURCES: [&str; 3] = ["shared", "driver", "tests"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/scenarios lies two below the root")
        .to_owned()
}

/// Every Rust source, as its path below the root and its text.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let mut open: Vec<PathBuf> = SOURCES.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("readable").map(|entry| entry.expect("readable").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(&root).expect("below the root").to_str().expect("UTF-8").to_owned();
            found.push((name, fs::read_to_string(&path).expect("UTF-8")));
        }
    }
    assert!(found.len() > 50, "the sources are where this test looks");
    found.sort();
    found
}

/// The files that `CONTRIBUTING.md` lists under "Unsafe code".
fn listed_unsafe_files() -> Vec<String> {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("readable");
    let section =
        page.split("## ").find(|section| section.starts_with("Unsafe code")).expect("the section is there");
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(file, _)| file.to_owned())
        .collect()
}

/// Whether a line of code (not of comment) uses the word `unsafe`.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
}

/// Files of the engine and the driver that contain unsafe code.
fn unsafe_files(sources: &[(String, String)]) -> Vec<&str> {
    sources
        .iter()
        .filter(|(name, _)| name.starts_with("shared/src/") || name.starts_with("driver/"))
        .filter(|(name, text)| {
            // Naming the type of a C function is no unsafe operation; the engine's mirrors of C interfaces do that.
            let types_only = name.starts_with("shared/src/abi");
            text.lines().any(|line| is_unsafe(line) && !(types_only && line.contains("unsafe extern")))
        })
        .map(|(name, _)| name.as_str())
        .collect()
}

fn too_long(sources: &[(String, String)]) -> Vec<String> {
    sources
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(name, lines)| format!("{name} has {lines} lines"))
        .collect()
}

fn without_subtitle(sources: &[(String, String)]) -> Vec<&str> {
    sources.iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name.as_str()).collect()
}

#[test]
fn unsafe_code_is_in_the_listed_files_only() {
    assert_eq!(
        unsafe_files(&sources()),
        listed_unsafe_files(),
        "left: found, right: listed in CONTRIBUTING.md"
    );
}

#[test]
fn no_file_is_longer_than_500_lines() {
    assert_eq!(too_long(&sources()), Vec::<String>::new());
}

#[test]
fn no_header_of_the_driver_is_longer_either() {
    let entries = fs::read_dir(root().join("driver/include")).expect("readable");
    let headers: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("UTF-8")))
        .collect();
    assert!(headers.len() > 3, "the headers are where this test looks");
    assert_eq!(too_long(&headers), Vec::<String>::new());
}

#[test]
fn every_file_opens_with_its_subtitle() {
    assert_eq!(without_subtitle(&sources()), Vec::<&str>::new());
}

#[test]
fn exceptions_to_lints_are_expected_with_a_reason() {
    let allowing =
        |text: &str| text.lines().any(|line| line.trim_start().starts_with(concat!("#[", "allow(")));
    let found: Vec<_> =
        sources().into_iter().filter(|(_, text)| allowing(text)).map(|(name, _)| name).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn these_checks_find_what_they_look_for() {
    let wrong = [
        ("driver/src/device.rs".to_owned(), "fn f() { unsafe { g() } }\n".to_owned()),
        ("shared/src/long.rs".to_owned(), "//! Long.\n".repeat(501)),
        ("shared/src/fine.rs".to_owned(), "//! No unsafe code here. // unsafe\n".to_owned()),
        ("shared/src/abi/vpci.rs".to_owned(), "//! C.\ntype F = unsafe extern \"win64\" fn();\n".to_owned()),
    ];
    assert_eq!(unsafe_files(&wrong), ["driver/src/device.rs"]);
    assert_eq!(too_long(&wrong), ["shared/src/long.rs has 501 lines"]);
    assert_eq!(without_subtitle(&wrong), ["driver/src/device.rs"]);
}
