//! Control codes, statuses and GUIDs: macros with casts and initialisers, which bindgen does not evaluate by itself.

use std::{collections::BTreeMap, fs};

use crate::{
    bindings::Bindings,
    facts::Facts,
    tree::{Tree, files_below, include},
};

/// The value of each name, which the compiler computes as an enumerator.
fn evaluated(names: &[&String]) -> BTreeMap<String, i64> {
    let tree = Tree::whole();
    let constants: String =
        names.iter().map(|name| format!("    VALUE_OF_{name} = (int)({name}),\n")).collect();
    let source = format!("{}enum VALUES {{\n{constants}}};\n", tree.source());
    let found =
        Bindings::of_source(&tree, &source).enumerations.remove("VALUES").expect("the values are declared");
    found.into_iter().map(|(name, value)| (name.replacen("VALUE_OF_", "", 1), value)).collect()
}

/// Every GUID that a header of the kernel's folders gives, in the registry's spelling.
fn guids() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for header in files_below(&include().join("10.0.22621.0")) {
        let text = fs::read_to_string(&header).expect("a header is text");
        for declaration in text.split("\nDEFINE_GUID(").skip(1) {
            let arguments = declaration.split(");").next().expect("a declaration ends");
            let mut parts = arguments.split(',').map(str::trim);
            let name = parts.next().expect("a GUID has a name");
            let numbers: Vec<u32> = parts
                .map(|part| u32::from_str_radix(part.trim_start_matches("0x"), 16).expect("a number"))
                .collect();
            let [a, b, c, d, e, last @ ..] = numbers.as_slice() else { panic!("{name} has too few numbers") };
            let last: String = last.iter().map(|byte| format!("{byte:02X}")).collect();
            found.insert(name.to_owned(), format!("{{{a:08X}-{b:04X}-{c:04X}-{d:02X}{e:02X}-{last}}}"));
        }
    }
    found
}

fn number(text: &str) -> Option<i64> {
    let unsigned = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    Some(i64::from(unsigned.cast_signed()))
}

#[test]
fn codes_and_statuses_have_the_documented_values() {
    let codes = Facts::carried().codes;
    let expected: BTreeMap<&String, i64> =
        codes.iter().filter_map(|(name, value)| number(value).map(|value| (name, value))).collect();
    let found = evaluated(&expected.keys().copied().collect::<Vec<_>>());
    assert!(expected.len() > 40);
    for (name, value) in expected {
        assert_eq!(found.get(name), Some(&value), "{name}");
    }
}

#[test]
fn guids_have_the_documented_values_and_none_is_undocumented() {
    let codes = Facts::carried().codes;
    let expected: BTreeMap<String, String> =
        codes.into_iter().filter(|(_, value)| value.starts_with('{')).collect();
    assert_eq!(guids(), expected);
}

/// No status may be declared that the table does not hold.
#[test]
fn every_status_is_in_the_table() {
    let codes = Facts::carried().codes;
    let text = fs::read_to_string(include().join("10.0.22621.0/shared/ntstatus.h")).expect("readable");
    let declared: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#define STATUS_")?.split_whitespace().next())
        .collect();
    assert!(declared.len() > 20);
    for name in declared {
        assert!(codes.contains_key(&format!("STATUS_{name}")), "STATUS_{name}");
    }
}
