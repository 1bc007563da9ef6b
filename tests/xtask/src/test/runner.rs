//! Test commands of cargo, and what their runners print.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::table::Passed;

/// Runs a test command and returns how many tests passed, and what they counted.
///
/// # Errors
/// A test failed, or none ran.
pub(crate) fn cargo_test(command: &mut Command) -> Result<Passed> {
    cargo_test_said(command).map(|(passed, _)| passed)
}

/// Runs a test command as the other steps do, and returns what it said, too.
///
/// # Errors
/// A test failed, or none ran.
pub(crate) fn cargo_test_said(command: &mut Command) -> Result<(Passed, String)> {
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let passed = passed_tests(&text);
    if !output.status.success() {
        eprintln!("{}", text.trim_end());
        bail!("tests failed ({})", output.status);
    }
    ensure!(passed > 0, "no test ran");
    let counts = counts(&text);
    Ok((Passed { checks: passed, counts }, text.into_owned()))
}

/// What tests that may write to the runner's output say they counted.
fn counts(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("counted: ")).map(str::to_owned).collect()
}

/// Adds up the closing lines of the test runner.
fn passed_tests(text: &str) -> usize {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("test result: ok. "))
        .filter_map(|rest| rest.split(' ').next()?.parse::<usize>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_of_all_runners_are_added_up() {
        let text = "test result: ok. 3 passed; 0 failed;\n\ntest result: ok. 14 passed; 0 failed;";
        assert_eq!(passed_tests(text), 17);
    }

    #[test]
    fn what_tests_counted_is_taken_from_lines_of_their_own() {
        let text = "running 1 test\ncounted: core: 2 of 2\ntest traces ... ok\nnot counted: 3";
        assert_eq!(counts(text), ["core: 2 of 2"]);
    }

    #[test]
    fn failed_runners_do_not_count() {
        assert_eq!(passed_tests("test result: FAILED. 3 passed; 1 failed;"), 0);
    }
}
