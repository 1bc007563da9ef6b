//! Who a VF is: its index, its present life, its state, and what happens to it.

/// Names one VF, counted from zero, below the number of enabled VFs.
///
/// SPEC: `pcivirt.h` and the DDI pages count VFs from zero; the PCI Express specification counts from one. The added
/// one belongs to the computation of a routing id and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct VfIndex(u16);

impl VfIndex {
    /// Gives the number.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }
}

/// Holds how many VFs are enabled (`NumVFs`).
///
/// SPEC: 0xFFFF stands for all VFs in an invalidation, so it is never an index and at most 65,535 VFs can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct VfCount(u16);

impl VfCount {
    /// Takes `NumVFs`.
    #[must_use]
    pub const fn new(count: u16) -> Self {
        Self(count)
    }

    /// Gives the number.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Checks an index that came from outside: the only way to a [`VfIndex`].
    ///
    /// ```
    /// use backchannel::VfCount;
    /// let count = VfCount::new(4);
    /// assert!(count.index(3).is_some());
    /// assert!(count.index(4).is_none());
    /// assert!(VfCount::new(u16::MAX).index(0xFFFF).is_none());
    /// ```
    #[must_use]
    pub const fn index(self, index: u16) -> Option<VfIndex> {
        if index < self.0 { Some(VfIndex(index)) } else { None }
    }

    /// Gives every index below the count, in order.
    pub fn indexes(self) -> impl Iterator<Item = VfIndex> {
        (0..self.0).map(VfIndex)
    }
}

/// Names one life of a VF: each reset begins the next.
///
/// The virtualization stack says nothing about the VM behind a VF; a reset is the only sign that it changes hands. An
/// answer that belongs to an earlier generation is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Generation(u32);

impl Generation {
    pub(crate) const fn new(value: u32) -> Self {
        Self(value)
    }

    /// Gives the number, for display.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// Names one VF in one life: the identity on every call, event and answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vf {
    /// Which VF.
    pub index: VfIndex,
    /// Which of its lives.
    pub generation: Generation,
}

/// The state of a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VfState {
    /// The PF does not offer it: virtualization is not enabled.
    Absent,
    /// It is served (D0).
    Enabled,
    /// The virtualization stack put it into a power state below D0.
    Off,
}

impl VfState {
    /// Zero is `Absent`, so that a VF made of zeroed memory is refused.
    pub(crate) const fn to_bits(self) -> u32 {
        match self {
            Self::Absent => 0,
            Self::Enabled => 1,
            Self::Off => 2,
        }
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        match bits {
            1 => Self::Enabled,
            2 => Self::Off,
            _ => Self::Absent,
        }
    }
}

/// The power states that the virtualization stack sets (`DEVICE_POWER_STATE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VfPowerState {
    /// Fully on.
    D0,
    /// Light sleep.
    D1,
    /// Deeper sleep.
    D2,
    /// Off.
    D3,
}

impl VfPowerState {
    /// Checks the number as it crosses the C boundary: 1 to 4 are D0 to D3, nothing else is a power state.
    #[must_use]
    pub const fn from_raw(state: i32) -> Option<Self> {
        match state {
            1 => Some(Self::D0),
            2 => Some(Self::D1),
            3 => Some(Self::D2),
            4 => Some(Self::D3),
            _ => None,
        }
    }
}

/// What a handler is told about a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VfEvent {
    /// The VF is served from now on.
    Enabled,
    /// The VF begins a new life: forget everything that it sent.
    Reset,
    /// The VF went to another power state.
    PowerChanged,
    /// The VF was isolated by policy.
    Quarantined,
    /// The VF is no longer served.
    Disabled,
}

impl VfEvent {
    /// In the order in which a handler hears of events that came together.
    pub(crate) const IN_ORDER: [Self; 5] =
        [Self::Disabled, Self::Reset, Self::Enabled, Self::PowerChanged, Self::Quarantined];

    /// Gives the number that stands for the event in a flight recorder.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Disabled => 0,
            Self::Reset => 1,
            Self::Enabled => 2,
            Self::PowerChanged => 3,
            Self::Quarantined => 4,
        }
    }

    pub(crate) const fn bit(self) -> u32 {
        match self {
            Self::Disabled => 1,
            Self::Reset => 2,
            Self::Enabled => 4,
            Self::PowerChanged => 8,
            Self::Quarantined => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{VfCount, VfPowerState, VfState};

    #[test]
    fn index_must_be_below_the_count() {
        let count = VfCount::new(2);
        assert_eq!(count.index(1).map(super::VfIndex::value), Some(1));
        assert_eq!(count.index(2), None);
        assert_eq!(count.index(0xFFFF), None);
        assert_eq!(VfCount::new(0).index(0), None);
        assert_eq!(count.indexes().count(), 2);
    }

    #[test]
    fn state_of_zeroed_memory_is_absent() {
        assert_eq!(VfState::from_bits(0), VfState::Absent);
        for state in [VfState::Absent, VfState::Enabled, VfState::Off] {
            assert_eq!(VfState::from_bits(state.to_bits()), state);
        }
    }

    #[test]
    fn power_states_outside_d0_to_d3_are_refused() {
        assert_eq!(VfPowerState::from_raw(0), None);
        assert_eq!(VfPowerState::from_raw(1), Some(VfPowerState::D0));
        assert_eq!(VfPowerState::from_raw(4), Some(VfPowerState::D3));
        assert_eq!(VfPowerState::from_raw(5), None);
        assert_eq!(VfPowerState::from_raw(-1), None);
    }
}
