//! The figures, and what they are compared with.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use bench_engine::BYTES_PER_VF;
use criterion::{Criterion, SamplingMode};
use serde_json::{Map, json};

use crate::bound::{Bound, broken};
use crate::contender::{Contender, Size, ours};
use crate::limit::limit;
use crate::measure::{Pattern, alone};
use crate::pair::{self, Round};
use crate::ratio::Ratio;
use crate::rivals::{one_lock, shards};

/// All figures of one run.
pub struct Report {
    figures: Vec<Figure>,
}

/// One ratio.
struct Figure {
    name: &'static str,
    /// The median of the samples.
    ratio: f64,
    /// The same without regard to the limit, where the ratio is relative to how the limit grows.
    raw: Option<f64>,
    /// Nanoseconds a write of each column, at best.
    nanoseconds: Vec<f64>,
}

/// One column of a figure: gives the nanoseconds of a write.
type Column = Box<dyn Fn() -> f64>;

const EIGHT: Size = Size { vfs: 1, handlers: 8 };
const ONE: Size = Size { vfs: 1, handlers: 1 };
const MANY_HANDLERS: Size = Size { vfs: 1, handlers: 64 };
const MANY_VFS: Size = Size { vfs: 1_024, handlers: 1 };

impl Report {
    /// Measures everything, in so many samples for each figure.
    pub fn measure(samples: usize) -> Self {
        let mut criterion = Criterion::default()
            .with_measurement(Ratio)
            .without_plots()
            .sample_size(samples)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_secs(2));
        let served = |make: fn(Size) -> Contender, size| column(make(size), Pattern::all(size));
        let refused = column(ours(EIGHT), Pattern { beyond: 100, ..Pattern::all(EIGHT) });
        let mut figure = |name, columns: Vec<Column>| measure(&mut criterion, name, &columns);
        let mut figures = vec![
            figure("write_over_limit", vec![served(ours, EIGHT), served(limit, EIGHT)]),
            figure("hashmap_over_ours", vec![served(one_lock, EIGHT), served(ours, EIGHT)]),
            figure("dashmap_over_ours", vec![served(shards, EIGHT), served(ours, EIGHT)]),
            figure("refusal_over_served", vec![refused, served(ours, EIGHT)]),
            figure("handlers_64_over_1", growth(&served, MANY_HANDLERS)),
            figure("vfs_1024_over_1", growth(&served, MANY_VFS)),
        ];
        figures.extend(two_vfs(&mut criterion));
        Self { figures }
    }

    /// Names the figures that are not what they must be, with what they are and must be.
    pub fn broken(&self) -> Vec<String> {
        broken(|name| self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.ratio))
    }

    /// Gives the figures for programs.
    pub fn json(&self) -> String {
        let (mut ratios, mut nanoseconds) = (Map::new(), Map::new());
        for figure in &self.figures {
            ratios.insert(figure.name.to_owned(), json!(figure.ratio));
            if let Some(raw) = figure.raw {
                ratios.insert(format!("{}_raw", figure.name), json!(raw));
            }
            nanoseconds.insert(figure.name.to_owned(), json!(figure.nanoseconds));
        }
        json!({ "ratios": ratios, "nanoseconds": nanoseconds, "bytes_per_vf": BYTES_PER_VF }).to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:38} {:>6} {:>9} {:>6}  nanoseconds a write, at best", "", "ratio", "must be", "raw")?;
        for Figure { name, ratio, raw, nanoseconds } in &self.figures {
            let raw = raw.map_or_else(String::new, |raw| format!("{raw:.2}"));
            let nanoseconds: Vec<String> = nanoseconds.iter().map(|time| format!("{time:.1}")).collect();
            let bound = Bound::of(name).map_or_else(String::new, |bound| bound.to_string());
            writeln!(f, "{name:38} {ratio:>6.2} {bound:>9} {raw:>6}  {}", nanoseconds.join(" "))?;
        }
        write!(f, "{:38} {BYTES_PER_VF:>6}", "bytes_per_vf")
    }
}

fn column(contender: Contender, pattern: Pattern) -> Column {
    Box::new(move || alone(&contender, pattern))
}

/// One of each, and many; of ours and of the limit.
fn growth(served: &impl Fn(fn(Size) -> Contender, Size) -> Column, many: Size) -> Vec<Column> {
    vec![served(ours, ONE), served(ours, many), served(limit, ONE), served(limit, many)]
}

/// Lets criterion take samples. In each the columns are measured in turn, several times; a sample is what the quietest turn
/// relates: all its times have met the same clock, and the same neighbours of the processor's core, which are fewest then.
fn measure(criterion: &mut Criterion<Ratio>, name: &'static str, columns: &[Column]) -> Figure {
    let samples = RefCell::new(Vec::new());
    sample(criterion, name, |rounds| {
        let turns = (0..rounds).map(|_| columns.iter().map(|column| column()).collect::<Vec<f64>>());
        let takes = |turn: &Vec<f64>| turn.iter().sum::<f64>();
        let quietest = turns.min_by(|one, other| takes(one).total_cmp(&takes(other))).unwrap_or_default();
        let ratio = related(&quietest);
        samples.borrow_mut().push(quietest);
        ratio
    });
    let samples = samples.into_inner();
    let nanoseconds = (0..columns.len())
        .map(|column| samples.iter().map(|sample| sample[column]).fold(f64::INFINITY, f64::min))
        .collect();
    Figure {
        name,
        ratio: median(samples.iter().map(|sample| related(sample)).collect()),
        raw: (columns.len() == 4)
            .then(|| median(samples.iter().map(|sample| sample[1] / sample[0]).collect())),
        nanoseconds,
    }
}

/// Lets criterion take samples of what two threads write over what one writes, of all contenders in the same rounds.
fn two_vfs(criterion: &mut Criterion<Ratio>) -> Vec<Figure> {
    const NAMES: [&str; 3] = [
        "two_vfs_over_one_thread",
        "two_vfs_over_one_thread_of_the_limit",
        "two_vfs_over_one_thread_of_hashmap",
    ];
    let contenders = [ours, limit, one_lock].map(|make| make(pair::SIZE));
    let samples = RefCell::new(vec![Vec::new(); NAMES.len()]);
    sample(criterion, NAMES[0], |number| {
        let rounds = pair::rounds(&contenders, number);
        let ratio = median(rounds[0].iter().copied().map(Round::ratio).collect());
        for (samples, rounds) in samples.borrow_mut().iter_mut().zip(rounds) {
            samples.extend(rounds);
        }
        ratio
    });
    NAMES.iter().zip(samples.into_inner()).map(|(name, rounds)| of_rounds(name, &rounds)).collect()
}

/// Lets criterion take samples of a ratio; `take` gives one out of so many rounds.
fn sample(criterion: &mut Criterion<Ratio>, name: &'static str, take: impl Fn(u64) -> f64) {
    let mut group = criterion.benchmark_group("ratios");
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(name, |bencher| bencher.iter_custom(|rounds| take(rounds) * rounds as f64));
    group.finish();
}

fn of_rounds(name: &'static str, rounds: &[Round]) -> Figure {
    let nanoseconds = rounds.iter().map(|round| round.nanoseconds());
    let best = nanoseconds.reduce(|best, round| [best[0].min(round[0]), best[1].min(round[1])]);
    Figure {
        name,
        ratio: median(rounds.iter().copied().map(Round::ratio).collect()),
        raw: None,
        nanoseconds: best.unwrap_or([f64::NAN; 2]).to_vec(),
    }
}

/// The first over the second; or how the first grew to the second, relative to how the third grew to the fourth.
fn related(columns: &[f64]) -> f64 {
    match columns {
        [one, many, limit_one, limit_many] => (many / one) / (limit_many / limit_one),
        [one, other, ..] => one / other,
        [] | [_] => f64::NAN,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
