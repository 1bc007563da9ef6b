//! NTSTATUS values, as far as the backchannel speaks them.

use core::fmt;

/// Holds one NTSTATUS.
///
/// The named constants are the ones that the engine answers with; a handler may return any error code of its own.
/// Source: `ntstatus.h`.
///
/// ```
/// use backchannel::NtStatus;
/// assert!(NtStatus::SUCCESS.is_success());
/// assert!(NtStatus::INVALID_PARAMETER.is_error());
/// assert!(!NtStatus::PENDING.is_error(), "an informational code is not an error");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
#[must_use = "a dropped status hides a refusal"]
pub struct NtStatus(u32);

impl NtStatus {
    /// The operation was carried out.
    pub const SUCCESS: Self = Self(0);
    /// The operation is under way and completes later.
    pub const PENDING: Self = Self(0x0000_0103);
    /// No cause is known.
    pub const UNSUCCESSFUL: Self = Self(0xC000_0001);
    /// A parameter is outside its range.
    pub const INVALID_PARAMETER: Self = Self(0xC000_000D);
    /// The request is not valid for this device.
    pub const INVALID_DEVICE_REQUEST: Self = Self(0xC000_0010);
    /// The caller may not do this.
    pub const ACCESS_DENIED: Self = Self(0xC000_0022);
    /// The buffer is too small for the content.
    pub const BUFFER_TOO_SMALL: Self = Self(0xC000_0023);
    /// Somebody else holds the object.
    pub const SHARING_VIOLATION: Self = Self(0xC000_0043);
    /// The quota is used up.
    pub const QUOTA_EXCEEDED: Self = Self(0xC000_0044);
    /// The two sides speak different revisions.
    pub const REVISION_MISMATCH: Self = Self(0xC000_0059);
    /// There is not enough memory or another resource.
    pub const INSUFFICIENT_RESOURCES: Self = Self(0xC000_009A);
    /// The device does not serve at the moment.
    pub const DEVICE_NOT_READY: Self = Self(0xC000_00A3);
    /// The time for the operation ran out.
    pub const IO_TIMEOUT: Self = Self(0xC000_00B5);
    /// The operation is not supported.
    pub const NOT_SUPPORTED: Self = Self(0xC000_00BB);
    /// The PF side itself broke a rule.
    pub const INTERNAL_ERROR: Self = Self(0xC000_00E5);
    /// The request was cancelled.
    pub const CANCELLED: Self = Self(0xC000_0120);
    /// The device is in a state that does not allow this.
    pub const INVALID_DEVICE_STATE: Self = Self(0xC000_0184);
    /// The length is not one that the block has.
    pub const INVALID_BUFFER_SIZE: Self = Self(0xC000_0206);

    /// Takes the value as it crosses the C boundary.
    pub const fn from_raw(value: i32) -> Self {
        Self(value.cast_unsigned())
    }

    /// Gives the value as it crosses the C boundary.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0.cast_signed()
    }

    /// Gives the bits, as documentation and debuggers print them.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Says whether this is exactly `STATUS_SUCCESS`.
    ///
    /// SPEC: a Linux guest takes every other value for failure, informational and warning codes included, so they do
    /// not count as success here.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }

    /// Says whether the severity is `error`.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >> 30 == 0b11
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::NtStatus;

    #[test]
    fn status_is_shown_as_documentation_writes_it() {
        assert_eq!(std::format!("{:?}", NtStatus::IO_TIMEOUT), "0xC00000B5");
    }

    #[test]
    fn raw_values_survive_the_round_trip_through_the_c_type() {
        for status in [NtStatus::SUCCESS, NtStatus::PENDING, NtStatus::INVALID_BUFFER_SIZE] {
            assert_eq!(NtStatus::from_raw(status.raw()), status);
        }
        assert_eq!(NtStatus::INVALID_PARAMETER.raw(), -0x3FFF_FFF3);
    }

    #[test]
    fn warnings_and_informational_codes_are_neither_success_nor_error() {
        for bits in [0x0000_0103_u32, 0x4000_0000, 0x8000_0005] {
            let status = NtStatus::from_raw(bits.cast_signed());
            assert!(!status.is_success() && !status.is_error(), "{status:?}");
        }
    }
}
