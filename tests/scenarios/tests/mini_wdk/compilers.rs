//! The headers compile as C and C++, for the driver's target and for this machine's.

use std::process::Command;

use crate::{
    records::clang,
    tree::{TARGET, Tree},
};

/// Every header of the tree, in one source, without a warning.
fn assert_compiles(language: &str, standard: &str, target: &str) {
    let tree = Tree::whole();
    let output = Command::new(clang())
        .args(["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-fshort-wchar", "-x", language])
        .arg(format!("-std={standard}"))
        .arg(format!("--target={target}"))
        .args(tree.include_arguments())
        .arg(tree.source_file().path())
        .output()
        .expect("clang runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_headers_compile_as_c11_for_the_driver() {
    assert_compiles("c", "c11", TARGET);
}

#[test]
fn the_headers_compile_as_cpp17_for_the_driver() {
    assert_compiles("c++", "c++17", TARGET);
}

#[test]
fn the_headers_compile_as_c11_for_linux() {
    assert_compiles("c", "c11", "x86_64-unknown-linux-gnu");
}

#[test]
fn the_headers_compile_as_cpp17_for_linux() {
    assert_compiles("c++", "c++17", "x86_64-unknown-linux-gnu");
}

/// wdk-sys takes every header whose path holds these letters for the framework's, and no other.
#[test]
fn only_the_framework_s_headers_have_wdf_in_their_path() {
    let include = crate::tree::include();
    for header in crate::tree::files_below(&include) {
        let path = header.strip_prefix(&include).expect("below the folder").to_string_lossy().to_lowercase();
        assert_eq!(path.contains("wdf"), path.starts_with("wdf/"), "{path}");
    }
}
