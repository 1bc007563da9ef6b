//! The `WDF_*_INIT` routines of the headers, run and compared with what the real ones write.
//!
//! A driver in C is only a witness against the simulated framework when it hands over what it would hand over on Windows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    process::Command,
};

use tempfile::TempDir;

use crate::{
    facts::rows,
    records::clang,
    tree::{Tree, files_below, include},
};

/// What a routine writes: the structure, and a value per field.
#[derive(Debug, Default)]
struct Expected {
    structure: String,
    fields: Vec<(String, String)>,
}

/// The table, by routine; a routine that depends on its argument has that in parentheses behind its name.
fn table() -> BTreeMap<String, Expected> {
    let mut found: BTreeMap<String, Expected> = BTreeMap::new();
    for [routine, structure, field, value] in rows("kmdf-1.33-init.tsv") {
        let expected = found.entry(routine).or_default();
        expected.structure = structure;
        expected.fields.push((field, value));
    }
    found
}

/// The routines that the headers define, each with its further parameters.
fn defined() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for header in files_below(&include().join("wdf")) {
        let text = fs::read_to_string(&header).expect("a header is text");
        for definition in text.split("FORCEINLINE VOID WDF_").skip(1) {
            let (name, rest) = definition.split_once('(').expect("a routine has parameters");
            let (parameters, _) = rest.split_once(')').expect("parameters end");
            let further = parameters.split(',').skip(1).map(|parameter| parameter.trim().to_owned());
            found.insert(format!("WDF_{name}"), further.collect());
        }
    }
    found
}

/// A program in C that prints the name of every routine whose result is not the expected one, byte for byte.
///
/// Every argument is zero, or points to zeroes where the routine reads through it, so a field that takes an argument is
/// expected to be zero too.
fn program(
    tree: &Tree,
    table: &BTreeMap<String, Expected>,
    defined: &BTreeMap<String, Vec<String>>,
) -> String {
    let mut text = tree.source();
    text.push_str("int puts(const char *);\nstatic const UNICODE_STRING none;\n");
    text.push_str(
        "PWDF_DRIVER_GLOBALS WdfDriverGlobals;\nconst WDFFUNC *WdfFunctions_01033;\nint main(void)\n{\n",
    );
    for (routine, expected) in table {
        let (name, argument) = match routine.split_once('(') {
            Some((name, argument)) => (name, Some(argument.trim_end_matches(')'))),
            None => (routine.as_str(), None),
        };
        let Some(parameters) = defined.get(name) else { continue };
        let zeroes = parameters.iter().map(|parameter| {
            if parameter.starts_with("PCUNICODE_STRING") { "&none".to_owned() } else { "0".to_owned() }
        });
        let arguments: Vec<String> = match argument {
            Some(argument) => vec![argument.to_owned()],
            None => zeroes.collect(),
        };
        let arguments: String = arguments.iter().map(|argument| format!(", {argument}")).collect();
        let structure = &expected.structure;
        writeln!(text, "{{ {structure} found, expected; memset(&found, 0xa5, sizeof found);")
            .expect("written");
        writeln!(text, "{name}(&found{arguments}); memset(&expected, 0, sizeof expected);").expect("written");
        for (field, value) in &expected.fields {
            text.push_str(&assignment(field, value));
        }
        writeln!(text, "if (memcmp(&found, &expected, sizeof found)) puts(\"{routine}\"); }}")
            .expect("written");
    }
    text.push_str("return 0;\n}\n");
    text
}

fn assignment(field: &str, value: &str) -> String {
    match value.strip_suffix(" (every element)") {
        _ if value == "(argument)" => String::new(),
        Some(value) => format!(
            "for (unsigned i = 0; i < RTL_NUMBER_OF(expected.{field}); i++) expected.{field}[i] = {value};\n"
        ),
        None => format!("expected.{field} = {value};\n"),
    }
}

/// Compiles and runs the program; returns the routines that it names.
fn differing(source: &str, tree: &Tree) -> BTreeSet<String> {
    let folder = TempDir::new().expect("a temporary folder");
    let (file, program) = (folder.path().join("routines.c"), folder.path().join("routines"));
    fs::write(&file, source).expect("the source is written");
    let compiled = Command::new(clang())
        .args(["-std=c11", "-fshort-wchar"])
        .args(tree.include_arguments())
        .arg(&file)
        .arg("-o")
        .arg(&program)
        .output()
        .expect("clang runs");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let ran = Command::new(&program).output().expect("the program runs");
    assert!(ran.status.success());
    String::from_utf8(ran.stdout).expect("names").lines().map(str::to_owned).collect()
}

#[test]
fn every_init_routine_writes_what_the_real_one_writes() {
    let (tree, table, defined) = (Tree::whole(), table(), defined());
    let untabled: Vec<_> = defined
        .keys()
        .filter(|name| !table.keys().any(|routine| routine.split('(').next() == Some(name.as_str())))
        .collect();
    assert!(untabled.is_empty(), "no row in the table: {untabled:?}");
    assert!(defined.len() > 30);
    assert_eq!(differing(&program(&tree, &table, &defined), &tree), BTreeSet::new());
}

#[test]
fn a_routine_that_leaves_a_field_out_is_found() {
    let (tree, mut table, defined) = (Tree::whole(), table(), defined());
    let serialised = ("AutomaticSerialization".to_owned(), "1".to_owned());
    let timer = table.get_mut("WDF_TIMER_CONFIG_INIT").expect("the table has timers");
    assert!(timer.fields.contains(&serialised));
    timer.fields.retain(|field| *field != serialised);
    assert_eq!(
        differing(&program(&tree, &table, &defined), &tree),
        ["WDF_TIMER_CONFIG_INIT".to_owned()].into()
    );
}
