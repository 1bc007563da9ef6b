//! Names that sources use: the driver's Rust, and the import definitions of the mini WDK.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    str::FromStr,
};

use proc_macro2::{TokenStream, TokenTree};

use crate::{
    bindings::Bindings,
    facts::Facts,
    tree::{Tree, files_below, include},
};

/// Routines that a Rust source names and that wdk-sys cannot bind.
pub(crate) fn not_bindable_names(source: &str, facts: &Facts) -> BTreeSet<String> {
    let tokens = TokenStream::from_str(source).expect("a source is made of Rust tokens");
    let mut names = BTreeSet::new();
    collect_names(tokens, &mut names);
    names.retain(|name| facts.not_bindable.contains_key(name));
    names
}

/// Comments are no tokens, and the text of a documentation comment is a literal.
fn collect_names(tokens: TokenStream, names: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                names.insert(name.to_string());
            }
            TokenTree::Group(group) => collect_names(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The entries of the `.def` files, with the library of each.
fn exports() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wdk/lib");
    let mut found = BTreeMap::new();
    for file in files_below(&folder).iter().filter(|file| file.extension().is_some_and(|end| end == "def")) {
        let text = fs::read_to_string(file).expect("a definition is text");
        let mut lines = text.lines().filter(|line| !line.starts_with(';'));
        let library =
            lines.next().and_then(|line| line.strip_prefix("LIBRARY ")).expect("the library comes first");
        assert_eq!(lines.next(), Some("EXPORTS"));
        for line in lines {
            let name = line.split_whitespace().next().expect("an export has a name");
            let before = found.insert(name.to_owned(), library.to_owned());
            assert_eq!(before, None, "{name} is exported twice");
        }
    }
    found
}

#[test]
fn the_driver_names_no_routine_that_the_wdk_has_inline_or_as_a_macro() {
    let facts = Facts::carried();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../driver/src");
    let sources = files_below(&folder);
    assert!(!sources.is_empty(), "the driver has sources");
    for source in sources {
        let text = fs::read_to_string(&source).expect("a source is text");
        let found = not_bindable_names(&text, &facts);
        assert!(found.is_empty(), "{} names {found:?}", source.display());
    }
}

#[test]
fn a_source_that_calls_an_inline_routine_is_found_and_one_that_mentions_it_is_not() {
    let facts = Facts::carried();
    let calls = "fn f(irp: PIRP) { assert!(unsafe { IoGetCurrentIrpStackLocation(irp) }.is_null()) }";
    let mentions = "/// Not IoGetCurrentIrpStackLocation.\nfn f() { g(\"KeMemoryBarrier\") } // KeRaiseIrql";
    assert_eq!(not_bindable_names(calls, &facts), ["IoGetCurrentIrpStackLocation".to_owned()].into());
    assert_eq!(not_bindable_names(mentions, &facts), BTreeSet::new());
}

#[test]
fn every_declared_routine_can_be_linked_and_every_export_is_known() {
    let facts = Facts::carried();
    let declared = Bindings::read(&Tree::whole());
    let exports = exports();
    let missing: Vec<_> = declared.functions.keys().filter(|name| !exports.contains_key(*name)).collect();
    assert!(missing.is_empty(), "declared and in no .def file: {missing:?}");
    let unknown: Vec<_> = exports
        .keys()
        .filter(|name| {
            !declared.functions.contains_key(*name)
                && !declared.variables.contains_key(*name)
                && !facts.framework_imports.contains(*name)
        })
        .collect();
    assert!(unknown.is_empty(), "exported, but neither declared nor imported by the framework: {unknown:?}");
}

/// What is inline here and a function on Windows, or unknown there, would compile in C here and fail there.
#[test]
fn every_inline_routine_of_the_kernel_headers_is_inline_or_a_macro_in_the_wdk() {
    let facts = Facts::carried();
    for header in files_below(&include().join("10.0.22621.0")) {
        let text = fs::read_to_string(&header).expect("a header is text");
        for definition in text.split("\nFORCEINLINE ").skip(1) {
            let head = definition.split('(').next().expect("a routine has parameters");
            let name = head.rsplit([' ', '*']).next().expect("a routine has a name");
            assert!(facts.not_bindable.contains_key(name), "{}: {name}", header.display());
        }
    }
}
