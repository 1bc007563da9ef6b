//! The ledger: what was written, what the handlers saw, and whether the two agree.
//!
//! * A write that was answered with success was seen exactly once; any other at most once.
//! * Writes of one VF are seen in the order of their tickets: one that had ended before another began comes first, and no
//!   life of a VF comes after a later one.
//! * A write that begins after a reset has returned is of a life that the reset began, and one that a reset overtook inside
//!   the handler is not answered with success.
//! * A write that begins after a handler was replaced is seen by the one that came, one that had ended before by the one that
//!   went, and no VF's go back to one that went.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::stage::Ledger;
use crate::nt::status::{self, Status};

/// One write, as its sender knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// What it carried; no two writes carry the same.
    pub number: u64,
    /// The VF that wrote.
    pub vf: u16,
    /// When it was sent, on a clock that ticks with every event.
    pub begun: u64,
    /// When it was answered.
    pub ended: u64,
    /// The answer.
    pub status: Status,
}

/// One write, as the handler saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What it carried.
    pub number: u64,
    /// The VF that the handler was told.
    pub vf: u16,
    /// That VF's life.
    pub generation: u32,
    /// A reset came while the handler was at it.
    pub overtaken: bool,
    /// Another call for the VF was inside a handler.
    pub overlapped: bool,
    /// Which handler saw it: each that came into another's place has the next number, from 1.
    pub handler: u64,
}

/// A reset that has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// The VF.
    pub vf: u16,
    /// When it had returned.
    pub ended: u64,
}

/// A handler that came into another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// When it was asked for.
    pub begun: u64,
    /// When nothing of the old handler ran any more.
    pub ended: u64,
}

/// How often the two sides disagree, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreements {
    /// Answered with success and never seen.
    pub lost: u64,
    /// Seen again.
    pub duplicated: u64,
    /// Seen, but not sent by that VF.
    pub forged: u64,
    /// Seen after one that began when it had ended, or after one of a later life.
    pub reordered: u64,
    /// Seen while another call of the VF was inside a handler.
    pub overlapped: u64,
    /// Seen in a life that had ended before it was sent, or answered with success although a reset had overtaken it.
    pub outlived: u64,
    /// Seen by a handler that did not serve when it was sent, or after another of its VF was seen by a later handler.
    pub misdirected: u64,
}

impl Disagreements {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares the two sides; what was seen is in the handlers' order for each VF, replacements in theirs.
pub fn compare(ledger: &Ledger) -> Disagreements {
    let Ledger { written, seen, resets, replacements } = ledger;
    let by_number: HashMap<u64, &Written> = written.iter().map(|write| (write.number, write)).collect();
    let resets = returned(resets);
    let mut found = Disagreements::default();
    let mut times: HashMap<u64, u32> = HashMap::new();
    let mut last: HashMap<u16, Last> = HashMap::new();
    for one in seen {
        let Some(write) = by_number.get(&one.number).filter(|write| write.vf == one.vf) else {
            found.forged += 1;
            continue;
        };
        let times = times.entry(one.number).or_default();
        *times += 1;
        found.duplicated += u64::from(*times > 1);
        found.overlapped += u64::from(one.overlapped);
        let last = last.entry(one.vf).or_default();
        // One that is seen twice is out of order as well; once is enough.
        if *times == 1 && (write.ended < last.begun || one.generation < last.generation) {
            found.reordered += 1;
        }
        let serving = serving(replacements, write);
        found.misdirected += u64::from(!serving.contains(&one.handler) || one.handler < last.handler);
        last.begun = last.begun.max(write.begun);
        last.generation = last.generation.max(one.generation);
        last.handler = last.handler.max(one.handler);
        let lives = resets.get(&one.vf).map_or(0, |ends| ends.partition_point(|end| *end < write.begun));
        let answered = one.overtaken && write.status == status::SUCCESS;
        found.outlived += u64::from((one.generation as usize) < lives || answered);
    }
    let is_lost = |write: &&Written| write.status == status::SUCCESS && !times.contains_key(&write.number);
    found.lost = written.iter().filter(is_lost).count() as u64;
    found
}

/// Of a VF: the latest beginning, the latest life and the latest handler that were seen.
#[derive(Default)]
struct Last {
    begun: u64,
    generation: u32,
    handler: u64,
}

/// The handlers that served at a moment of the write.
fn serving(replacements: &[Replacement], write: &Written) -> RangeInclusive<u64> {
    let over = replacements.partition_point(|one| one.ended < write.begun);
    let begun = replacements.partition_point(|one| one.begun < write.ended);
    over as u64..=begun as u64
}

/// When each VF's resets had returned, in order.
fn returned(resets: &[Reset]) -> HashMap<u16, Vec<u64>> {
    let mut ends: HashMap<u16, Vec<u64>> = HashMap::new();
    for reset in resets {
        ends.entry(reset.vf).or_default().push(reset.ended);
    }
    ends.values_mut().for_each(|ends| ends.sort_unstable());
    ends
}

#[cfg(test)]
mod tests {
    use super::super::stage::Ledger;
    use super::{Disagreements, Replacement, Reset, Seen, Written};
    use crate::nt::status::{self, Status};

    const NONE: Disagreements = Disagreements {
        lost: 0,
        duplicated: 0,
        forged: 0,
        reordered: 0,
        overlapped: 0,
        outlived: 0,
        misdirected: 0,
    };

    fn compare(written: &[Written], seen: &[Seen], resets: &[Reset]) -> Disagreements {
        replaced(written, seen, resets, &[])
    }

    fn replaced(
        written: &[Written],
        seen: &[Seen],
        resets: &[Reset],
        replacements: &[Replacement],
    ) -> Disagreements {
        let (written, seen) = (written.to_vec(), seen.to_vec());
        let (resets, replacements) = (resets.to_vec(), replacements.to_vec());
        super::compare(&Ledger { written, seen, resets, replacements })
    }

    fn written(number: u64, begun: u64, ended: u64, status: Status) -> Written {
        Written { number, vf: 1, begun, ended, status }
    }

    fn seen(number: u64, generation: u32) -> Seen {
        Seen { number, vf: 1, generation, overtaken: false, overlapped: false, handler: 0 }
    }

    #[test]
    fn what_was_seen_in_order_and_once_agrees() {
        let writes = [
            written(1, 1, 2, status::SUCCESS),
            written(2, 3, 6, status::SUCCESS),
            written(3, 4, 5, status::SUCCESS),
            written(4, 7, 8, status::DEVICE_NOT_READY),
            written(5, 9, 10, status::DEVICE_NOT_READY),
        ];
        // The third overlapped the second and may come before it; the fourth was refused after the handler.
        let seen = [seen(1, 0), seen(3, 0), seen(2, 0), seen(4, 1)];
        assert_eq!(compare(&writes, &seen, &[Reset { vf: 1, ended: 6 }]), NONE);
    }

    #[test]
    fn success_that_nobody_saw_is_lost() {
        let found = compare(&[written(1, 1, 2, status::SUCCESS)], &[], &[]);
        assert_eq!(found, Disagreements { lost: 1, ..NONE });
    }

    #[test]
    fn write_that_is_seen_twice_is_duplicated_whatever_it_was_answered() {
        for status in [status::SUCCESS, status::DEVICE_NOT_READY] {
            let found = compare(&[written(1, 1, 2, status)], &[seen(1, 0), seen(1, 0)], &[]);
            assert_eq!(found, Disagreements { duplicated: 1, ..NONE });
        }
    }

    #[test]
    fn write_of_nobody_or_of_another_vf_is_forged() {
        let other = Seen { vf: 2, ..seen(1, 0) };
        let found = compare(&[written(1, 1, 2, status::DEVICE_NOT_READY)], &[other, seen(7, 0)], &[]);
        assert_eq!(found, Disagreements { forged: 2, ..NONE });
    }

    #[test]
    fn write_that_comes_after_a_later_one_is_reordered() {
        let writes = [written(1, 1, 2, status::SUCCESS), written(2, 3, 4, status::SUCCESS)];
        let found = compare(&writes, &[seen(2, 0), seen(1, 0)], &[]);
        assert_eq!(found, Disagreements { reordered: 1, ..NONE });
    }

    #[test]
    fn life_that_comes_after_a_later_one_is_reordered() {
        let writes = [written(1, 1, 4, status::SUCCESS), written(2, 2, 3, status::SUCCESS)];
        let found = compare(&writes, &[seen(1, 1), seen(2, 0)], &[]);
        assert_eq!(found, Disagreements { reordered: 1, ..NONE });
    }

    #[test]
    fn write_of_a_life_that_was_over_when_it_began_is_outlived() {
        let reset = Reset { vf: 1, ended: 2 };
        let found = compare(&[written(1, 3, 4, status::SUCCESS)], &[seen(1, 0)], &[reset]);
        assert_eq!(found, Disagreements { outlived: 1, ..NONE });
    }

    #[test]
    fn success_of_a_write_that_a_reset_overtook_is_outlived() {
        let overtaken = Seen { overtaken: true, ..seen(1, 0) };
        let found = compare(&[written(1, 1, 2, status::SUCCESS)], &[overtaken], &[]);
        assert_eq!(found, Disagreements { outlived: 1, ..NONE });
    }

    #[test]
    fn calls_of_one_vf_that_overlap_are_counted() {
        let overlapped = Seen { overlapped: true, ..seen(1, 0) };
        let found = compare(&[written(1, 1, 2, status::SUCCESS)], &[overlapped], &[]);
        assert_eq!(found, Disagreements { overlapped: 1, ..NONE });
    }

    /// Two handlers: the second came in the place of the first between the moments 3 and 6.
    const CAME: [Replacement; 1] = [Replacement { begun: 3, ended: 6 }];

    fn seen_by(handler: u64, number: u64) -> Seen {
        Seen { handler, ..seen(number, 0) }
    }

    #[test]
    fn either_handler_may_see_what_is_sent_while_one_replaces_the_other() {
        for handler in [0, 1] {
            let found = replaced(&[written(1, 4, 5, status::SUCCESS)], &[seen_by(handler, 1)], &[], &CAME);
            assert_eq!(found, NONE);
        }
    }

    #[test]
    fn write_that_reaches_a_replaced_handler_is_misdirected() {
        let found = replaced(&[written(1, 7, 8, status::SUCCESS)], &[seen_by(0, 1)], &[], &CAME);
        assert_eq!(found, Disagreements { misdirected: 1, ..NONE });
    }

    #[test]
    fn write_that_reaches_a_handler_before_its_time_is_misdirected() {
        let found = replaced(&[written(1, 1, 2, status::SUCCESS)], &[seen_by(1, 1)], &[], &CAME);
        assert_eq!(found, Disagreements { misdirected: 1, ..NONE });
    }

    #[test]
    fn vf_that_goes_back_to_a_replaced_handler_is_misdirected() {
        let writes = [written(1, 4, 9, status::SUCCESS), written(2, 5, 10, status::SUCCESS)];
        let found = replaced(&writes, &[seen_by(1, 1), seen_by(0, 2)], &[], &CAME);
        assert_eq!(found, Disagreements { misdirected: 1, ..NONE });
    }
}
