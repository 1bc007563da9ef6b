//! Two threads, each with a VF of its own: what they write together, over what one writes alone.
//!
//! The processors of a virtual machine share their cores with strangers who come and go within milliseconds, and a processor
//! that sleeps wakes up slower than it was. Timing one thread for a while and two threads later relates different
//! machines, and the best of many such times favours the one thread: it meets a quiet core sooner than two meet two.
//! So both threads stay awake, and every contender is measured in one round of about a millisecond: one thread writes while
//! the other pauses, then the other way round, then both. A round's ratio has met the same strangers above and below its line.

use std::sync::atomic::{AtomicU64, Ordering};

use spin::Barrier;

use crate::contender::{Contender, Size};
use crate::measure::{Pattern, Writer};

/// The nanoseconds of a write of one contender in one round.
#[derive(Clone, Copy)]
pub struct Round {
    /// Of each thread while the other one paused.
    alone: [f64; 2],
    /// Of each thread while the other one wrote, too.
    together: [f64; 2],
}

/// One VF for each thread, and eight handlers.
pub const SIZE: Size = Size { vfs: 2, handlers: 8 };

/// Writes that are timed, of one thread of one contender.
const WRITES: u32 = 2_000;

/// Writes before them: the contender measured before has taken the caches.
const WARM_UP: u32 = 500;

/// Writes of a thread that is ready between two looks at whether the other one is.
const A_FEW: u32 = 8;

impl Round {
    /// Gives the writes of two threads in the time in which one alone makes one.
    pub fn ratio(self) -> f64 {
        // one thread alone is either of them: their cores may differ
        2.0 * rate(self.together) / rate(self.alone)
    }

    /// Gives the nanoseconds of one write of a thread alone, and of one write counted over both.
    pub fn nanoseconds(self) -> [f64; 2] {
        [2.0 / rate(self.alone), 1.0 / rate(self.together)]
    }
}

fn rate(nanoseconds: [f64; 2]) -> f64 {
    nanoseconds.map(f64::recip).iter().sum()
}

/// Measures so many rounds of all contenders in turn; gives the rounds of each contender.
pub fn rounds(contenders: &[Contender], number: u64) -> Vec<Vec<Round>> {
    let meeting = Meeting { barrier: Barrier::new(2), ready: AtomicU64::new(0) };
    let [first, second] = std::thread::scope(|scope| {
        [0, 1]
            .map(|me| {
                scope.spawn({
                    let meeting = &meeting;
                    move || Thread { me, meeting, met: 0 }.rounds(contenders, number)
                })
            })
            .map(|thread| thread.join().expect("no contender fails"))
    });
    let both = |((alone, together), (other_alone, other_together))| Round {
        alone: [alone, other_alone],
        together: [together, other_together],
    };
    first.into_iter().zip(second).map(|(one, other)| one.into_iter().zip(other).map(both).collect()).collect()
}

/// Where the threads wait for each other, awake.
struct Meeting {
    barrier: Barrier,
    /// How often a thread was ready with its timed writes beside the other one.
    ready: AtomicU64,
}

struct Thread<'a> {
    me: u16,
    meeting: &'a Meeting,
    /// What `ready` is at least when both are.
    met: u64,
}

impl Thread<'_> {
    /// Gives, of each contender and round, the nanoseconds of a write alone and together.
    fn rounds(mut self, contenders: &[Contender], number: u64) -> Vec<Vec<(f64, f64)>> {
        let size = Size { vfs: 1, ..SIZE };
        let mut writer = Writer::new(Pattern { first_vf: self.me, ..Pattern::all(size) });
        let mut times = vec![Vec::new(); contenders.len()];
        for _ in 0..number {
            for (contender, times) in contenders.iter().zip(&mut times) {
                times.push((self.alone(contender, &mut writer), self.together(contender, &mut writer)));
            }
        }
        times
    }

    fn alone(&self, contender: &Contender, writer: &mut Writer) -> f64 {
        let mut time = f64::NAN;
        for turn in 0..2 {
            self.meeting.barrier.wait();
            if turn == self.me {
                writer.write(contender, WARM_UP);
                time = writer.time(contender, WRITES);
            }
        }
        time
    }

    fn together(&mut self, contender: &Contender, writer: &mut Writer) -> f64 {
        self.meeting.barrier.wait();
        writer.write(contender, WARM_UP);
        let time = writer.time(contender, WRITES);
        self.met += 2;
        self.meeting.ready.fetch_add(1, Ordering::AcqRel);
        while self.meeting.ready.load(Ordering::Acquire) < self.met {
            writer.write(contender, A_FEW);
        }
        time
    }
}

#[cfg(test)]
mod tests {
    use super::Round;

    #[test]
    fn threads_that_do_not_disturb_each_other_write_twice_as_much_whatever_their_cores_are() {
        for alone in [[80.0, 80.0], [80.0, 120.0]] {
            assert!((Round { alone, together: alone }.ratio() - 2.0).abs() < 1e-9);
        }
    }

    #[test]
    fn threads_that_wait_for_each_other_write_as_much_as_one() {
        let round = Round { alone: [80.0, 80.0], together: [160.0, 160.0] };
        assert!((round.ratio() - 1.0).abs() < 1e-9);
        assert!(round.nanoseconds().iter().all(|time| (time - 80.0).abs() < 1e-9));
    }
}
