//! What the INX installs: who may open the device, and which parameters it speaks of.

use std::fs;

use crate::root;

fn inx() -> String {
    fs::read_to_string(root().join("inf/pf_backchannel.inx")).expect("readable")
}

/// The lines of a section, without comments.
fn section<'a>(inx: &'a str, name: &str) -> Vec<&'a str> {
    let header = format!("[{name}]");
    let lines = inx.lines().skip_while(|line| line.trim() != header).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('[')).map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(';')).collect()
}

/// Whom a security descriptor lets in, by the names of the accounts; `None` unless it shuts out everybody else.
///
/// SDDL: `D:P` is a list that takes nothing over from above; each entry is (kind;flags;rights;object;inherited;account).
fn let_in(descriptor: &str) -> Option<Vec<&str>> {
    let entries = descriptor.strip_prefix("D:P(")?.strip_suffix(')')?;
    let account = |entry| match str::split(entry, ';').collect::<Vec<_>>()[..] {
        ["A", "", _, "", "", account] => Some(account),
        _ => None,
    };
    entries.split(")(").map(account).collect()
}

#[test]
fn system_and_administrators_alone_open_the_device() {
    let inx = inx();
    // Of every device that the model's section installs, by its hardware section.
    assert_eq!(section(&inx, "PfBackchannel.NT.HW"), ["AddReg = PfBackchannel_Parameters"]);
    let security: Vec<_> = section(&inx, "PfBackchannel_Parameters")
        .into_iter()
        .filter_map(|line| line.strip_prefix("HKR,,Security,,")?.strip_prefix('"')?.strip_suffix('"'))
        .collect();
    let [descriptor] = security[..] else { panic!("{security:?}") };
    assert_eq!(let_in(descriptor), Some(vec!["SY", "BA"]));
}

#[test]
fn descriptor_that_lets_others_in_is_seen() {
    assert_eq!(let_in("D:P(A;;GA;;;SY)(A;;GR;;;WD)"), Some(vec!["SY", "WD"]), "everybody");
    for open in ["D:(A;;GA;;;SY)", "D:P(A;;GA;;;SY)(OA;;GA;;;BA)", "D:NO_ACCESS_CONTROL", ""] {
        assert_eq!(let_in(open), None, "{open:?}");
    }
}

#[test]
fn parameters_are_the_same_in_driver_inx_and_readme() {
    let between = |text: &str, before: &str, after: &str| -> Vec<String> {
        let found = text.split(before).skip(1).filter_map(|rest| rest.split_once(after));
        let mut names: Vec<_> = found.map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    };
    let driver = fs::read_to_string(root().join("driver/src/device.rs")).expect("readable");
    let read = between(&driver, "ValueName::new(b\"", "\"");
    let readme = fs::read_to_string(root().join("README.md")).expect("readable");
    let (_, table) = readme.split_once("| value | meaning | absent |").expect("the table is there");
    let (table, _) = table.split_once("\n\n").expect("the table ends");
    assert_eq!(between(table, "\n| `", "`"), read);
    // Described in comments, each on a line of its own.
    let inx = inx();
    let described = |name: &String| inx.lines().any(|line| line.starts_with(&format!(";   {name} ")));
    assert!(read.iter().all(described), "{read:?} in inf/pf_backchannel.inx");
}
