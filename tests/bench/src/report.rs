//! The figures, and what they are compared with.

use std::fmt;

use serde_json::json;

use crate::contender::{Contender, Size};
use crate::limit::Limit;
use crate::measure::{Pattern, alone, best, in_pairs};
use crate::ours::{BYTES_PER_VF, Ours};
use crate::rivals::{OneLock, Shards};

/// All figures of one run: nanoseconds a write, and how they relate.
pub struct Report {
    write: [f64; 4],
    refusal: [f64; 2],
    pairs: [f64; 4],
    handlers: [f64; 4],
    vfs: [f64; 4],
}

const EIGHT: Size = Size { vfs: 1, handlers: 8 };
const TWO_VFS: Size = Size { vfs: 2, handlers: 8 };
const ONE: Size = Size { vfs: 1, handlers: 1 };
const MANY_HANDLERS: Size = Size { vfs: 1, handlers: 64 };
const MANY_VFS: Size = Size { vfs: 1_024, handlers: 1 };

impl Report {
    /// Measures everything.
    pub fn measure(rounds: usize) -> Self {
        Self {
            write: write(rounds),
            refusal: refusal(rounds),
            pairs: pairs(rounds),
            handlers: growth(rounds, ONE, MANY_HANDLERS),
            vfs: growth(rounds, ONE, MANY_VFS),
        }
    }

    /// Gives the figures for programs.
    pub fn json(&self) -> String {
        let [ours, limit, one_lock, shards] = self.write;
        let report = json!({
            "ratios": {
                "write_over_limit": ours / limit,
                "two_vfs_over_one_thread": self.pairs[0] / self.pairs[1],
                "two_vfs_over_one_thread_of_the_limit": self.pairs[2] / self.pairs[3],
                "refusal_over_served": self.refusal[0] / self.refusal[1],
                "handlers_64_over_1": relative(self.handlers),
                "handlers_64_over_1_raw": self.handlers[1] / self.handlers[0],
                "vfs_1024_over_1": relative(self.vfs),
                "vfs_1024_over_1_raw": self.vfs[1] / self.vfs[0],
                "hashmap_over_ours": one_lock / ours,
                "dashmap_over_ours": shards / ours,
            },
            "nanoseconds": { "ours": ours, "limit": limit, "hashmap": one_lock, "dashmap": shards },
            "bytes_per_vf": BYTES_PER_VF,
        });
        report.to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [ours, limit, one_lock, shards] = self.write;
        writeln!(
            f,
            "a write, ns: ours {ours:.1}, limit {limit:.1}, one lock and maps {one_lock:.1}, dashmap {shards:.1}"
        )?;
        writeln!(f, "write over limit         {:6.2}", ours / limit)?;
        let limit_pairs = self.pairs[2] / self.pairs[3];
        writeln!(
            f,
            "two VFs over one thread  {:6.2}  (limit {limit_pairs:.2})",
            self.pairs[0] / self.pairs[1]
        )?;
        writeln!(f, "refusal over served      {:6.2}", self.refusal[0] / self.refusal[1])?;
        let raw = self.handlers[1] / self.handlers[0];
        writeln!(f, "64 handlers over 1       {:6.2}  (raw {raw:.2})", relative(self.handlers))?;
        let raw = self.vfs[1] / self.vfs[0];
        writeln!(f, "1,024 VFs over 1         {:6.2}  (raw {raw:.2})", relative(self.vfs))?;
        writeln!(f, "one lock over ours       {:6.2}", one_lock / ours)?;
        writeln!(f, "dashmap over ours        {:6.2}", shards / ours)?;
        write!(f, "bytes a VF               {BYTES_PER_VF:6}")
    }
}

/// How ours grew, relative to how the limit grew.
fn relative([ours, ours_grown, limit, limit_grown]: [f64; 4]) -> f64 {
    (ours_grown / ours) / (limit_grown / limit)
}

const fn served(size: Size) -> Pattern {
    Pattern { size, beyond: 0 }
}

fn write(rounds: usize) -> [f64; 4] {
    let contenders: [&dyn Contender; 4] =
        [&Ours::new(EIGHT), &Limit::new(EIGHT), &OneLock::new(EIGHT), &Shards::new(EIGHT)];
    best(rounds, || contenders.map(|contender| alone(contender, served(EIGHT))))
}

fn refusal(rounds: usize) -> [f64; 2] {
    let ours = Ours::new(EIGHT);
    best(rounds, || [alone(&ours, Pattern { size: EIGHT, beyond: 100 }), alone(&ours, served(EIGHT))])
}

fn pairs(rounds: usize) -> [f64; 4] {
    let (ours, limit) = (Ours::new(TWO_VFS), Limit::new(TWO_VFS));
    let pattern = served(TWO_VFS);
    let [ours_alone, ours_pairs, limit_alone, limit_pairs] = best(rounds, || {
        [alone(&ours, pattern), in_pairs(&ours, pattern), alone(&limit, pattern), in_pairs(&limit, pattern)]
    });
    [ours_alone, ours_pairs, limit_alone, limit_pairs]
}

fn growth(rounds: usize, from: Size, to: Size) -> [f64; 4] {
    let (ours, ours_grown) = (Ours::new(from), Ours::new(to));
    let (limit, limit_grown) = (Limit::new(from), Limit::new(to));
    best(rounds, || {
        [
            alone(&ours, served(from)),
            alone(&ours_grown, served(to)),
            alone(&limit, served(from)),
            alone(&limit_grown, served(to)),
        ]
    })
}
