//! The structures that the shipped driver hands to the framework, field by field against what the `_INIT` routines write.
//!
//! A driver in Rust fills every structure itself. What arrives is compared with `tests/facts/kmdf-1.33-init.tsv`; a field
//! that this driver sets otherwise on purpose is named here, with its value.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use scenarios::command::{self, CLEAN};
use scenarios::framework;
use serde_json::Value;

/// What the driver sets after the routine has run: structure, field, value. Callbacks and pointers are not listed.
const CHOSEN: &[(&str, &str, u64)] = &[
    // abi 6.11: requests come while the device is stopped.
    ("WDF_IO_QUEUE_CONFIG", "PowerManaged", 0),
];

#[test]
fn every_structure_is_made_as_its_routine_makes_it() {
    let arrived = arrived();
    let (routines, layouts) = (routines(), layouts());
    let mut wrong = Vec::new();
    for (structure, bytes) in &arrived {
        wrong.extend(differences(structure, bytes, &routines, &layouts, CHOSEN));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_structure_that_the_sources_make_has_arrived() {
    let arrived: BTreeSet<String> = arrived().into_iter().map(|(structure, _)| structure).collect();
    let made = made();
    assert!(made.len() > 5, "the sources make {made:?}");
    let unseen: Vec<_> = made.difference(&arrived).collect();
    assert!(unseen.is_empty(), "made, and never seen to arrive: {unseen:?}");
}

#[test]
fn a_field_that_differs_is_found() {
    let (routines, layouts) = (routines(), layouts());
    let arrived = arrived();
    let mut found = 0;
    for (structure, bytes) in &arrived {
        let rules = routine_of(structure, bytes, &routines, &layouts).expect("the table has the structure");
        // What a routine takes from its caller has no value of its own to differ from.
        let fixed = rules.iter().filter(|(_, value)| number_of(value).is_some());
        for (field, (offset, length)) in
            fixed.filter_map(|(field, _)| Some((field, scalar(&layouts, structure, field)?)))
        {
            let mut changed = bytes.clone();
            changed[offset..offset + length].fill(0x77);
            let wrong = differences(structure, &changed, &routines, &layouts, CHOSEN);
            assert!(!wrong.is_empty(), "{structure}.{field} changed and not found");
            found += 1;
        }
    }
    assert!(found > 5, "only {found} fields were changed");
}

#[test]
fn a_queue_that_presents_none_is_found() {
    let (routines, layouts) = (routines(), layouts());
    let arrived = arrived();
    let (structure, bytes) =
        arrived.iter().find(|(name, _)| name == "WDF_IO_QUEUE_CONFIG").expect("a queue is made");
    let (offset, length) =
        scalar(&layouts, structure, "Settings.Parallel.NumberOfPresentedRequests").expect("a field");
    let mut changed = bytes.clone();
    changed[offset..offset + length].fill(0);
    assert_eq!(differences(structure, &changed, &routines, &layouts, CHOSEN).len(), 1);
}

/// Each structure that arrived in a device's life, by the name of its type: of the driver in both of its forms, and of a
/// plug-in driver.
fn arrived() -> Vec<(String, Vec<u8>)> {
    let plugin: PathBuf = env::var_os("PF_BACKCHANNEL_PLUGIN_IMAGE").expect("run `cargo xtask test`").into();
    let lives = [(command::image(), None), (command::image(), Some("Filter=1")), (plugin, None)];
    lives.iter().flat_map(|(image, value)| arrived_of(image, *value)).collect()
}

fn arrived_of(image: &Path, value: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let mut arguments: Vec<&OsStr> =
        vec!["exercise".as_ref(), "--json".as_ref(), "--structures".as_ref(), image.as_os_str()];
    arguments.extend(value.iter().flat_map(|value| ["--value", value]).map(OsStr::new));
    // What the driver hands over does not depend on who takes it, and the simulated framework shows it.
    let simulated = [(framework::FRAMEWORK_VARIABLE, "".as_ref())];
    let run = command::run_with_variables(arguments, "", &simulated);
    run.expect_code(CLEAN);
    let structure = |line: &Value| {
        let name = line["structure"].as_str()?.to_owned();
        Some((name, hex::decode(line["bytes"].as_str()?).expect("bytes in hexadecimal")))
    };
    let tabled = tabled();
    run.lines().iter().filter_map(structure).filter(|(name, _)| tabled.contains(name)).collect()
}

/// The structures that a routine of the table makes.
fn tabled() -> BTreeSet<String> {
    routines().into_keys().map(|(structure, _)| structure).collect()
}

/// The structures of the table of which the sources of the driver and of plug-ins have a literal.
fn made() -> BTreeSet<String> {
    let tabled = tabled();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../driver");
    let folders = ["src", "src/wdf", "plugin/src"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).expect("readable"));
    let sources = files
        .map(|file| file.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| fs::read_to_string(path).expect("UTF-8"));
    let mut made = BTreeSet::new();
    for source in sources {
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        made.extend(
            code.filter_map(|line| line.strip_suffix('{')?.split_whitespace().last().map(str::to_owned)),
        );
    }
    made.retain(|name| tabled.contains(name));
    made
}

type Rules = Vec<(String, String)>;
type Layouts = BTreeMap<(String, String), (usize, usize)>;

/// The table by routine and structure: fields with values.
fn routines() -> BTreeMap<(String, String), Rules> {
    let mut found: BTreeMap<(String, String), Rules> = BTreeMap::new();
    for row in rows("kmdf-1.33-init.tsv") {
        let [routine, structure, field, value] = row.try_into().expect("four columns");
        found.entry((structure, routine)).or_default().push((field, value));
    }
    found
}

/// Offset of each field, and of the one behind it.
fn layouts() -> Layouts {
    let rows: Vec<[String; 5]> =
        rows("kmdf-1.33-layouts.tsv").into_iter().map(|row| row.try_into().expect("five columns")).collect();
    let mut found = Layouts::new();
    for (index, [structure, field, offset, size, _]) in rows.iter().enumerate() {
        let start: usize = offset.parse().expect("a number");
        let next = rows.get(index + 1).filter(|[other, ..]| other == structure);
        let end = next.map_or(size, |[_, _, next, ..]| next).parse().expect("a number");
        let name = structure.trim_start_matches('_').to_owned();
        found.insert((name, field.clone()), (start, end));
    }
    found
}

/// Place and size of a number; `None` of a pointer or a nested structure.
fn scalar(layouts: &Layouts, structure: &str, field: &str) -> Option<(usize, usize)> {
    let (top, nested) = field.split_once('.').map_or((field, false), |(top, _)| (top, true));
    let (start, end) = *layouts.get(&(structure.to_owned(), top.to_owned()))?;
    let is_pointer =
        ["Evt", "ParentObject", "ContextTypeInfo", "Driver"].iter().any(|name| top.starts_with(name))
            && top != "DriverInitFlags"
            && top != "DriverPoolTag";
    if is_pointer {
        return None;
    }
    // Numbers are of one byte where the next field follows at once, else of four, but for sizes of memory.
    let length = match end - start {
        1 => 1,
        _ if nested => 4,
        _ if top == "ContextSizeOverride" => 8,
        _ if BYTES.contains(&top) => 1,
        _ => 4,
    };
    Some((start, length))
}

/// BOOLEAN members that padding follows.
const BYTES: [&str; 2] = ["AutomaticSerialization", "DefaultQueue"];

/// The rules of the routine that makes such a structure; where there are several, by the kind that the structure is.
fn routine_of<'a>(
    structure: &str,
    bytes: &[u8],
    routines: &'a BTreeMap<(String, String), Rules>,
    layouts: &Layouts,
) -> Option<&'a Rules> {
    let all = || routines.iter().filter(|((name, _), _)| name == structure).map(|(_, rules)| rules);
    let decides = |rules: &&Rules| {
        rules
            .iter()
            .filter(|(field, _)| matches!(field.as_str(), "DispatchType" | "DefaultQueue" | "Type"))
            .all(|(field, value)| {
                let place = scalar(layouts, structure, field).expect("a number");
                number(bytes, place) == value.parse::<u64>().expect("a number")
            })
    };
    // The one that says most of what the structure shows.
    all()
        .filter(decides)
        .max_by_key(|rules| rules.iter().filter(|(field, _)| field == "DefaultQueue").count())
}

fn differences(
    structure: &str,
    bytes: &[u8],
    routines: &BTreeMap<(String, String), Rules>,
    layouts: &Layouts,
    chosen: &[(&str, &str, u64)],
) -> Vec<String> {
    let Some(rules) = routine_of(structure, bytes, routines, layouts) else {
        return vec![format!("{structure} is not in the table, or of no kind that it has")];
    };
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for (_, field) in layouts.keys().filter(|(name, _)| name == structure) {
        expected.insert(field.clone(), 0);
    }
    for (field, value) in rules {
        let value = number_of(value);
        let top = field.split('.').next().unwrap_or(field);
        expected.remove(top);
        match value {
            Some(value) => _ = expected.insert(field.clone(), value),
            None => _ = expected.remove(field),
        }
    }
    for (_, field, value) in chosen.iter().filter(|(name, ..)| *name == structure) {
        expected.insert((*field).to_owned(), *value);
    }
    let different = |(field, expected): (&String, &u64)| {
        let found = number(bytes, scalar(layouts, structure, field)?);
        (found != *expected)
            .then(|| format!("{structure}.{field} is {found:#x}, its routine writes {expected:#x}"))
    };
    expected.iter().filter_map(different).collect()
}

/// The number that a routine writes; `None` of what it is told by its caller.
fn number_of(value: &str) -> Option<u64> {
    value.strip_prefix("0x").map_or_else(|| value.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
}

fn number(bytes: &[u8], (offset, length): (usize, usize)) -> u64 {
    let mut word = [0; 8];
    word[..length].copy_from_slice(&bytes[offset..offset + length]);
    u64::from_le_bytes(word)
}

fn rows(table: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../facts").join(table);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}
