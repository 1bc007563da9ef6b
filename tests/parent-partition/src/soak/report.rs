//! What a soak came to.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::ledger::Disagreements;
use crate::supervisor::Verdict;

/// A line that the judged process prints: while it soaks, and at the end.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// The counts, by name.
    pub counts: Map<String, Value>,
    /// What the ledger found; absent before the end.
    pub disagreements: Option<Disagreements>,
    /// Invalidations that were never brought, and those that were brought unasked.
    pub invalidations: [u64; 2],
    /// What the supervisor adds: whether a rule ended the run, and what it was started with.
    #[serde(default)]
    pub rules_broken: u64,
    /// See above.
    #[serde(default)]
    pub seed: u64,
}

impl Report {
    /// What the supervisor adds.
    pub fn judged_by(mut self, verdict: &Verdict, seed: u64) -> Self {
        self.seed = seed;
        match verdict {
            Verdict::Ended(_) => {}
            Verdict::Broken(_) => self.rules_broken = 1,
        }
        self
    }

    /// The report for programs.
    pub fn to_json(&self) -> Value {
        let ledger = self.disagreements.unwrap_or_default();
        let [unbrought, unasked] = self.invalidations;
        let mut report = self.counts.clone();
        let more = json!({
            "lost": ledger.lost,
            "duplicated": ledger.duplicated,
            "forged": ledger.forged,
            "reordered": ledger.reordered,
            "overlapped": ledger.overlapped,
            "outlived": ledger.outlived,
            "misdirected": ledger.misdirected,
            "invalidations_lost": unbrought,
            "invalidations_duplicated": unasked,
            "rules_broken": self.rules_broken,
            "finished": self.disagreements.is_some(),
            "seed": self.seed,
        });
        report.extend(more.as_object().cloned().unwrap_or_default());
        Value::Object(report)
    }

    /// One line about how far it is.
    pub fn progress(&self) -> String {
        let shown = SHOWN.map(|name| format!("{} {name}", self.count(name)));
        shown.join(", ")
    }

    /// 0 when the ledger agrees, nothing unexpected was answered, and of each kind of event that matters more than `least`
    /// happened.
    pub fn exit_code(&self, least: u64) -> u8 {
        let Some(ledger) = self.disagreements else {
            return if self.rules_broken != 0 { RULE_BROKEN } else { FAILED };
        };
        if self.rules_broken != 0 {
            return RULE_BROKEN;
        }
        if !ledger.is_none() || self.invalidations != [0, 0] || self.count("unexpected") != 0 {
            eprintln!("the ledger does not agree");
            return FAILED;
        }
        let scarce = self.scarce(least);
        if scarce.is_empty() {
            return 0;
        }
        eprintln!("it proves nothing: no more than {least} of {}", scarce.join(", "));
        PROVES_NOTHING
    }

    /// What has not happened more often than `least`, of all that must.
    pub fn scarce(&self, least: u64) -> Vec<&'static str> {
        MATTER.into_iter().filter(|name| self.count(name) <= least).collect()
    }

    fn count(&self, name: &str) -> u64 {
        self.counts.get(name).and_then(Value::as_u64).unwrap_or(0)
    }
}

/// What must have happened often enough.
const MATTER: [&str; 3] = ["resets_in_flight", "cancelled", "replaced"];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.to_json().as_object().into_iter().flatten() {
            writeln!(f, "{value:>10}  {}", name.replace('_', " "))?;
        }
        Ok(())
    }
}

const SHOWN: [&str; 6] = ["writes", "seen", "resets_in_flight", "rebalances", "cancelled", "replaced"];
const FAILED: u8 = 1;
const RULE_BROKEN: u8 = 3;
const PROVES_NOTHING: u8 = 5;
