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

/// How many base address registers a function has.
pub const BARS: usize = 6;

/// A range of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// Its first address.
    pub start: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// What one register of a VF is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Bar {
    /// Not implemented, or the upper half of the register before it.
    #[default]
    None,
    /// This many bytes for each VF.
    Memory(u64),
}

/// The registers of VFs as read after ones were written to them.
///
/// ```
/// use backchannel::ProbedBars;
/// let bars = ProbedBars::new([0xFFFF_C00C, 0xFFFF_FFFF, 0, 0, 0xFFFF_F000, 0]);
/// assert_eq!(bars.size(0), Some(0x4000), "64 bits wide");
/// assert_eq!(bars.size(1), None, "its upper half");
/// assert_eq!(bars.size(4), Some(0x1000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbedBars {
    values: [u32; BARS],
    bars: [Bar; BARS],
}

/// Where the windows of VFs lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VfWindows {
    windows: [Option<Window>; BARS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    start: u64,
    share: u64,
    /// Which of the memory ranges it is.
    range: usize,
}

/// The memory ranges do not hold the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWindow;

impl ProbedBars {
    /// Takes the registers as the bus driver gives them.
    #[must_use]
    pub fn new(values: [u32; BARS]) -> Self {
        let mut bars = [Bar::None; BARS];
        let mut places = bars.iter_mut();
        let mut registers = values.into_iter();
        while let (Some(place), Some(low)) = (places.next(), registers.next()) {
            let mut mask = 0xFFFF_FFFF_0000_0000 | u64::from(low & !0xF);
            if low & KIND == WIDE {
                let high = registers.next().unwrap_or(0);
                let _upper_half = places.next();
                mask = u64::from(high) << 32 | u64::from(low & !0xF);
            } else if low & !0xF == 0 {
                continue;
            }
            // SR-IOV: the registers of VFs are for memory only.
            if low & IN_PORT_SPACE == 0 && mask != 0 {
                *place = Bar::Memory(mask & mask.wrapping_neg());
            }
        }
        Self { values, bars }
    }

    /// Gives the registers back as they were taken.
    #[must_use]
    pub const fn values(&self) -> [u32; BARS] {
        self.values
    }

    /// Gives the size that each VF has of a register; `None` if the register is not implemented.
    #[must_use]
    pub fn size(&self, bar: usize) -> Option<u64> {
        match self.bars.get(bar)? {
            Bar::None => None,
            Bar::Memory(size) => Some(*size),
        }
    }

    fn implemented(&self) -> usize {
        self.bars.iter().filter(|bar| **bar != Bar::None).count()
    }
}

impl VfWindows {
    /// Finds the windows of `vfs` VFs in a PF's memory ranges: the last ones, in the order of the registers.
    ///
    /// # Errors
    ///
    /// There are fewer ranges than registers, or one of them is no whole number of shares, or too small for so many VFs.
    pub fn find(bars: &ProbedBars, ranges: &[MemoryRange], vfs: u16) -> Result<Self, NoWindow> {
        let first = ranges.len().checked_sub(bars.implemented()).ok_or(NoWindow)?;
        let mut found = Self::default();
        let mut rest = ranges.iter().enumerate().skip(first);
        for (bar, place) in bars.bars.iter().zip(&mut found.windows) {
            let Bar::Memory(share) = *bar else { continue };
            let (range, window) = rest.next().ok_or(NoWindow)?;
            let needed = share.checked_mul(u64::from(vfs)).ok_or(NoWindow)?;
            if window.length < needed || window.length.checked_rem(share) != Some(0) {
                return Err(NoWindow);
            }
            *place = Some(Window { start: window.start, share, range });
        }
        Ok(found)
    }

    /// Gives a VF's share of a register's window, and which of the memory ranges it lies in.
    ///
    /// SPEC: the published sample divides the window by the number of VFs in use; the shares lie as far apart as the
    /// register says, however many VFs are in use.
    #[must_use]
    pub fn share(&self, vf: u16, bar: usize) -> Option<(MemoryRange, usize)> {
        let window = (*self.windows.get(bar)?)?;
        let before = window.share.checked_mul(u64::from(vf))?;
        let start = window.start.checked_add(before)?;
        Some((MemoryRange { start, length: window.share }, window.range))
    }
}

/// Collects memory ranges; a PF has at most its own registers, an expansion ROM and the windows.
pub type MemoryRanges = Vec<MemoryRange, 16>;

const IN_PORT_SPACE: u32 = 1;
const KIND: u32 = 0b111;
const WIDE: u32 = 0b100;

#[cfg(test)]
mod tests {
    use super::{MemoryRange, NoWindow, ProbedBars, VfWindows};

    const TWO: [u32; 6] = [0xFFFF_C00C, 0xFFFF_FFFF, 0, 0, 0xFFFF_F000, 0];

    fn range(start: u64, length: u64) -> MemoryRange {
        MemoryRange { start, length }
    }

    #[test]
    fn registers_that_are_not_implemented_or_for_ports_have_no_size() {
        let bars = ProbedBars::new([0, 0xFFFF_FFE1, 0xFFFF_0000, 0, 0, 0]);
        assert_eq!([0, 1, 2, 6].map(|bar| bars.size(bar)), [None, None, Some(0x1_0000), None]);
    }

    #[test]
    fn a_wide_register_can_be_larger_than_4_gib() {
        let bars = ProbedBars::new([0x0000_000C, 0xFFFF_FFFE, 0, 0, 0, 0]);
        assert_eq!(bars.size(0), Some(0x2_0000_0000));
    }

    #[test]
    fn a_wide_register_in_the_last_place_has_no_upper_half() {
        let bars = ProbedBars::new([0, 0, 0, 0, 0, 0xFFFF_C00C]);
        assert_eq!(bars.size(5), Some(0x4000));
    }

    #[test]
    fn windows_are_the_last_ranges_and_shares_lie_one_after_the_other() {
        let ranges = [range(0x1000, 0x1000), range(0x10_0000, 0x1_0000), range(0x20_0000, 0x4000)];
        let windows = VfWindows::find(&ProbedBars::new(TWO), &ranges, 4).unwrap();
        assert_eq!(windows.share(3, 0), Some((range(0x10_C000, 0x4000), 1)));
        assert_eq!(windows.share(1, 4), Some((range(0x20_1000, 0x1000), 2)));
        assert_eq!(windows.share(0, 1), None);
        assert_eq!(windows.share(0, 6), None);
    }

    #[test]
    fn shares_do_not_move_when_fewer_vfs_are_in_use() {
        let ranges = [range(0x10_0000, 0x1_0000), range(0x20_0000, 0x4000)];
        let windows = VfWindows::find(&ProbedBars::new(TWO), &ranges, 2).unwrap();
        assert_eq!(windows.share(1, 0), Some((range(0x10_4000, 0x4000), 0)));
    }

    #[test]
    fn missing_small_or_odd_windows_are_refused() {
        let bars = ProbedBars::new(TWO);
        assert_eq!(VfWindows::find(&bars, &[range(0x10_0000, 0x1_0000)], 4), Err(NoWindow));
        let small = [range(0x10_0000, 0xC000), range(0x20_0000, 0x4000)];
        assert_eq!(VfWindows::find(&bars, &small, 4), Err(NoWindow));
        let odd = [range(0x10_0000, 0x1_0000), range(0x20_0000, 0x4800)];
        assert_eq!(VfWindows::find(&bars, &odd, 4), Err(NoWindow));
    }
}
