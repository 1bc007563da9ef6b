//! Reads a script line by line and answers each line before it reads the next.

use std::io::{self, BufRead, Write};

use serde_json::Value;

use super::answer::{Answer, Named, Outcome};
use super::operation::{Line, Malformed, Operation};

/// What carries out the operations of a script.
pub trait Stage {
    /// Carries out one operation and says how it ended; `id` is its line's name.
    fn perform(&mut self, id: Option<&Value>, operation: Operation) -> Outcome;
}

/// Plays a script to its end.
///
/// Lines that hold nothing but blanks are counted and not answered.
///
/// # Errors
///
/// What reading the script or writing the answers fails with; a malformed line is answered, not an error.
pub fn play(mut script: impl BufRead, mut answers: impl Write, stage: &mut impl Stage) -> io::Result<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if script.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let (id, answer) = match Line::parse(text) {
            Ok(Line { id, operation }) => {
                let outcome = stage.perform(id.as_ref(), operation);
                (id, Answer::Outcome(outcome))
            }
            Err(Malformed { id, reason }) => (id, Answer::Error { error: reason, line }),
        };
        serde_json::to_writer(&mut answers, &Named { id: id.as_ref(), answer: &answer })?;
        answers.write_all(b"\n")?;
        answers.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::super::answer::Outcome;
    use super::super::operation::Operation;
    use super::{Stage, play};
    use crate::partition::Decider;

    #[derive(Default)]
    struct Recorder {
        performed: Vec<Operation>,
    }

    impl Stage for Recorder {
        fn perform(&mut self, _id: Option<&serde_json::Value>, operation: Operation) -> Outcome {
            self.performed.push(operation);
            Outcome::of(0, Decider::Pf)
        }
    }

    fn answers(script: &[u8]) -> (Vec<String>, Vec<Operation>) {
        let mut stage = Recorder::default();
        let mut out = Vec::new();
        play(script, &mut out, &mut stage).expect("memory does not fail");
        let lines = String::from_utf8(out).expect("JSON is text").lines().map(str::to_owned).collect();
        (lines, stage.performed)
    }

    #[test]
    fn malformed_line_is_answered_by_number_and_the_run_goes_on() {
        let (lines, performed) = answers(b"{\"do\":\"load\"}\nnonsense\n{\"do\":\"unload\",\"id\":2}\n");
        assert_eq!(lines[0], r#"{"status":"0x00000000","by":"pf"}"#);
        assert_eq!(lines[1], r#"{"error":"expected ident at column 2","line":2}"#);
        assert_eq!(lines[2], r#"{"id":2,"status":"0x00000000","by":"pf"}"#);
        assert_eq!(performed, [Operation::Load {}, Operation::Unload {}]);
    }

    #[test]
    fn blank_lines_count_and_are_not_answered() {
        let (lines, _) = answers(b"\n  \r\n{}\n");
        assert_eq!(lines, [r#"{"error":"missing field `do`","line":3}"#]);
    }

    #[test]
    fn last_line_needs_no_line_end() {
        let (lines, performed) = answers(b"{\"do\":\"load\"}");
        assert_eq!((lines.len(), performed.len()), (1, 1));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_malformed_line() {
        let (lines, _) = answers(b"\xFF\xFE\n");
        assert!(lines[0].ends_with(r#""line":1}"#), "{}", lines[0]);
    }

    #[test]
    fn each_answer_is_flushed_before_the_next_line_is_read() {
        #[derive(Default)]
        struct Flushes {
            written: usize,
            flushed: Vec<usize>,
        }
        impl Write for Flushes {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.written += bytes.iter().filter(|byte| **byte == b'\n').count();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                self.flushed.push(self.written);
                Ok(())
            }
        }
        let mut out = Flushes::default();
        play(&b"{\"do\":\"load\"}\n{\"do\":\"load\"}\n"[..], &mut out, &mut Recorder::default())
            .expect("memory");
        assert_eq!(out.flushed, [1, 2]);
    }
}
