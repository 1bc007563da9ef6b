//! The ledger: what was written, what the handler saw, and whether the two agree.
//!
//! * A write that was answered with success was seen exactly once; any other at most once.
//! * Writes of one VF are seen in the order of their tickets: one that had ended before another began comes first, and no
//!   life of a VF comes after a later one.
//! * A write that begins after a reset has returned is of a life that the reset began, and one that a reset overtook inside
//!   the handler is not answered with success.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

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
}

/// A reset that has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// The VF.
    pub vf: u16,
    /// When it had returned.
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
}

impl Disagreements {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares the two sides; `seen` is in the handler's order for each VF.
pub fn compare(written: &[Written], seen: &[Seen], resets: &[Reset]) -> Disagreements {
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
        last.begun = last.begun.max(write.begun);
        last.generation = last.generation.max(one.generation);
        let lives = resets.get(&one.vf).map_or(0, |ends| ends.partition_point(|end| *end < write.begun));
        let answered = one.overtaken && write.status == status::SUCCESS;
        found.outlived += u64::from((one.generation as usize) < lives || answered);
    }
    let is_lost = |write: &&Written| write.status == status::SUCCESS && !times.contains_key(&write.number);
    found.lost = written.iter().filter(is_lost).count() as u64;
    found
}

/// Of a VF: the latest beginning and the latest life that were seen.
#[derive(Default)]
struct Last {
    begun: u64,
    generation: u32,
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
    use super::{Disagreements, Reset, Seen, Written, compare};
    use crate::nt::status::{self, Status};

    const NONE: Disagreements =
        Disagreements { lost: 0, duplicated: 0, forged: 0, reordered: 0, overlapped: 0, outlived: 0 };

    fn written(number: u64, begun: u64, ended: u64, status: Status) -> Written {
        Written { number, vf: 1, begun, ended, status }
    }

    fn seen(number: u64, generation: u32) -> Seen {
        Seen { number, vf: 1, generation, overtaken: false, overlapped: false }
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
}
