//! Structure layouts, as clang computes them for the driver's target.
//!
//! bindgen's output says nothing of where a bit field lies; clang's dump of record layouts says it of every field.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    facts::{Field, Layout, type_spelling},
    tree::Tree,
};

/// A structure as declared, and which of its fields no other structure's layout covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) layout: Layout,
    /// Paths of the fields that are the structure's own: not inside a field of a named structure type.
    pub(crate) own: Vec<String>,
}

impl Record {
    /// The structure's own fields, without those that only group others.
    pub(crate) fn own_fields(&self) -> impl Iterator<Item = (&String, &Field)> {
        let fields = self.own.iter().map(|path| (path, &self.layout.fields[path]));
        fields.filter(|(_, field)| field.of_type.as_deref() != Some("aggregate"))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes, aligned to {}:", self.layout.size, self.layout.alignment)?;
        self.own_fields().try_for_each(|(path, field)| write!(out, " {path} {field}"))
    }
}

/// Computes the layout of every named structure and union of a tree.
pub(crate) fn read(tree: &Tree) -> BTreeMap<String, Record> {
    let source = tree.source_file();
    let output = Command::new(clang())
        .args(["-std=c11", "-fsyntax-only", "-Xclang", "-fdump-record-layouts-complete"])
        .arg(format!("--target={}", crate::tree::TARGET))
        .args(tree.include_arguments())
        .arg(source.path())
        .output()
        .expect("clang runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("clang writes UTF-8");
    text.split("*** Dumping AST Record Layout").filter_map(record).collect()
}

/// The compiler: beside the libclang that `LIBCLANG_PATH` names, or Debian's.
pub(crate) fn clang() -> PathBuf {
    let beside = std::env::var_os("LIBCLANG_PATH").map(|library| Path::new(&library).join("../bin/clang"));
    let candidates = [beside, Some(PathBuf::from("/usr/lib/llvm-19/bin/clang"))];
    candidates
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .expect("clang of Debian's package clang-19, or the folder of another libclang in LIBCLANG_PATH")
}

/// One record of the dump, unless it has no name of its own.
fn record(dump: &str) -> Option<(String, Record)> {
    let mut lines = dump.lines().filter(|line| !line.trim().is_empty());
    let (_, heading) = lines.next()?.split_once('|')?;
    let name = heading.trim().strip_prefix("struct ").or_else(|| heading.trim().strip_prefix("union "))?;
    if !name.chars().all(|character| character.is_alphanumeric() || character == '_') {
        return None;
    }
    let mut found = Record::default();
    let mut open: Vec<Member> = Vec::new();
    for line in lines {
        let (place, rest) = line.split_once('|')?;
        if let Some(sizes) = rest.trim().strip_prefix('[') {
            (found.layout.size, found.layout.alignment) = sizes_of(sizes);
            continue;
        }
        let depth = (rest.len() - rest.trim_start().len() - 1) / 2;
        let member = Member::parse(rest.trim_start());
        open.truncate(depth - 1);
        let own = open.iter().all(|outer| outer.of_type.is_none());
        let path: Vec<&str> = open
            .iter()
            .chain([&member])
            .map(|part| part.name.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        if !member.name.is_empty() {
            let path = path.join(".");
            found.layout.fields.insert(path.clone(), member.field(place));
            if own {
                found.own.push(path);
            }
        }
        open.push(member);
    }
    Some((name.to_owned(), found))
}

/// `sizeof=16, align=8]`.
fn sizes_of(text: &str) -> (u64, u64) {
    let number = |key: &str| {
        let digits: String = text.split(key).nth(1)?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    number("sizeof=").zip(number("align=")).unwrap_or_else(|| panic!("no sizes in {text}"))
}

/// A line of the dump: a member with its type, `None` for a structure or union without a name of its own.
#[derive(Debug)]
struct Member {
    name: String,
    of_type: Option<String>,
}

impl Member {
    /// `ULONG Flags`, `struct _IRP * MasterIrp`, `union _IRP::(unnamed at nt_irp.h:1:2) Tail`.
    fn parse(text: &str) -> Self {
        if let Some((_, name)) = text.split_once(" at ").and_then(|(_, place)| place.split_once(')')) {
            return Self { name: name.trim().to_owned(), of_type: None };
        }
        let (of_type, name) = text.rsplit_once(' ').unwrap_or_else(|| panic!("no member: {text}"));
        Self { name: name.to_owned(), of_type: Some(of_type.to_owned()) }
    }

    /// The field at a place: a byte offset, with bits behind a colon for a bit field.
    fn field(&self, place: &str) -> Field {
        let place = place.trim();
        let (offset, bits) =
            place.split_once(':').map_or((place, None), |(offset, bits)| (offset, Some(bits)));
        let spelled = match (&self.of_type, bits) {
            (None, _) => "aggregate".to_owned(),
            (Some(of_type), None) => of_type.clone(),
            (Some(of_type), Some(bits)) => format!("{of_type} bits {bits}"),
        };
        Field {
            offset: offset.parse().unwrap_or_else(|_| panic!("no offset: {place}")),
            of_type: Some(type_spelling(&spelled)),
        }
    }
}
