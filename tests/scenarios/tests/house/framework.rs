//! The simulated framework sits on NT like a driver: of the simulator it names nothing else.
//!
//! Read from its sources: each path that begins with a module of the simulator, expanded as `use` writes it. Of NT that
//! may be the routines which images import, constants and types; of the machine, what the calling convention needs.

use std::collections::BTreeSet;

use parent_partition::nt;

use crate::sources;

/// Where the framework's sources lie.
const FRAMEWORK: &str = "tests/parent-partition/src/kmdf/";

/// Of the machine: calls into an image and out of it, the code to blame, and what a driver reads at `gs:[0x188]`.
const OF_THE_MACHINE: [&str; 4] = ["call", "thunk", "thread_block", "current_thread"];

/// Modules of the simulator that are no doors: the judge, structures, the loader's structures, the framework's own.
const NO_DOORS: [&str; 4] = ["judge", "sys", "wdfldr::layout", "kmdf"];

/// The paths of `crate` in a source, one an item; a `*` is the item of its own name.
fn paths(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ").replace(":: ", "::");
    let mut found = BTreeSet::new();
    for root in ["crate::", "nt::", "machine::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = if root == "crate::" { &code[at + root.len()..] } else { &code[at..] };
            expand("", rest, &mut found);
        }
    }
    found
}

/// Adds the items of a path that begins `text`, each in a group for itself.
fn expand(prefix: &str, text: &str, found: &mut BTreeSet<String>) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '*'));
    let (path, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = format!("{prefix}{path}");
    let is_group = (path.is_empty() || path.ends_with("::")) && rest.starts_with('{');
    if !is_group {
        found.insert(path.trim_end_matches(':').to_owned());
        return;
    }
    let mut depth = 0;
    let mut item = String::new();
    for letter in rest.chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        let ends_item = depth == 0 || depth == 1 && letter == ',';
        if ends_item && !item.trim().is_empty() {
            expand(&path, item.trim(), found);
        }
        if ends_item || depth == 1 && letter == '{' {
            item.clear();
        } else {
            item.push(letter);
        }
        if depth == 0 {
            return;
        }
    }
}

/// Whether a path is one that a framework image could use, too.
fn is_open_to_images(path: &str, exported: &BTreeSet<&str>) -> bool {
    let is_of = |module: &str| path == module || path.starts_with(&format!("{module}::"));
    if NO_DOORS.iter().any(|module| is_of(module)) {
        return true;
    }
    let parts: Vec<_> = path.split("::").collect();
    match parts[..] {
        // The module itself; what is named through it is judged where it is.
        ["nt" | "machine"] => true,
        ["nt", "status", ..] => true,
        ["nt", _, item] => exported.contains(item) || is_constant(item),
        ["machine", item, ..] => OF_THE_MACHINE.contains(&item),
        _ => false,
    }
}

fn is_constant(item: &str) -> bool {
    item.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn private_doors(sources: &[(String, String)]) -> Vec<String> {
    let exports = nt::exports();
    let exported: BTreeSet<&str> = exports.iter().map(|export| export.name()).collect();
    let mut found = Vec::new();
    // Unit tests stand outside, as the simulator does.
    let is_framework = |name: &str| name.starts_with(FRAMEWORK) && !name.ends_with("/tests.rs");
    for (name, text) in sources.iter().filter(|(name, _)| is_framework(name)) {
        let mut paths = paths(text);
        paths.retain(|path| !is_open_to_images(path, &exported));
        found.extend(paths.into_iter().map(|path| format!("{name}: {path}")));
    }
    found
}

#[test]
fn the_simulated_framework_uses_the_routines_that_images_import() {
    let sources = sources();
    let of_framework = sources.iter().filter(|(name, _)| name.starts_with(FRAMEWORK));
    let paths: Vec<_> = of_framework.flat_map(|(_, text)| paths(text)).collect();
    let of_nt = paths.iter().filter(|path| path.starts_with("nt::") && !path.contains("status"));
    assert!(of_nt.count() > 50, "the framework's sources are where this test looks");
    assert_eq!(private_doors(&sources), Vec::<String>::new());
}

#[test]
fn a_private_door_is_found_in_each_form() {
    let door = |code: &str| private_doors(&[(format!("{FRAMEWORK}x.rs"), code.to_owned())]);
    assert_eq!(door("use crate::nt::event::{KeSetEvent, set};").len(), 1);
    assert_eq!(door("use crate::{judge, nt::{flight, irql::{KeLowerIrql, lower}}};").len(), 2);
    assert_eq!(door("use crate::nt;\nfn f() { nt::irp::allocate(1) }").len(), 1);
    assert_eq!(
        door("fn f() {\n    crate::memory::allocate(1);\n    machine::turn::let_others_run()\n}").len(),
        2
    );
    assert_eq!(door("use crate::nt::lock_order;").len(), 1);
    assert_eq!(door("use crate::pnp::*;").len(), 1);
}

#[test]
fn what_an_image_could_do_is_no_private_door() {
    let door = |code: &str| private_doors(&[(format!("{FRAMEWORK}x.rs"), code.to_owned())]);
    let code = "use crate::nt;\nuse crate::judge::{self, Rule};\nuse crate::nt::status::*;\n// nt::irp::allocate\n\
                fn f() { nt::event::KeSetEvent(); nt::irql::PASSIVE_LEVEL; crate::machine::current_thread() }";
    assert_eq!(door(code), Vec::<String>::new());
}
