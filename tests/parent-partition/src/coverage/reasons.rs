//! Why lines are not reached: a table with a row for each such line, checked both ways.
//!
//! Some lines are for the rare outcome of a race: one measurement reaches them, the next does not. Their reasons begin with
//! [`BY_CHANCE`], and their rows are right either way, as long as the image has the line.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use super::lines::Line;

/// Rows by file and text of the line. Its number changes with every line above it, its text with itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons(BTreeMap<(String, String), String>);

/// What the table and a measurement do not agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disagreement {
    /// Lines that were not reached, and their text, without a row.
    pub unexplained: Vec<(Line, String)>,
    /// Rows, as file and text, of which no line is unreached; of those by chance, of which the image has no line.
    pub stale: Vec<(String, String)>,
}

impl Reasons {
    /// Reads a table: file, text of the line, reason, divided by tabs; the first line has the names of the columns.
    ///
    /// # Errors
    /// The file cannot be read, or a row has other columns.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Self::parse(&text).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut rows = BTreeMap::new();
        for row in text.lines().skip(1) {
            let columns: Vec<&str> = row.split('\t').collect();
            let [file, line, reason] = columns[..] else { return Err(format!("no row: {row:?}")) };
            if reason.trim().is_empty() {
                return Err(format!("no reason: {row:?}"));
            }
            rows.insert((file.to_owned(), line.to_owned()), reason.to_owned());
        }
        Ok(Self(rows))
    }

    /// Holds the table against the lines of an image and whether each was reached; `text` gives a line's text.
    pub fn compare<'a>(
        &self,
        lines: impl Iterator<Item = (&'a Line, bool)>,
        text: impl Fn(&Line) -> String,
    ) -> Disagreement {
        let mut stale = self.0.clone();
        let mut unexplained = Vec::new();
        for (line, is_reached) in lines {
            let key = (line.file.clone(), text(line));
            let row = self.0.get(&key);
            if !is_reached || row.is_some_and(|reason| reason.starts_with(BY_CHANCE)) {
                stale.remove(&key);
            }
            if !is_reached && row.is_none() {
                unexplained.push((line.clone(), key.1));
            }
        }
        Disagreement { unexplained, stale: stale.into_keys().collect() }
    }
}

/// What the reason of a line begins with that some measurements reach.
const BY_CHANCE: &str = "by chance: ";

#[cfg(test)]
mod tests {
    use super::{Line, Reasons};

    const TABLE: &str = "file\tline\treason\na.rs\tnever()\tit is never called\n";

    fn line(number: u32) -> Line {
        Line { file: "a.rs".to_owned(), number }
    }

    #[test]
    fn line_with_a_row_is_explained() {
        let reasons = Reasons::parse(TABLE).expect("a table");
        let found = reasons.compare([(&line(7), false)].into_iter(), |_| "never()".to_owned());
        assert_eq!(found, super::Disagreement::default());
    }

    #[test]
    fn line_without_a_row_and_row_without_a_line_are_found() {
        let reasons = Reasons::parse(TABLE).expect("a table");
        let found = reasons.compare([(&line(7), false)].into_iter(), |_| "other()".to_owned());
        assert_eq!(found.unexplained, [(line(7), "other()".to_owned())]);
        assert_eq!(found.stale, [("a.rs".to_owned(), "never()".to_owned())]);
    }

    #[test]
    fn row_for_a_line_that_is_reached_is_stale_unless_that_is_by_chance() {
        let by_chance = "file\tline\treason\na.rs\tnever()\tby chance: two come at one moment\n";
        for (table, is_reached, stale) in
            [(TABLE, true, 1), (TABLE, false, 0), (by_chance, true, 0), (by_chance, false, 0)]
        {
            let reasons = Reasons::parse(table).expect("a table");
            let found = reasons.compare([(&line(7), is_reached)].into_iter(), |_| "never()".to_owned());
            assert_eq!((found.stale.len(), found.unexplained.len()), (stale, 0), "{table:?} {is_reached}");
            let gone = reasons.compare([(&line(7), true)].into_iter(), |_| "other()".to_owned());
            assert_eq!(gone.stale.len(), 1, "a line that is gone needs no row, by chance or not");
        }
    }

    #[test]
    fn row_without_a_reason_is_refused() {
        for row in ["a.rs\tnever()", "a.rs\tnever()\t ", "a.rs\tnever()\ta\tb"] {
            assert!(Reasons::parse(&format!("file\tline\treason\n{row}\n")).is_err(), "{row:?}");
        }
    }
}
