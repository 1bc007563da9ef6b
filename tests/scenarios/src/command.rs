//! Running the command `parent-partition` as a user does, and reading its answers.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::places;

/// The command to run; the tasks of the workspace build it and say where it is.
pub const COMMAND_VARIABLE: &str = "PF_PARENT_PARTITION";
/// The driver image to run it on, as shipped.
pub const IMAGE_VARIABLE: &str = "PF_BACKCHANNEL_IMAGE";

/// Exit code of a run in which no rule was broken.
pub const CLEAN: i32 = 0;
/// Exit code for arguments that make no sense.
pub const BAD_ARGUMENTS: i32 = 2;
/// Exit code of a run that a broken rule ended.
pub const RULE_BROKEN: i32 = 3;

/// A run that has ended.
#[derive(Debug)]
pub struct Run {
    /// The arguments, for messages.
    arguments: Vec<OsString>,
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// Runs the command with nothing to read and waits for its end.
///
/// The image of [`IMAGE_VARIABLE`] is the one used when the arguments name none.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    run_with_input(arguments, "")
}

/// Runs the command with `input` to read and waits for its end.
///
/// # Panics
///
/// When the command is not built, or does not end within [`LIMIT_SECONDS`].
pub fn run_with_input<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, input: &str) -> Run {
    run_with_variables(arguments, input, &[])
}

/// Runs the command as [`run_with_input`] does, with further variables in its environment.
///
/// # Panics
///
/// As [`run_with_input`].
pub fn run_with_variables<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    input: &str,
    variables: &[(&str, &OsStr)],
) -> Run {
    let arguments: Vec<OsString> = arguments.into_iter().map(|word| word.as_ref().to_owned()).collect();
    let mut child = limited(&arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("coreutils' `timeout` starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.to_owned();
    // A writer of its own: the command may fill its output before it has read all.
    let writer = std::thread::spawn(move || {
        // A command that ends early does not read the rest; that is for the test to judge by its answers.
        let _ = stdin.write_all(input.as_bytes());
    });
    let ended = child.wait_with_output().expect("the command can be waited for");
    writer.join().expect("the writer does not panic");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the command writes UTF-8");
    let (output, errors) = (text(ended.stdout), text(ended.stderr));
    let Some(code) = ended.status.code() else {
        panic!("{arguments:?} did not end within {LIMIT_SECONDS} s\n{output}\n{errors}");
    };
    Run { arguments, code, output, errors }
}

/// The command, to be run otherwise than [`run`] does (as a conversation); it is ended after [`LIMIT_SECONDS`].
pub fn limited<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new("timeout");
    command.arg("--signal=KILL").arg(LIMIT_SECONDS.to_string()).arg(path()).args(arguments);
    command.env(IMAGE_VARIABLE, image());
    command
}

/// The driver image as shipped; it need not exist for runs that name another.
pub fn image() -> PathBuf {
    let built = || places::root().join("target/cross/x86_64-pc-windows-msvc/release/pf_backchannel.sys");
    std::env::var_os(IMAGE_VARIABLE).map_or_else(built, PathBuf::from)
}

impl Run {
    /// Standard output as JSON, one value a line.
    ///
    /// # Panics
    ///
    /// When a line is no JSON.
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}\n{self}"))
        };
        self.output.lines().map(parse).collect()
    }

    /// The line that reports the broken rule, the last one.
    ///
    /// # Panics
    ///
    /// When no rule was broken.
    pub fn broken_rule(&self) -> Value {
        let last = self.lines().pop().unwrap_or_default();
        assert!(last["rule"].is_string(), "no rule was broken\n{self}");
        last
    }

    /// Panics unless the run ended with `code`; the message holds all it printed.
    #[track_caller]
    pub fn expect_code(&self, code: i32) {
        assert_eq!(self.code, code, "exit code\n{self}");
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { arguments, code, output, errors } = self;
        write!(f, "{arguments:?} ended with {code}\noutput:\n{output}\nerrors:\n{errors}")
    }
}

fn path() -> PathBuf {
    let built = || places::profile().join("parent-partition");
    let path = std::env::var_os(COMMAND_VARIABLE).map_or_else(built, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build --package parent-partition` first",
        path.display()
    );
    path
}

/// No run takes longer; one that does is ended.
pub const LIMIT_SECONDS: u32 = 120;
