//! Two traces of one scenario, line by line.
//!
//! Equal is equal in every member, but for what a recording cannot say of another run:
//!
//! * `{"repeated":N}` stands for N more lines like the one before.
//! * Where another thread than the stimulus' wrote a line, the order across threads is one legal order. Between two
//!   stimuli the lines may then be in any order that keeps each thread's own; the lines of time that passes are no such
//!   border, since a timer may be due before or after.
//! * Where the real framework stops at what its verifier finds (`break`), a line says so; the simulated one's says which
//!   rule was broken, in words of its own. A framework image stops at the same level; its words are the recorded ones, or
//!   none where its build leaves out what it traces.
//! * Where the real framework stops for good (a bugcheck, a fault), the simulated one ends the run with the name of the
//!   rule. What the recording has after that line is not played.

use serde_json::{Value, json};

use crate::judge::Rule;

/// How a played trace ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// By itself.
    Whole,
    /// A rule was broken: its name, and the report's detail.
    Rule(String, String),
    /// The simulator is wrong; what it said.
    Defect(String),
}

/// What a comparison found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Every line is equal.
    Equal,
    /// Every line up to the one where the recording has a finding: that line, and the rule that ended the run there.
    Judged(usize, String),
    /// The framework named what it does not have, in the middle of an equal trace.
    Refused(String),
    /// The first line that differs, from 1 on in the recorded file; what is recorded there and what was played.
    Different(usize, String, String),
}

/// Compares a played trace with the recorded one.
#[must_use]
pub fn compare(recorded: &[Value], played: &[Value], ending: &Ending) -> Outcome {
    let recorded = expand(recorded);
    let equal = common(&recorded, played);
    let next = recorded.get(equal);
    let number = next.map_or_else(|| recorded.last().map_or(1, |last| last.number + 1), |line| line.number);
    let is = |line: Option<&Value>| line.map_or_else(String::new, Value::to_string);
    if equal == played.len() {
        match (ending, next) {
            (Ending::Whole, None) => return Outcome::Equal,
            (Ending::Rule(rule, detail), Some(line)) if is_finding(line.value, rule, detail) => {
                return Outcome::Judged(number, rule.clone());
            }
            (Ending::Rule(rule, detail), _) if rule == Rule::NotServed.name() => {
                return Outcome::Refused(detail.clone());
            }
            _ => {}
        }
    }
    let played = match (played.get(equal), ending) {
        (Some(line), _) => line.to_string(),
        (None, Ending::Whole) => String::new(),
        (None, Ending::Rule(rule, detail)) => format!("{rule}: {detail}"),
        (None, Ending::Defect(what)) => format!("defect: {what}"),
    };
    Outcome::Different(number, is(next.map(|line| line.value)), played)
}

/// A recorded line and its number in the file.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    value: &'a Value,
}

fn expand(recorded: &[Value]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (index, value) in recorded.iter().enumerate() {
        match (value["repeated"].as_u64(), lines.last().copied()) {
            (Some(count), Some(last)) => {
                lines.extend((0..count).map(|_| Line { number: index + 1, value: last.value }));
            }
            _ => lines.push(Line { number: index + 1, value }),
        }
    }
    lines
}

/// How many lines from the start on are equal.
fn common(recorded: &[Line<'_>], played: &[Value]) -> usize {
    let mut equal = 0;
    while equal < recorded.len() {
        let here = &recorded[equal..];
        let until =
            here[1..].iter().position(|line| is_border(line.value)).map_or(here.len(), |index| index + 1);
        let rest = &played[equal.min(played.len())..];
        let exact =
            here[..until].iter().zip(rest).take_while(|(line, played)| is_same(line.value, played)).count();
        if exact < until && !is_reordered(&here[..until], rest) {
            return equal + exact;
        }
        equal += until;
    }
    equal
}

/// Whether the lines of one stimulus are the same in another order of threads.
fn is_reordered(recorded: &[Line<'_>], played: &[Value]) -> bool {
    let Some(played) = played.get(..recorded.len()) else { return false };
    if !recorded.iter().any(|line| is_of_other_thread(line.value)) {
        return false;
    }
    let mut left: Vec<&Value> = played.iter().collect();
    let all = recorded.iter().all(|line| {
        let found = left.iter().position(|played| is_same(line.value, played));
        found.map(|index| left.swap_remove(index)).is_some()
    });
    let others = recorded.iter().map(|line| line.value).filter(|line| is_of_other_thread(line));
    all && others.eq(played.iter().filter(|line| is_of_other_thread(line)))
}

/// Whether a line begins a new stimulus.
fn is_border(line: &Value) -> bool {
    line.get("do").is_some_and(|what| what != "time")
}

fn is_of_other_thread(line: &Value) -> bool {
    line["thread"] == "other"
}

fn is_same(recorded: &Value, played: &Value) -> bool {
    if recorded.get("scenario").is_some() {
        // What a scenario shows is said once, in the index.
        return ["scenario", "driver", "verifier"].iter().all(|member| recorded[member] == played[member]);
    }
    if recorded.get("break").is_some() {
        let says_so = played["text"] == recorded["text"] || played["text"] == "";
        let is_images = says_so && played["irql"] == recorded["irql"];
        return played.get("break").is_some() && (played["rule"].is_string() || is_images);
    }
    recorded == played
}

/// Whether the recorded line is the finding for which that rule ended the run.
fn is_finding(line: &Value, rule: &str, detail: &str) -> bool {
    if let Some(first) = line["p1"].as_u64().filter(|_| line.get("violation").is_some()) {
        let bugcheck = first_parameter(detail) == Some(first);
        let level = first == IRQL_MISMATCH && rule == Rule::ReturnedIrql.name();
        return bugcheck || level;
    }
    ["break", "crash", "deadlock", "stuck"].iter().any(|member| line.get(member).is_some())
        && rule != Rule::NotServed.name()
}

/// The first parameter of bugcheck 0x10D, which ended a run: as the simulated framework names it, or as KeBugCheckEx was
/// handed it by an image.
fn first_parameter(detail: &str) -> Option<u64> {
    let digits = ["0x10D/0x", "0x0000010d (0x"].iter().find_map(|start| detail.split_once(start))?.1;
    let end = digits.find(|c: char| !c.is_ascii_hexdigit())?;
    u64::from_str_radix(&digits[..end], 16).ok()
}

impl Ending {
    /// The finding as a recording's last line; none of a run that ended by itself, or for what is not served.
    #[must_use]
    pub fn finding(&self) -> Option<Value> {
        let Self::Rule(rule, detail) = self else { return None };
        match first_parameter(detail) {
            Some(first) => Some(json!({"violation": "WDF_VIOLATION", "code": "0x10D", "p1": first})),
            None if rule == Rule::NotServed.name() => None,
            None => Some(json!({"crash": rule, "text": detail})),
        }
    }
}

/// WDF_VERIFIER_IRQL_MISMATCH, first parameter of bugcheck 0x10D.
const IRQL_MISMATCH: u64 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(recorded: &[Value], played: &[Value]) -> Outcome {
        compare(recorded, played, &Ending::Whole)
    }

    #[test]
    fn a_repeated_line_stands_for_more_of_the_one_before() {
        let recorded = [json!({"a": 1}), json!({"repeated": 2}), json!({"end": true})];
        let played = [json!({"a": 1}), json!({"a": 1}), json!({"a": 1}), json!({"end": true})];
        assert_eq!(outcome(&recorded, &played), Outcome::Equal);
        assert!(matches!(outcome(&recorded, &played[1..]), Outcome::Different(2, ..)));
    }

    #[test]
    fn lines_of_two_threads_may_change_places_between_two_stimuli() {
        let other = json!({"cb": "EvtWorkItem", "thread": "other"});
        let (own, border) = (json!({"end": "EvtIoDeviceControl"}), json!({"do": "irp"}));
        let recorded = [border.clone(), own.clone(), other.clone(), border.clone()];
        let reordered = [border.clone(), other.clone(), own.clone(), border.clone()];
        assert_eq!(outcome(&recorded, &reordered), Outcome::Equal);
        let across = [border.clone(), own.clone(), border.clone(), other];
        assert!(matches!(outcome(&recorded, &across), Outcome::Different(3, ..)));
    }

    #[test]
    fn lines_of_one_thread_keep_their_order() {
        let recorded = [json!({"do": "irp"}), json!({"cb": "A"}), json!({"cb": "B"})];
        let played = [json!({"do": "irp"}), json!({"cb": "B"}), json!({"cb": "A"})];
        assert!(matches!(outcome(&recorded, &played), Outcome::Different(2, ..)));
    }

    #[test]
    fn a_missing_end_and_a_line_too_many_are_differences() {
        let recorded = [json!({"do": "unload"}), json!({"end": true})];
        assert!(matches!(outcome(&recorded, &recorded[..1]), Outcome::Different(2, ..)));
        let played = [json!({"do": "unload"}), json!({"end": true}), json!({"cb": "A"})];
        assert!(matches!(outcome(&recorded, &played), Outcome::Different(3, ..)));
    }

    #[test]
    fn a_rule_ends_a_run_where_the_recording_has_a_finding_and_nowhere_else() {
        let recorded = [
            json!({"do": "irp"}),
            json!({"violation": "WDF_INVALID_HANDLE", "code": "0x10D", "p1": 5}),
            json!({"end": true}),
        ];
        let broken = |detail: &str| Ending::Rule("handle-type".to_owned(), detail.to_owned());
        let found = |played: &[Value], detail| compare(&recorded, played, &broken(detail));
        assert_eq!(
            found(&recorded[..1], "WDF_VIOLATION 0x10D/0x5: x"),
            Outcome::Judged(2, "handle-type".to_owned())
        );
        assert!(matches!(found(&recorded[..1], "WDF_VIOLATION 0x10D/0x6: x"), Outcome::Different(2, ..)));
        assert!(matches!(found(&[], "WDF_VIOLATION 0x10D/0x5: x"), Outcome::Different(1, ..)));
    }

    #[test]
    fn a_finding_of_the_verifier_names_the_broken_rule() {
        let recorded = [json!({"break": true, "irql": 2, "text": "WDFREQUEST 0xrequest2 is not cancelable"})];
        let played = [
            json!({"break": true, "irql": 0, "rule": "object-state", "text": "the request is not cancelable"}),
        ];
        assert_eq!(outcome(&recorded, &played), Outcome::Equal);
        assert!(matches!(outcome(&recorded, &[json!({"break": true})]), Outcome::Different(1, ..)));
    }

    #[test]
    fn a_framework_image_stops_at_the_same_level_with_the_same_words_or_none() {
        let stop = |irql: u8, text| [json!({"break": true, "irql": irql, "text": text})];
        let recorded = stop(2, "WDFREQUEST 0xrequest2 is not cancelable");
        assert_eq!(outcome(&recorded, &recorded), Outcome::Equal);
        assert_eq!(outcome(&recorded, &stop(2, "")), Outcome::Equal);
        assert!(matches!(outcome(&recorded, &stop(0, "")), Outcome::Different(1, ..)));
        assert!(matches!(outcome(&recorded, &stop(2, "another")), Outcome::Different(1, ..)));
    }

    #[test]
    fn a_bugcheck_of_a_framework_image_is_a_finding_by_its_first_parameter() {
        let recorded = [json!({"violation": "WDF_INVALID_HANDLE", "code": "0x10D", "p1": 5})];
        let ended = |detail: &str| Ending::Rule("bugcheck".to_owned(), detail.to_owned());
        let found = |detail| compare(&recorded, &[], &ended(detail));
        assert_eq!(found("0x0000010d (0x5, 0x0, 0x1, 0x2)"), Outcome::Judged(1, "bugcheck".to_owned()));
        assert!(matches!(found("0x0000010d (0x6, 0x5, 0x1, 0x2)"), Outcome::Different(1, ..)));
        assert!(matches!(found("0x000000c4 (0x5, 0x0, 0x1, 0x2)"), Outcome::Different(1, ..)));
    }

    #[test]
    fn what_ended_a_run_is_a_finding_of_its_recording() {
        let ended = |rule: &str, detail: &str| Ending::Rule(rule.to_owned(), detail.to_owned());
        let endings = [
            ended("bugcheck", "KeBugCheckEx: 0x0000010d (0x5, 0x0, 0x1008, 0x7f76)"),
            ended("handle-type", "WDF_VIOLATION 0x10D/0xB: x"),
            ended("access", "read at 0x10, no memory"),
        ];
        for ending in endings {
            let recorded = [ending.finding().expect("a finding")];
            assert!(matches!(compare(&recorded, &[], &ending), Outcome::Judged(1, _)), "{recorded:?}");
        }
        assert_eq!(ended("not-served", "IoGetDmaAdapter").finding(), None);
        assert_eq!(Ending::Whole.finding(), None);
    }

    #[test]
    fn a_refusal_by_name_counts_only_after_equal_lines() {
        let recorded = [json!({"do": "irp"}), json!({"cb": "A"})];
        let refused = Ending::Rule("not-served".to_owned(), "x".to_owned());
        assert_eq!(compare(&recorded, &recorded[..1], &refused), Outcome::Refused("x".to_owned()));
        let wrong = [json!({"do": "cancel"})];
        assert!(matches!(compare(&recorded, &wrong, &refused), Outcome::Different(1, ..)));
    }
}
