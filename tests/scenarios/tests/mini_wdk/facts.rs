//! The fact tables of `tests/facts`, read into maps.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

/// Everything the tables say.
#[derive(Debug)]
pub(crate) struct Facts {
    /// NT routines that wdk-sys binds.
    pub(crate) functions: BTreeMap<String, Signature>,
    /// NT routines that wdk-sys cannot bind, with their kind (`inline` or `macro`).
    pub(crate) not_bindable: BTreeMap<String, String>,
    /// Framework functions: position and signature, without the leading `DriverGlobals`.
    pub(crate) framework: BTreeMap<String, (i64, Signature)>,
    /// Constants: Rust type and value.
    pub(crate) constants: BTreeMap<String, (String, String)>,
    /// Enumerations of NT and of the framework.
    pub(crate) enumerations: BTreeMap<String, BTreeMap<String, i64>>,
    /// Structures of NT and of the framework.
    pub(crate) layouts: BTreeMap<String, Layout>,
    /// Structures as the documentation of SR-IOV and VPCI gives them.
    pub(crate) abi_layouts: BTreeMap<String, Layout>,
    /// Values that are no constants to bindgen: control codes, statuses, GUIDs.
    pub(crate) codes: BTreeMap<String, String>,
    /// NT routines that the framework itself imports.
    pub(crate) framework_imports: BTreeSet<String>,
}

/// Return type and parameters, in bindgen's spelling without white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) returns: String,
    pub(crate) parameters: String,
}

/// A structure: size, alignment, and its fields by dotted path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) size: u64,
    pub(crate) alignment: u64,
    pub(crate) fields: BTreeMap<String, Field>,
}

/// A field; the framework's table gives no types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) offset: u64,
    pub(crate) of_type: Option<String>,
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "@{} {}",
            self.offset,
            self.of_type.as_deref().unwrap_or("of a type the table does not give")
        )
    }
}

/// What the mini WDK declares and no table holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outside {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The declaration in short, so that it cannot change unnoticed either.
    pub(crate) declared: String,
}

impl Facts {
    /// Reads the tables that the repository carries.
    pub(crate) fn carried() -> Self {
        let mut enumerations = BTreeMap::new();
        let mut layouts = BTreeMap::new();
        for table in ["nt-10.0.22621-enums.tsv", "kmdf-1.33-enums.tsv"] {
            for [enumeration, constant, value] in rows(table) {
                let value = value.parse().expect("an enumeration's value is a number");
                let constants: &mut BTreeMap<String, i64> = enumerations.entry(enumeration).or_default();
                constants.insert(constant, value);
            }
        }
        read_typed_layouts("nt-10.0.22621-layouts.tsv", &mut layouts);
        for [structure, field, offset, size, alignment] in rows("kmdf-1.33-layouts.tsv") {
            add_field(&mut layouts, structure, field, &offset, None, [&size, &alignment]);
        }
        let mut abi_layouts = BTreeMap::new();
        read_typed_layouts("abi-layouts.tsv", &mut abi_layouts);
        Self {
            functions: rows("nt-10.0.22621-functions.tsv")
                .map(|[name, returns, parameters]| (name, Signature::new(&returns, &parameters)))
                .collect(),
            not_bindable: rows("nt-10.0.22621-not-bindable.tsv")
                .map(|[name, kind, _]| (name, kind))
                .collect(),
            framework: rows("kmdf-1.33-functions.tsv")
                .map(|[position, name, returns, parameters]| {
                    let position = position.parse().expect("a position is a number");
                    (name, (position, Signature::new(&returns, &parameters)))
                })
                .collect(),
            constants: rows("nt-10.0.22621-constants.tsv")
                .map(|[name, of_type, value]| (name, (squeezed(&of_type), squeezed(&value))))
                .collect(),
            enumerations,
            layouts,
            abi_layouts,
            codes: rows("abi-codes.tsv").map(|[name, value]| (name, value)).collect(),
            framework_imports: rows("kmdf-1.33-imports.tsv").map(|[name, _, _]| name).collect(),
        }
    }

    /// The names that are allowed to stand outside the tables.
    pub(crate) fn listed_outside() -> BTreeSet<Outside> {
        rows("not-in-tables.tsv")
            .map(|[kind, name, declared, page]| {
                assert!(page.starts_with("learn.microsoft.com/"), "{name} names no documentation page");
                Outside { kind, name, declared }
            })
            .collect()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "({}) -> {}", self.parameters, self.returns)
    }
}

impl Signature {
    pub(crate) fn new(returns: &str, parameters: &str) -> Self {
        let returns = if returns.is_empty() { "void" } else { returns };
        Self { returns: squeezed(returns), parameters: squeezed(parameters) }
    }
}

/// A spelling without its white space, so that two tools' habits compare equal.
pub(crate) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The folder of the tables.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../facts")
}

/// The rows of a table below its heading; every row has `N` columns, empty ones at its end may be left out.
pub(crate) fn rows<const N: usize>(table: &str) -> impl Iterator<Item = [String; N]> + use<N> {
    let path = folder().join(table);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| {
            let mut columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
            assert!(columns.len() <= N, "{table}: {line}");
            columns.resize(N, String::new());
            <[String; N]>::try_from(columns).expect("resized")
        })
        .collect();
    assert!(!rows.is_empty(), "{table} is empty");
    rows.into_iter()
}

fn read_typed_layouts(table: &str, layouts: &mut BTreeMap<String, Layout>) {
    for [structure, field, offset, of_type, size, alignment] in rows(table) {
        add_field(layouts, structure, field, &offset, Some(of_type), [&size, &alignment]);
    }
}

fn add_field(
    layouts: &mut BTreeMap<String, Layout>,
    structure: String,
    field: String,
    offset: &str,
    of_type: Option<String>,
    [size, alignment]: [&str; 2],
) {
    let number =
        |text: &str| text.parse().unwrap_or_else(|_| panic!("{structure}.{field}: {text} is no number"));
    let found = Field { offset: number(offset), of_type: of_type.as_deref().map(type_spelling) };
    let (size, alignment) = (number(size), number(alignment));
    let layout = layouts.entry(structure).or_default();
    layout.size = size;
    layout.alignment = alignment;
    layout.fields.insert(field, found);
}

/// A C type's spelling; `long` is written `int`, which is as wide on Windows: these headers have no `long`.
pub(crate) fn type_spelling(text: &str) -> String {
    let plain = text.replace("struct ", "").replace("union ", "").replace("enum ", "");
    let plain = if plain.contains("long long") { plain } else { plain.replace("long", "int") };
    squeezed(&plain)
}
