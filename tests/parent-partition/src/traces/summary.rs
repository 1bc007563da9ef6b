//! Counts of a check, a tier at a time.

use std::fmt;

use super::check::Checked;
use super::recorded::Tier;

/// What came of the scenarios of both tiers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary([Count; 2]);

/// What came of the scenarios of one tier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Count {
    /// The tier.
    pub tier: Tier,
    /// How many there are.
    pub scenarios: usize,
    /// How many are equal to their last line.
    pub equal: usize,
    /// How many a rule ended where the recording has a finding.
    pub judged: usize,
    /// How many are refused by name.
    pub refused: usize,
    /// How many differ.
    pub different: usize,
    /// How many recorded lines there are.
    pub lines: usize,
    /// How many of them are reproduced.
    pub equal_lines: usize,
    /// How many come after a finding where a rule ended the run.
    pub after_findings: usize,
}

impl Summary {
    /// Counts.
    #[must_use]
    pub fn of(checked: &[Checked]) -> Self {
        Self([Tier::Core, Tier::Wide].map(|tier| {
            let of_tier = || checked.iter().filter(move |one| one.scenario.tier == tier);
            let named = |name: &'static str| of_tier().filter(|one| one.outcome.name() == name).count();
            Count {
                tier,
                scenarios: of_tier().count(),
                equal: named("equal"),
                judged: named("judged"),
                refused: named("refused"),
                different: named("different"),
                lines: of_tier().map(|one| one.lines).sum(),
                equal_lines: of_tier().map(Checked::equal_lines).sum(),
                after_findings: of_tier().map(Checked::lines_after_finding).sum(),
            }
        }))
    }

    /// The tiers, core first.
    #[must_use]
    pub fn counts(&self) -> &[Count] {
        &self.0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "tier  scenarios  equal  judged  refused  different  lines  equal  after a finding")?;
        self.0.iter().try_for_each(|count| {
            let Count { tier, scenarios, equal, judged, refused, different, .. } = count;
            let Count { lines, equal_lines, after_findings, .. } = count;
            write!(f, "{tier:4}  {scenarios:9}  {equal:5}  {judged:6}  {refused:7}  {different:9}")?;
            writeln!(f, "  {lines:5}  {equal_lines:5}  {after_findings:15}")
        })
    }
}
