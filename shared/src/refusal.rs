//! Why a call was refused, and the NTSTATUS that says so.
//!
//! One variant a cause, so that the PF side can always tell its operator *why*; the guest sees the status only.
//! The order of the variants is the order of the checks: the first that matches decides.

use crate::status::NtStatus;

/// Names the cause of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The PF is not started, is stopped or is removed.
    NotStarted,
    /// The VF was reset while the call was under way; what it did is dropped.
    Reset,
    /// The buffer is NULL.
    NullBuffer,
    /// The VF index is not below the number of enabled VFs.
    NoSuchVf,
    /// The length is 0 or above 128.
    Length,
    /// The VF is in D3.
    VfOff,
    /// The VF is isolated by policy.
    Isolated,
    /// No handler is registered for the block.
    UnknownBlock,
    /// The handler of the block is being unregistered.
    Draining,
    /// The handler of the block has not returned from an earlier call within its time budget.
    Stuck,
    /// The block cannot be accessed in this direction.
    Direction,
    /// The VF is over the rate of the block's class.
    Rate,
    /// The length of the write is not one that the schema allows.
    WriteLength,
    /// The read is shorter than the block.
    ReadTooShort,
    /// Nobody registered the block, and the VF uses all the room that there is for such blocks.
    StoreFull,
    /// Eight calls of the VF are waiting already.
    Crowded,
    /// The time budget ran out while the call waited.
    TimedOut,
    /// The handler answered with something that is no answer; it is to blame.
    HandlerAnswer,
    /// The handler refused with an error of its own.
    Handler(NtStatus),
}

impl Refusal {
    /// How many causes there are; indexes of [`Refusal::index`] are below it.
    pub const COUNT: usize = 19;

    /// Gives the status that the guest is told.
    ///
    /// ```
    /// use backchannel::{NtStatus, Refusal};
    /// assert_eq!(Refusal::Length.status(), NtStatus::INVALID_PARAMETER);
    /// assert_eq!(Refusal::Handler(NtStatus::REVISION_MISMATCH).status(), NtStatus::REVISION_MISMATCH);
    /// ```
    pub const fn status(self) -> NtStatus {
        match self {
            Self::NotStarted | Self::Reset | Self::Draining | Self::Stuck => NtStatus::DEVICE_NOT_READY,
            // SPEC: abi 6.18: for a bad VfIndex the DDI samples use INVALID_PARAMETER in one place and INVALID_DEVICE_REQUEST in
            // another; the former wins.
            Self::NullBuffer | Self::NoSuchVf | Self::Length | Self::UnknownBlock => {
                NtStatus::INVALID_PARAMETER
            }
            Self::VfOff => NtStatus::INVALID_DEVICE_STATE,
            Self::Isolated => NtStatus::ACCESS_DENIED,
            Self::Direction => NtStatus::NOT_SUPPORTED,
            Self::Rate | Self::StoreFull => NtStatus::QUOTA_EXCEEDED,
            Self::WriteLength => NtStatus::INVALID_BUFFER_SIZE,
            Self::ReadTooShort => NtStatus::BUFFER_TOO_SMALL,
            Self::Crowded | Self::TimedOut => NtStatus::IO_TIMEOUT,
            Self::HandlerAnswer => NtStatus::INTERNAL_ERROR,
            Self::Handler(status) => status,
        }
    }

    /// Gives the place of the cause in a table of counters.
    #[must_use]
    pub const fn index(self) -> u8 {
        match self {
            Self::NotStarted => 0,
            Self::Reset => 1,
            Self::NullBuffer => 2,
            Self::NoSuchVf => 3,
            Self::Length => 4,
            Self::VfOff => 5,
            Self::Isolated => 6,
            Self::UnknownBlock => 7,
            Self::Draining => 8,
            Self::Stuck => 9,
            Self::Direction => 10,
            Self::Rate => 11,
            Self::WriteLength => 12,
            Self::ReadTooShort => 13,
            Self::StoreFull => 14,
            Self::Crowded => 15,
            Self::TimedOut => 16,
            Self::HandlerAnswer => 17,
            Self::Handler(_) => 18,
        }
    }

    /// Says whether the guest brought the refusal about by what it sent.
    ///
    /// Only such refusals count as evidence against a VF: an error that the PF side causes must never lead to a
    /// quarantine.
    #[must_use]
    pub const fn is_guest_fault(self) -> bool {
        matches!(
            self,
            Self::Length
                | Self::UnknownBlock
                | Self::Direction
                | Self::Rate
                | Self::WriteLength
                | Self::ReadTooShort
                | Self::StoreFull
        )
    }
}

#[cfg(test)]
pub(crate) const EVERY_REFUSAL: [Refusal; Refusal::COUNT] = [
    Refusal::NotStarted,
    Refusal::Reset,
    Refusal::NullBuffer,
    Refusal::NoSuchVf,
    Refusal::Length,
    Refusal::VfOff,
    Refusal::Isolated,
    Refusal::UnknownBlock,
    Refusal::Draining,
    Refusal::Stuck,
    Refusal::Direction,
    Refusal::Rate,
    Refusal::WriteLength,
    Refusal::ReadTooShort,
    Refusal::StoreFull,
    Refusal::Crowded,
    Refusal::TimedOut,
    Refusal::HandlerAnswer,
    Refusal::Handler(NtStatus::UNSUCCESSFUL),
];

#[cfg(test)]
mod tests {
    use super::{EVERY_REFUSAL, Refusal};
    use crate::status::NtStatus;

    #[test]
    fn every_cause_has_its_own_counter() {
        for (place, refusal) in EVERY_REFUSAL.iter().enumerate() {
            assert_eq!(usize::from(refusal.index()), place, "{refusal:?}");
        }
    }

    #[test]
    fn every_cause_maps_to_the_status_of_the_contract() {
        let statuses: [u32; Refusal::COUNT] = [
            0xC000_00A3,
            0xC000_00A3,
            0xC000_000D,
            0xC000_000D,
            0xC000_000D,
            0xC000_0184,
            0xC000_0022,
            0xC000_000D,
            0xC000_00A3,
            0xC000_00A3,
            0xC000_00BB,
            0xC000_0044,
            0xC000_0206,
            0xC000_0023,
            0xC000_0044,
            0xC000_00B5,
            0xC000_00B5,
            0xC000_00E5,
            0xC000_0001,
        ];
        for (refusal, bits) in EVERY_REFUSAL.iter().zip(statuses) {
            assert_eq!(refusal.status().bits(), bits, "{refusal:?}");
        }
    }

    #[test]
    fn no_refusal_can_be_taken_for_success() {
        for refusal in EVERY_REFUSAL {
            assert!(refusal.status().is_error(), "{refusal:?}");
        }
    }

    #[test]
    fn an_error_that_the_handler_made_is_no_guest_fault() {
        assert!(!Refusal::Handler(NtStatus::UNSUCCESSFUL).is_guest_fault());
        assert!(!Refusal::HandlerAnswer.is_guest_fault());
        assert!(!Refusal::TimedOut.is_guest_fault());
    }
}
