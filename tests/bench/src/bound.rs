//! What the ratios must be.

use std::fmt;

/// The least or the most that a ratio may be.
#[derive(Clone, Copy)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// Above this.
    Above(f64),
}

const BOUNDS: [(&str, Bound); 7] = [
    ("write_over_limit", Bound::AtMost(1.5)),
    ("hashmap_over_ours", Bound::Above(1.0)),
    ("dashmap_over_ours", Bound::Above(1.0)),
    (TWO_VFS, Bound::AtLeast(1.9)),
    ("refusal_over_served", Bound::AtMost(1.0)),
    ("handlers_64_over_1", Bound::AtMost(1.15)),
    ("vfs_1024_over_1", Bound::AtMost(1.15)),
];

const TWO_VFS: &str = "two_vfs_over_one_thread";
/// What a machine reaches whose two processors are not two: 0.95 of it will do.
const TWO_VFS_OF_THE_LIMIT: &str = "two_vfs_over_one_thread_of_the_limit";

impl Bound {
    /// Gives the bound of a ratio, if it has one.
    pub fn of(name: &str) -> Option<Self> {
        BOUNDS.iter().find(|(bounded, _)| *bounded == name).map(|(_, bound)| *bound)
    }

    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
            Self::Above(less) => ratio > less,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {least:.2}"),
            Self::AtMost(most) => write!(f, "<= {most:.2}"),
            Self::Above(less) => write!(f, "> {less:.2}"),
        }
    }
}

/// Names the ratios that are not what they must be; one that was not measured is not.
pub fn broken(ratio: impl Fn(&str) -> Option<f64>) -> Vec<String> {
    let bound_here = |name: &str, bound: Bound| match (name, bound, ratio(TWO_VFS_OF_THE_LIMIT)) {
        (TWO_VFS, Bound::AtLeast(least), Some(limit)) => Bound::AtLeast(least.min(0.95 * limit)),
        _ => bound,
    };
    BOUNDS
        .iter()
        .map(|(name, bound)| (name, bound_here(name, *bound), ratio(name).unwrap_or(f64::NAN)))
        .filter(|(_, bound, ratio)| !bound.holds(*ratio))
        .map(|(name, bound, ratio)| format!("{name} is {ratio:.2}, must be {bound}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::broken;

    fn ratios(name: &str) -> Option<f64> {
        match name {
            "write_over_limit" | "two_vfs_over_one_thread_of_the_limit" => Some(1.4),
            "two_vfs_over_one_thread" => Some(1.35),
            "hashmap_over_ours" | "dashmap_over_ours" => Some(1.01),
            "refusal_over_served" => Some(0.5),
            "handlers_64_over_1" | "vfs_1024_over_1" => Some(1.15),
            _ => None,
        }
    }

    #[test]
    fn ratios_within_their_bounds_are_not_broken() {
        assert_eq!(broken(ratios), Vec::<String>::new());
    }

    #[test]
    fn each_ratio_beyond_its_bound_is_named_and_so_is_one_that_is_missing() {
        for (name, wrong) in [
            ("write_over_limit", Some(1.51)),
            ("hashmap_over_ours", Some(1.0)),
            ("dashmap_over_ours", Some(0.99)),
            ("two_vfs_over_one_thread", Some(1.3)),
            ("refusal_over_served", Some(1.01)),
            ("handlers_64_over_1", Some(1.16)),
            ("vfs_1024_over_1", None),
        ] {
            let broken = broken(|asked| if asked == name { wrong } else { ratios(asked) });
            assert!(broken.len() == 1 && broken[0].starts_with(name), "{broken:?}");
        }
    }
}
