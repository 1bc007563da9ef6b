//! The measurement of reached lines: it counts what ran, merges runs, and holds its table of reasons to what it found.

use std::fs;
use std::path::{Path, PathBuf};

use scenarios::command::{self, CLEAN, Run};
use serde_json::Value;

/// A measurement of its own.
struct Measurement(PathBuf);

impl Measurement {
    fn begin(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        command::run([Path::new("coverage"), Path::new("begin"), &folder]).expect_code(CLEAN);
        Self(folder)
    }

    fn play(&self, script: &str) {
        let variables = [("PF_COVERAGE", self.0.as_os_str())];
        command::run_with_variables(["run", "-"], script, &variables).expect_code(CLEAN);
    }

    fn report(&self, rows: &str) -> (Run, Value) {
        let table = self.0.join("reasons.tsv");
        fs::write(&table, format!("file\tline\treason\n{rows}")).expect("the folder can be written");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let run = command::run([
            Path::new("coverage"),
            Path::new("report"),
            &self.0,
            Path::new("--json"),
            Path::new("--reasons"),
            &table,
            Path::new("--root"),
            &root,
        ]);
        let report = run.lines().pop().expect("a report");
        (run, report)
    }
}

/// Lines of a file, and how many of them were reached.
fn reached(report: &Value, file: &str) -> (u64, u64) {
    let files = report["files"].as_array().expect("files");
    let row = files.iter().find(|row| row["file"] == file).unwrap_or_else(|| panic!("no {file} in {report}"));
    let number = |name: &str| row[name].as_u64().expect("a number");
    (number("lines"), number("lines") - number("unreached"))
}

const LUID: &str = "{\"do\":\"ioctl\",\"code\":2252900,\"output\":8}\n";
const OPERATOR: &str = "{\"do\":\"operator\",\"request\":\"query_pf\"}\n";

#[test]
fn lines_are_reached_by_what_runs_them_and_runs_are_merged() {
    let measurement = Measurement::begin("merged");
    measurement.play("");
    let (_, report) = measurement.report("");
    assert_eq!(reached(&report, "driver/src/operator.rs").1, 0);
    assert!(reached(&report, "driver/src/entry.rs").1 > 0, "{report}");
    measurement.play(LUID);
    measurement.play(OPERATOR);
    let (run, report) = measurement.report("");
    let (lines, by_operator) = reached(&report, "driver/src/operator.rs");
    assert!(0 < by_operator && by_operator < lines, "{report}");
    assert!(reached(&report, "driver/src/ioctl.rs").1 > 0, "{report}");
    assert_eq!(report["runs"], 3);
    // Far more than one line in twenty is left.
    run.expect_code(1);
}

#[test]
fn row_for_a_line_that_is_reached_is_stale_and_a_line_without_a_row_is_unexplained() {
    let measurement = Measurement::begin("reasons");
    measurement.play(OPERATOR);
    let (_, report) = measurement.report("");
    let unexplained = report["unexplained"].as_array().expect("lines");
    assert_eq!(unexplained.len(), report["unreached_lines"].as_array().expect("lines").len());
    let one = &unexplained[0];
    let (file, text) = (one["file"].as_str().expect("a name"), one["text"].as_str().expect("a line"));
    let (_, report) = measurement.report(&format!(
        "{file}\t{text}\tthis script has no use for it\ndriver/src/entry.rs\tnever written\tgone\n"
    ));
    assert!(report["unexplained"].as_array().expect("lines").len() < unexplained.len());
    let stale = report["stale"].as_array().expect("rows");
    assert_eq!(stale.len(), 1, "{stale:?}");
    assert_eq!(stale[0]["text"], "never written");
}
