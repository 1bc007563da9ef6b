//! Mitigated registers: pages of a VF's memory that a guest reaches through the PF's driver only.
//!
//! Some devices have registers on pages of a VF that a guest must not touch itself. Their IHV names ranges of pages; the
//! virtualization stack asks for them, places intercepts on them, and brings each access of a guest to such a page here.
//!
//! **Who is trusted.** Offset, length and bytes of an access are the guest's. An access that lies in no range that its
//! direction is intercepted in does not reach the IHV's code. The ranges are the IHV's: they are checked against the size
//! of the register whenever they are asked for, and wrong ones are answered with an error instead of being handed out.
//!
//! SPEC: the pages of `SRIOV_MITIGATED_RANGES_OUTPUT` do not say what a page number counts from. A PF's driver does not
//! know where a guest sees a register, so pages are counted from the register's beginning, as offsets of accesses are.

use core::fmt;

use crate::bar::BARS;
use crate::services::Services;
use crate::status::NtStatus;
use crate::vf::Vf;

/// Supplies the mitigated ranges of VFs, and carries out what guests do to the registers in them.
///
/// ```
/// use backchannel::{MitigatedRange, Mitigation, NtStatus, RegisterAccess, Vf};
///
/// /// The first page of register 0: reads are answered with ones, writes are dropped.
/// struct Doorbells;
///
/// impl Mitigation for Doorbells {
///     fn range(&self, _vf: Vf, bar: u8, number: u32) -> Option<MitigatedRange> {
///         (bar == 0 && number == 0).then_some(MitigatedRange { first_page: 0, pages: 1, reads: true, writes: true })
///     }
///
///     fn read(&self, _access: &RegisterAccess<'_>, out: &mut [u8]) -> Result<(), NtStatus> {
///         out.fill(0xFF);
///         Ok(())
///     }
///
///     fn write(&self, _access: &RegisterAccess<'_>, _data: &[u8]) -> Result<(), NtStatus> {
///         Ok(())
///     }
/// }
/// ```
pub trait Mitigation: Sync {
    /// Gives one range of a register of a VF, counted from 0; `None` for the number after the last.
    ///
    /// Ranges of a register are in ascending order, do not overlap, lie within the VF's share of the register, intercept
    /// something, and are [`MOST_RANGES`] at most. Called at any time, up to `DISPATCH_LEVEL`; does not wait.
    fn range(&self, vf: Vf, bar: u8, number: u32) -> Option<MitigatedRange>;

    /// Answers a read of 1 to 8 bytes, which are zero to begin with.
    ///
    /// Called at `PASSIVE_LEVEL` in the VF's gate, as handlers of blocks are: never while another call of the VF is inside.
    ///
    /// # Errors
    ///
    /// The error code that the virtualization stack is told.
    fn read(&self, access: &RegisterAccess<'_>, out: &mut [u8]) -> Result<(), NtStatus>;

    /// Takes a write of 1 to 8 bytes. Called as [`read`](Self::read) is.
    ///
    /// # Errors
    ///
    /// The error code that the virtualization stack is told.
    fn write(&self, access: &RegisterAccess<'_>, data: &[u8]) -> Result<(), NtStatus>;
}

/// Pages of a VF's register on which accesses are intercepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MitigatedRange {
    /// The first page, counted from the register's beginning; pages have 4096 bytes.
    pub first_page: u64,
    /// How many pages; not 0.
    pub pages: u32,
    /// Whether reads are intercepted.
    pub reads: bool,
    /// Whether writes are.
    pub writes: bool,
}

/// One access of a guest to a mitigated register.
pub struct RegisterAccess<'a> {
    pub(crate) vf: Vf,
    pub(crate) at: Register,
    pub(crate) services: &'a dyn Services,
}

/// Where a guest accesses a register, as it was told and not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Which register; 0 to 5 are ones.
    pub bar: u16,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// What an IHV supplies, and how large each register of a VF is.
#[derive(Clone, Copy)]
pub struct Mitigated<'a> {
    by: &'a dyn Mitigation,
    sizes: Option<[u64; BARS]>,
}

/// How many ranges a register can have.
pub const MOST_RANGES: u32 = 64;

/// Bytes of a page.
const PAGE: u64 = 4096;

/// The longest access, in bytes.
///
/// SPEC: `READ_WRITE_MITIGATED_REGISTER` of `pcivirt.h` annotates lengths of 1 to 8, and registers 0 to 5.
pub(crate) const LONGEST_ACCESS: usize = 8;

impl RegisterAccess<'_> {
    /// Gives the VF whose guest does it.
    #[must_use]
    pub const fn vf(&self) -> Vf {
        self.vf
    }

    /// Gives the register and the place in it; all bytes of the access lie in one range.
    #[must_use]
    pub const fn register(&self) -> Register {
        self.at
    }

    /// Has the virtualization stack ask for the VF's ranges again: they have changed.
    pub fn update_mitigated_ranges(&self) {
        self.services.update_mitigated_ranges(self.vf.index);
    }
}

impl<'a> Mitigated<'a> {
    /// Takes what the IHV supplies, and the size of each register of a VF in bytes, where 0 is no register; `None` while the
    /// hardware is not there: there are no ranges then, nor is it said that there are none.
    #[must_use]
    pub const fn new(by: &'a dyn Mitigation, sizes: Option<[u64; BARS]>) -> Self {
        Self { by, sizes }
    }

    /// Carries out a read that was [`check`](Self::check)ed.
    pub(crate) fn read(&self, access: &RegisterAccess<'_>, out: &mut [u8]) -> Result<(), NtStatus> {
        judged(self.by.read(access, out))
    }

    /// Carries out a write that was [`check`](Self::check)ed.
    pub(crate) fn write(&self, access: &RegisterAccess<'_>, data: &[u8]) -> Result<(), NtStatus> {
        judged(self.by.write(access, data))
    }

    /// Checks an access of `length` bytes; `intercepts` says whether its direction is intercepted in a range.
    pub(crate) fn check(
        &self,
        vf: Vf,
        at: Register,
        length: u32,
        intercepts: fn(&MitigatedRange) -> bool,
    ) -> Result<(), NtStatus> {
        let bar = u8::try_from(at.bar).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let last = u64::from(length).checked_sub(1).and_then(|more| at.offset.checked_add(more));
        let last = last.ok_or(NtStatus::INVALID_PARAMETER)?;
        let (first, last) = (page(at.offset), page(last));
        let mut is_in_one = false;
        self.each(vf, bar, &mut |range| {
            is_in_one |= intercepts(&range) && range.first_page <= first && last < range.end();
        })?;
        if is_in_one { Ok(()) } else { Err(NtStatus::INVALID_PARAMETER) }
    }

    /// Counts the ranges of a register.
    pub(crate) fn count(&self, vf: Vf, bar: u8) -> Result<u32, NtStatus> {
        let mut count = 0_u32;
        self.each(vf, bar, &mut |_| count = count.saturating_add(1)).map(|()| count)
    }

    /// Gives each range of a register to `act`.
    ///
    /// # Errors
    ///
    /// `STATUS_DEVICE_NOT_READY`: the hardware is not there. `STATUS_INVALID_PARAMETER`: there can be no such register.
    /// `STATUS_INTERNAL_ERROR`: a range is wrong.
    pub(crate) fn each(&self, vf: Vf, bar: u8, act: &mut dyn FnMut(MitigatedRange)) -> Result<(), NtStatus> {
        let sizes = self.sizes.ok_or(NtStatus::DEVICE_NOT_READY)?;
        let size = *sizes.get(usize::from(bar)).ok_or(NtStatus::INVALID_PARAMETER)?;
        let mut free = 0;
        for number in 0..=MOST_RANGES {
            let Some(range) = self.by.range(vf, bar, number) else { return Ok(()) };
            let is_empty = range.pages == 0 || !(range.reads || range.writes);
            let is_outside = range.first_page < free || range.end() > page(size);
            if number == MOST_RANGES || is_empty || is_outside {
                break;
            }
            free = range.end();
            act(range);
        }
        Err(NtStatus::INTERNAL_ERROR)
    }
}

impl MitigatedRange {
    /// The page after the last.
    fn end(&self) -> u64 {
        self.first_page.saturating_add(self.pages.into())
    }
}

const fn page(offset: u64) -> u64 {
    offset / PAGE
}

/// Only success and errors are answers.
fn judged(answer: Result<(), NtStatus>) -> Result<(), NtStatus> {
    answer.map_err(|status| if status.is_error() { status } else { NtStatus::INTERNAL_ERROR })
}

impl fmt::Debug for RegisterAccess<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterAccess").field("vf", &self.vf).field("at", &self.at).finish_non_exhaustive()
    }
}

impl fmt::Debug for Mitigated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mitigated").field("sizes", &self.sizes).finish_non_exhaustive()
    }
}
