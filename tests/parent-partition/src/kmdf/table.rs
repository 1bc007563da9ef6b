//! The framework's function table: 458 entries, each a routine served here or one that ends the run by name.
//!
//! Position and arity of each come from the fact table, so a routine is listed in its own file by name alone.

use std::sync::LazyLock;

use crate::judge::{self, Rule};
use crate::machine::thunk;

/// Version of the framework that is simulated.
pub(super) const MAJOR: u32 = 1;
/// Version of the framework that is simulated.
pub(super) const MINOR: u32 = 33;

/// One routine of the framework.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routine {
    /// Its name in the DDI.
    pub(super) name: &'static str,
    /// Its address, `extern "win64"`, the driver globals first.
    pub(super) address: usize,
}

/// Lists the routines of a file by their names.
macro_rules! routines {
    ($($name:ident),* $(,)?) => {
        [$($crate::kmdf::table::Routine { name: stringify!($name), address: $name as *const () as usize }),*]
    };
}
pub(super) use routines;

/// Number of entries.
pub(super) fn length() -> usize {
    ENTRIES.len()
}

/// Address of the table as a driver's `WdfFunctions` points to it.
pub(super) fn address() -> usize {
    ENTRIES.as_ptr() as usize
}

/// Where a function stands in the table of any framework of this version.
pub(crate) fn position(name: &str) -> usize {
    facts().iter().position(|fact| fact.name == name).expect("a function of the framework")
}

static ENTRIES: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let served = super::routines();
    let facts = facts();
    for routine in &served {
        assert!(
            facts.iter().any(|fact| fact.name == routine.name),
            "{} is no framework function",
            routine.name
        );
    }
    facts
        .iter()
        .map(|fact| {
            let target = served
                .iter()
                .find(|routine| routine.name == fact.name)
                .map_or(not_served as *const () as usize, |routine| routine.address);
            thunk::make(fact.name, target, fact.arguments.saturating_sub(4))
        })
        .collect()
});

/// Ends the run, naming the function that the driver called.
extern "win64" fn not_served() -> ! {
    judge::violation(Rule::NotServed, "the simulated framework does not have this function");
}

struct Fact {
    name: &'static str,
    /// The driver globals included.
    arguments: u8,
}

/// Reads the fact table; its rows are in order of position, the last one is the table's length.
fn facts() -> Vec<Fact> {
    let mut facts = Vec::new();
    for row in FACTS.lines().skip(1) {
        let mut columns = row.split('\t');
        let (Some(index), Some(name)) = (columns.next(), columns.next()) else { continue };
        let index: usize = index.parse().expect("the first column is a position");
        let parameters = columns.nth(1).unwrap_or("");
        if name.starts_with("WdfFunctionTableNumEntries") {
            break;
        }
        // Positions of functions that have no documentation are not in the fact table.
        while facts.len() < index {
            facts.push(Fact { name: "an undocumented framework function", arguments: 1 });
        }
        let count = parameters.split(';').filter(|parameter| !parameter.trim().is_empty()).count();
        facts.push(Fact { name, arguments: 1 + count as u8 });
    }
    while facts.len() < COUNT {
        facts.push(Fact { name: "an undocumented framework function", arguments: 1 });
    }
    facts
}

const COUNT: usize = 458;
const FACTS: &str = include_str!("../../../facts/kmdf-1.33-functions.tsv");

#[cfg(test)]
mod tests {
    use super::{COUNT, facts};

    #[test]
    fn positions_are_those_of_the_fact_table() {
        let facts = facts();
        assert_eq!(facts.len(), COUNT);
        assert_eq!(facts[75].name, "WdfDeviceCreate");
        assert_eq!(facts[75].arguments, 4);
        assert_eq!(facts[457].name, "WdfDeviceSetDeviceInterfaceStateEx");
    }

    #[test]
    fn every_routine_is_listed_once_and_has_a_position() {
        let mut names: Vec<_> = crate::kmdf::routines().iter().map(|routine| routine.name).collect();
        let facts = facts();
        assert!(names.iter().all(|name| facts.iter().any(|fact| fact.name == *name)));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
