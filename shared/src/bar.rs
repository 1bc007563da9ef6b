//! Base address registers of VFs, and each VF's share of the memory behind them.
//!
//! The SR-IOV capability has one register for all VFs: the memory behind it is a window that holds the VFs' shares one
//! after the other. Where the windows lie is among the PF's resources: after the memory of its own registers, in the
//! order of the VF registers.
//!
//! ```text
//!   translated resources:  PF BAR 0 | ... | window of VF BAR 0 | window of VF BAR 4
//!                                          |VF 0|VF 1|VF 2| ...
//! ```

use heapless::Vec;

use crate::halves::join;

/// How many base address registers a function has.
pub const BARS: usize = 6;

/// A range of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryRange {
    /// Its first address.
    pub start: u64,
    /// Its length in bytes.
    pub length: u64,
    /// What the host knows of it besides; a share of a window has its window's.
    pub flags: u16,
}

/// The registers of VFs as read after ones were written to them.
///
/// ```
/// use backchannel::ProbedBars;
/// let bars = ProbedBars::new([0xFFFF_C00C, 0xFFFF_FFFF, 0, 0, 0xFFFF_F000, 0]);
/// assert_eq!(bars.sizes(), [0x4000, 0, 0, 0, 0x1000, 0], "the first is 64 bits wide");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbedBars([u32; BARS]);

/// The registers of VFs, and where their windows lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VfWindows {
    bars: ProbedBars,
    /// Of each register's window; 0 where the register is not implemented.
    starts: [u64; BARS],
    flags: [u16; BARS],
}

/// The memory ranges do not hold the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWindow;

impl ProbedBars {
    /// Takes the registers as the bus driver gives them.
    #[must_use]
    pub const fn new(values: [u32; BARS]) -> Self {
        Self(values)
    }

    /// Gives the registers back as they were taken.
    #[must_use]
    pub const fn values(&self) -> [u32; BARS] {
        self.0
    }

    /// Gives the size that each VF has of each register: 0 where one is not implemented, or the upper half of another.
    #[inline]
    #[must_use]
    pub fn sizes(&self) -> [u64; BARS] {
        let mut sizes = [0; BARS];
        let mut places = sizes.iter_mut();
        let mut registers = self.0.into_iter();
        while let (Some(place), Some(low)) = (places.next(), registers.next()) {
            let mut high = u32::MAX;
            if low & KIND == WIDE {
                high = registers.next().unwrap_or(0);
                let _upper_half = places.next();
            } else if low & ADDRESS == 0 {
                continue;
            }
            // SR-IOV: the registers of VFs are for memory only.
            if low & IN_PORT_SPACE == 0 {
                let mask = join(low & ADDRESS, high);
                *place = mask & mask.wrapping_neg();
            }
        }
        sizes
    }
}

impl MemoryRange {
    /// Says whether this is a whole number of shares, enough for all VFs.
    fn holds(&self, share: u64, vfs: u16) -> bool {
        share.checked_mul(u64::from(vfs)).is_some_and(|needed| needed <= self.length)
            && self.length.checked_rem(share) == Some(0)
    }
}

impl VfWindows {
    /// Finds the windows of `vfs` VFs in a PF's memory ranges: the last ones, in the order of the registers.
    ///
    /// # Errors
    ///
    /// There are fewer ranges than registers, or one of them is no whole number of shares, or too small for so many VFs.
    #[inline]
    pub fn find(bars: ProbedBars, ranges: &[MemoryRange], vfs: u16) -> Result<Self, NoWindow> {
        let sizes = bars.sizes();
        let implemented = sizes.iter().filter(|size| **size != 0).count();
        let mut rest = ranges.get(ranges.len().checked_sub(implemented).ok_or(NoWindow)?..).unwrap_or(&[]);
        let mut found = Self { bars, ..Self::default() };
        for (bar, size) in sizes.into_iter().enumerate() {
            if size == 0 {
                continue;
            }
            let (window, after) = rest.split_first().ok_or(NoWindow)?;
            if !window.holds(size, vfs) {
                return Err(NoWindow);
            }
            found.place(bar, window);
            rest = after;
        }
        Ok(found)
    }

    fn place(&mut self, bar: usize, window: &MemoryRange) {
        if let (Some(start), Some(flags)) = (self.starts.get_mut(bar), self.flags.get_mut(bar)) {
            (*start, *flags) = (window.start, window.flags);
        }
    }

    /// Gives the registers.
    #[must_use]
    pub const fn bars(&self) -> ProbedBars {
        self.bars
    }

    /// Gives a VF's share of a register's window.
    ///
    /// SPEC: the published sample divides the window by the number of VFs in use; the shares lie as far apart as the
    /// register says, however many VFs are in use.
    #[inline]
    #[must_use]
    pub fn share(&self, vf: u16, bar: usize) -> Option<MemoryRange> {
        let length = *self.bars.sizes().get(bar).filter(|size| **size != 0)?;
        let start = self.starts.get(bar)?.checked_add(length.checked_mul(u64::from(vf))?)?;
        Some(MemoryRange { start, length, flags: *self.flags.get(bar)? })
    }
}

/// Collects memory ranges: a PF has at most its own registers, an expansion ROM and the windows.
pub type MemoryRanges = Vec<MemoryRange, 13>;

const IN_PORT_SPACE: u32 = 1;
const ADDRESS: u32 = !0xF;
const KIND: u32 = 0b111;
const WIDE: u32 = 0b100;

#[cfg(test)]
mod tests {
    use super::{MemoryRange, NoWindow, ProbedBars, VfWindows};

    #[test]
    fn registers_come_back_as_the_bus_driver_gave_them() {
        assert_eq!(ProbedBars::new(TWO).values(), TWO);
    }

    const TWO: [u32; 6] = [0xFFFF_C00C, 0xFFFF_FFFF, 0, 0, 0xFFFF_F000, 0];

    fn range(start: u64, length: u64) -> MemoryRange {
        MemoryRange { start, length, flags: 4 }
    }

    #[test]
    fn registers_that_are_not_implemented_or_for_ports_have_no_size() {
        let bars = ProbedBars::new([0, 0xFFFF_FFE1, 0xFFFF_0000, 0, 0, 0]);
        assert_eq!(bars.sizes(), [0, 0, 0x1_0000, 0, 0, 0]);
    }

    #[test]
    fn a_wide_register_can_be_larger_than_4_gib() {
        let bars = ProbedBars::new([0x0000_000C, 0xFFFF_FFFE, 0, 0, 0, 0]);
        assert_eq!(bars.sizes(), [0x2_0000_0000, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_wide_register_in_the_last_place_has_no_upper_half() {
        let bars = ProbedBars::new([0, 0, 0, 0, 0, 0xFFFF_C00C]);
        assert_eq!(bars.sizes(), [0, 0, 0, 0, 0, 0x4000]);
    }

    #[test]
    fn windows_are_the_last_ranges_and_shares_lie_one_after_the_other() {
        let ranges = [range(0x1000, 0x1000), range(0x10_0000, 0x1_0000), range(0x20_0000, 0x4000)];
        let windows = VfWindows::find(ProbedBars::new(TWO), &ranges, 4).unwrap();
        assert_eq!(windows.share(3, 0), Some(range(0x10_C000, 0x4000)));
        assert_eq!(windows.share(1, 4), Some(range(0x20_1000, 0x1000)));
        assert_eq!(windows.share(0, 1), None);
        assert_eq!(windows.share(0, 6), None);
    }

    #[test]
    fn shares_do_not_move_when_fewer_vfs_are_in_use() {
        let ranges = [range(0x10_0000, 0x1_0000), range(0x20_0000, 0x4000)];
        let windows = VfWindows::find(ProbedBars::new(TWO), &ranges, 2).unwrap();
        assert_eq!(windows.share(1, 0), Some(range(0x10_4000, 0x4000)));
    }

    #[test]
    fn missing_small_or_odd_windows_are_refused() {
        let find = |ranges: &[MemoryRange]| VfWindows::find(ProbedBars::new(TWO), ranges, 4);
        assert_eq!(find(&[range(0x10_0000, 0x1_0000)]), Err(NoWindow));
        assert_eq!(find(&[range(0x10_0000, 0xC000), range(0x20_0000, 0x4000)]), Err(NoWindow));
        assert_eq!(find(&[range(0x10_0000, 0x1_0000), range(0x20_0000, 0x4800)]), Err(NoWindow));
    }
}
