//! The comparison of a tree of headers with the tables, both ways.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    bindings::Bindings,
    facts::{Facts, Field, Layout, Outside, Signature},
    records::{self, Record},
    tree::Tree,
};

/// The enumeration of the framework's function table.
const POSITIONS: &str = "_WDFFUNCENUM";

/// What a comparison found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Declarations that contradict a table, and gaps in what is declared.
    pub(crate) wrong: Vec<String>,
    /// Routines that are declared and cannot be bound on Windows.
    pub(crate) not_bindable: Vec<String>,
    /// Declarations that no table holds.
    pub(crate) outside: BTreeSet<Outside>,
}

/// Compares what a tree declares with the tables.
pub(crate) fn compare(tree: &Tree, facts: &Facts) -> Findings {
    let bindings = Bindings::read(tree);
    let mut findings = Findings::default();
    findings.functions(&bindings, facts);
    findings.framework(&bindings, facts);
    findings.constants(&bindings, facts);
    findings.enumerations(&bindings, facts);
    findings.types(&bindings);
    findings.records(&records::read(tree), &bindings, facts);
    findings
}

/// Compares the structures that a tree declares with another witness' layouts, every one of which must be there.
pub(crate) fn compare_layouts(tree: &Tree, layouts: &BTreeMap<String, Layout>) -> Findings {
    let records = records::read(tree);
    let mut findings = Findings::default();
    for (name, expected) in layouts {
        match records.get(name) {
            Some(record) => findings.layout(name, record, expected),
            None => findings.wrong.push(format!("{name} is not declared")),
        }
    }
    findings
}

impl Findings {
    fn outside(&mut self, kind: &str, name: &str, declared: impl ToString) {
        self.outside.insert(Outside {
            kind: kind.to_owned(),
            name: name.to_owned(),
            declared: declared.to_string(),
        });
    }

    fn functions(&mut self, bindings: &Bindings, facts: &Facts) {
        for (name, declared) in &bindings.functions {
            if let Some(kind) = facts.not_bindable.get(name) {
                self.not_bindable.push(format!("{name} is declared, but the WDK has it as {kind}"));
            } else if let Some(expected) = facts.functions.get(name) {
                self.signature(name, declared, expected);
            } else {
                self.outside("function", name, declared);
            }
        }
        for (name, of_type) in &bindings.variables {
            if !facts.codes.contains_key(name) {
                self.outside("variable", name, of_type);
            }
        }
    }

    /// Positions and pointer types of the framework's functions: both or none of each.
    fn framework(&mut self, bindings: &Bindings, facts: &Facts) {
        let none = BTreeMap::new();
        let positions = bindings.enumerations.get(POSITIONS).unwrap_or(&none);
        for (constant, position) in positions {
            let name = constant.strip_suffix("TableIndex").unwrap_or(constant);
            match facts.framework.get(name) {
                Some((expected, _)) if expected == position => {}
                Some((expected, _)) => {
                    self.wrong.push(format!("{name} has position {position}, the table says {expected}"));
                }
                None => self.outside("position", constant, position),
            }
            let pointer = format!("PFN_{}", name.to_uppercase());
            if name != constant && !bindings.callbacks.contains_key(&pointer) {
                self.wrong.push(format!("{name} has a position and no type {pointer}"));
            }
        }
        for (name, (_, expected)) in &facts.framework {
            if let Some(declared) = bindings.callbacks.get(&format!("PFN_{}", name.to_uppercase())) {
                self.framework_signature(name, declared, expected);
                if !positions.contains_key(&format!("{name}TableIndex")) {
                    self.wrong.push(format!("{name} has a pointer type and no position"));
                }
            }
        }
        let framework: BTreeSet<String> = facts.framework.keys().map(|name| name.to_uppercase()).collect();
        for (name, signature) in &bindings.callbacks {
            if !name.strip_prefix("PFN_").is_some_and(|function| framework.contains(function)) {
                self.outside("callback", name, signature);
            }
        }
    }

    fn framework_signature(&mut self, name: &str, declared: &Signature, expected: &Signature) {
        let Some(parameters) = declared.parameters.strip_prefix("DriverGlobals:PWDF_DRIVER_GLOBALS") else {
            self.wrong.push(format!("{name} does not take the driver's globals first"));
            return;
        };
        let declared = Signature::new(&declared.returns, parameters.trim_start_matches(';'));
        self.signature(name, &declared, expected);
    }

    fn signature(&mut self, name: &str, declared: &Signature, expected: &Signature) {
        if declared != expected {
            self.wrong.push(format!("{name} is declared {declared}, the table says {expected}"));
        }
    }

    fn constants(&mut self, bindings: &Bindings, facts: &Facts) {
        for (name, declared) in &bindings.constants {
            match facts.constants.get(name) {
                Some(expected) if expected == declared => {}
                Some(expected) => {
                    self.wrong.push(format!("{name} is {declared:?}, the table says {expected:?}"));
                }
                None if facts.codes.contains_key(name) => {}
                None => self.outside("constant", name, &declared.1),
            }
        }
    }

    fn enumerations(&mut self, bindings: &Bindings, facts: &Facts) {
        for (name, constants) in bindings.enumerations.iter().filter(|(name, _)| *name != POSITIONS) {
            let Some(expected) = facts.enumerations.get(name) else {
                let constants: Vec<_> =
                    constants.iter().map(|(name, value)| format!("{name}={value}")).collect();
                self.outside("enumeration", name, constants.join(" "));
                continue;
            };
            for (constant, value) in constants {
                match expected.get(constant) {
                    Some(expected) if expected == value => {}
                    Some(expected) => {
                        self.wrong.push(format!("{name}::{constant} is {value}, the table says {expected}"));
                    }
                    None => self.outside("enumerator", &format!("{name}::{constant}"), value),
                }
            }
            for missing in expected.keys().filter(|constant| !constants.contains_key(*constant)) {
                self.wrong.push(format!("{name}::{missing} is in the table and not declared"));
            }
        }
    }

    /// Types that no table holds, but for the usual second names of a structure or enumeration.
    fn types(&mut self, bindings: &Bindings) {
        for name in &bindings.opaque {
            self.outside("opaque", name, "");
        }
        for (name, spelling) in &bindings.aliases {
            if !is_usual_name(name, spelling, bindings) {
                self.outside("alias", name, spelling);
            }
        }
    }

    fn records(&mut self, records: &BTreeMap<String, Record>, bindings: &Bindings, facts: &Facts) {
        for name in bindings.structures.iter().filter(|name| !name.to_lowercase().contains("__bindgen")) {
            let Some(record) = records.get(name) else {
                panic!("bindgen knows {name}, clang's dump does not");
            };
            match facts.layouts.get(name) {
                Some(expected) => {
                    self.layout(name, record, expected);
                    for (path, field) in
                        record.own_fields().filter(|(path, _)| !expected.fields.contains_key(*path))
                    {
                        self.outside("field", &format!("{name}.{path}"), field);
                    }
                }
                None => self.outside("structure", name, record),
            }
        }
    }

    fn layout(&mut self, name: &str, record: &Record, expected: &Layout) {
        let declared = &record.layout;
        let sizes = (declared.size, declared.alignment);
        if sizes != (expected.size, expected.alignment) {
            self.wrong.push(format!(
                "{name} has size and alignment {sizes:?}, the table says {:?}",
                (expected.size, expected.alignment)
            ));
        }
        for (path, field) in &expected.fields {
            match declared.fields.get(path) {
                Some(found) if agree(found, field) => {}
                Some(found) => self.wrong.push(format!("{name}.{path} is {found}, the table says {field}")),
                None => self.wrong.push(format!("{name}.{path} is in the table and not declared")),
            }
        }
    }
}

/// Whether a field lies where the table says, and has its type where the table gives one.
fn agree(found: &Field, expected: &Field) -> bool {
    found.offset == expected.offset && (expected.of_type.is_none() || found.of_type == expected.of_type)
}

/// Whether a type is named after what it stands for: `IRP` or `PIRP` for `_IRP`, `WDFDEVICE` for a pointer to
/// `WDFDEVICE__`, `PDRIVER_CANCEL` for `DRIVER_CANCEL`.
fn is_usual_name(name: &str, spelling: &str, bindings: &Bindings) -> bool {
    if bindings.callbacks.contains_key(spelling) {
        let plain = spelling.strip_prefix("EVT_").unwrap_or(spelling);
        return name == format!("P{spelling}") || name == format!("PFN_{plain}");
    }
    let target = spelling.trim_start_matches("*mut").trim_start_matches("*const");
    let pointer = target != spelling;
    if let Some(handle) = target.strip_suffix("__") {
        return pointer && name == handle;
    }
    let base = target.trim_end_matches("::Type").trim_start_matches('_');
    let prefixes: &[&str] = if pointer { &["P", "PR", "PC", "LP", "LPC"] } else { &[""] };
    let declared = bindings.structures.contains(target) || bindings.opaque.contains(target);
    let known = declared || pointer || target.ends_with("::Type");
    known && prefixes.iter().any(|prefix| name.strip_prefix(prefix) == Some(base))
}
