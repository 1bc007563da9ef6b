//! Why lines are not reached: a table with a row for each such line, checked both ways.

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
    /// Rows, as file and text, of which no line is unreached.
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

    /// Holds the table against the lines that were not reached; `text` gives a line's text.
    pub fn compare<'a>(
        &self,
        unreached: impl Iterator<Item = &'a Line>,
        text: impl Fn(&Line) -> String,
    ) -> Disagreement {
        let mut stale = self.0.clone();
        let mut unexplained = Vec::new();
        for line in unreached {
            let key = (line.file.clone(), text(line));
            stale.remove(&key);
            if !self.0.contains_key(&key) {
                unexplained.push((line.clone(), key.1));
            }
        }
        Disagreement { unexplained, stale: stale.into_keys().collect() }
    }
}

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
        let found = reasons.compare([line(7)].iter(), |_| "never()".to_owned());
        assert_eq!(found, super::Disagreement::default());
    }

    #[test]
    fn line_without_a_row_and_row_without_a_line_are_found() {
        let reasons = Reasons::parse(TABLE).expect("a table");
        let found = reasons.compare([line(7)].iter(), |_| "other()".to_owned());
        assert_eq!(found.unexplained, [(line(7), "other()".to_owned())]);
        assert_eq!(found.stale, [("a.rs".to_owned(), "never()".to_owned())]);
    }

    #[test]
    fn row_without_a_reason_is_refused() {
        for row in ["a.rs\tnever()", "a.rs\tnever()\t ", "a.rs\tnever()\ta\tb"] {
            assert!(Reasons::parse(&format!("file\tline\treason\n{row}\n")).is_err(), "{row:?}");
        }
    }
}
