//! Who changed what: the operator's changes, the last ones kept.
//!
//! Every change that a program asks for is recorded with the process that asked, also when it was refused. Zeroed memory
//! is an empty log.

/// One change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Change {
    /// When, in units of 100 ns.
    pub time: u64,
    /// The number of the change, from 1; wraps. Given by the log.
    pub number: u32,
    /// The process that asked.
    pub process: u32,
    /// The code of the request.
    pub code: u32,
    /// How it ended, an NTSTATUS.
    pub status: u32,
    /// What it was about: the decision, or the block, or the lower half of the mask.
    pub argument: u32,
    /// What else: the length, the permission, or the upper half of the mask.
    pub detail: u32,
    /// The VF; 65,535 for all of them.
    pub vf: u16,
}

/// The last changes; the host guards it with a lock.
///
/// ```
/// use backchannel::{Change, ChangeLog};
/// let mut log = ChangeLog::new();
/// assert_eq!(log.read(0), None);
/// log.record(Change { process: 7, ..Change::default() });
/// log.record(Change { process: 8, ..Change::default() });
/// assert_eq!(log.read(1).map(|change| (change.number, change.process)), Some((1, 7)));
/// ```
#[derive(Clone, Debug)]
#[repr(C)]
pub struct ChangeLog {
    changes: [Change; PLACES],
    recorded: u32,
}

impl Default for ChangeLog {
    fn default() -> Self {
        Self::new()
    }
}

impl ChangeLog {
    /// Nothing was changed.
    #[must_use]
    pub const fn new() -> Self {
        const NONE: Change =
            Change { time: 0, number: 0, process: 0, code: 0, status: 0, argument: 0, detail: 0, vf: 0 };
        Self { changes: [NONE; PLACES], recorded: 0 }
    }

    /// Records a change in the place of the oldest.
    pub fn record(&mut self, change: Change) {
        self.recorded = self.recorded.wrapping_add(1);
        if let Some(place) = place(self.recorded).and_then(|place| self.changes.get_mut(place)) {
            *place = Change { number: self.recorded, ..change };
        }
    }

    /// Reads the change that was made `back` changes ago, 0 for the last; `None` if it is not kept or there was none.
    #[must_use]
    pub fn read(&self, back: u32) -> Option<Change> {
        let number = self.recorded.wrapping_sub(back);
        let change = *self.changes.get(place(number)?)?;
        (change.number == number && number != 0).then_some(change)
    }
}

fn place(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_rem(PLACES)
}

/// How many changes are kept.
const PLACES: usize = 32;

#[cfg(test)]
mod tests {
    use super::{Change, ChangeLog, PLACES};

    fn by(process: u32) -> Change {
        Change { process, ..Change::default() }
    }

    #[test]
    fn last_changes_are_kept_and_older_ones_are_not() {
        let mut log = ChangeLog::new();
        for process in 1..=40 {
            log.record(by(process));
        }
        let kept: Vec<_> = (0..40).map_while(|back| log.read(back)).map(|change| change.process).collect();
        assert_eq!(kept, (9..=40).rev().collect::<Vec<_>>());
        assert_eq!(kept.len(), PLACES);
    }

    #[test]
    fn empty_log_has_no_change_however_far_back() {
        let log = ChangeLog::new();
        assert_eq!([0, 1, 31, 32, u32::MAX].map(|back| log.read(back)), [None; 5]);
    }
}
