//! KUSER_SHARED_DATA: the page at a fixed address of the kernel that everybody may read.
//!
//! A process cannot map it. An image's read of it stops, and is carried out with the values from here.

use super::time;
use crate::machine::{processor, wait};

/// Where the page lies in the kernel's half of the address space.
pub const ADDRESS: u64 = 0xFFFF_F780_0000_0000;

/// Bytes of the page, little endian; `None` when they do not all lie in it.
///
/// What is not listed below is zero.
pub(crate) fn read(address: u64, size: usize) -> Option<u64> {
    let offset = usize::try_from(address.checked_sub(ADDRESS)?).ok()?;
    if size > size_of::<u64>() || offset + size > PAGE {
        return None;
    }
    let now = (wait::since_boot().as_nanos() / 100) as u64;
    let system = time::system_time();
    let ticks = now / TICK;
    let fields: [(usize, &[u8]); 13] = [
        (TICK_COUNT_MULTIPLIER, &MULTIPLIER.to_le_bytes()),
        (INTERRUPT_TIME, &now.to_le_bytes()),
        (INTERRUPT_TIME + 8, &((now >> 32) as u32).to_le_bytes()),
        (SYSTEM_TIME, &system.to_le_bytes()),
        (SYSTEM_TIME + 8, &((system >> 32) as u32).to_le_bytes()),
        (SYSTEM_ROOT, b"C\0:\0\\\0W\0i\0n\0d\0o\0w\0s\0"),
        (BUILD_NUMBER, &22621_u32.to_le_bytes()),
        (PRODUCT_TYPE, &3_u32.to_le_bytes()),
        (MAJOR_VERSION, &10_u32.to_le_bytes()),
        (MINOR_VERSION, &0_u32.to_le_bytes()),
        (PROCESSORS, &processor::count().to_le_bytes()),
        (TICK_COUNT, &ticks.to_le_bytes()),
        (TICK_COUNT + 8, &((ticks >> 32) as u32).to_le_bytes()),
    ];
    let byte_at = |at: usize| {
        let field = |(start, bytes): &(usize, &[u8])| bytes.get(at.checked_sub(*start)?).copied();
        fields.iter().find_map(field).unwrap_or(0)
    };
    let mut value = [0; size_of::<u64>()];
    for (at, byte) in value.iter_mut().enumerate().take(size) {
        *byte = byte_at(offset + at);
    }
    Some(u64::from_le_bytes(value))
}

/// Offsets of the fields (wdm.h: KUSER_SHARED_DATA). A KSYSTEM_TIME has its upper half twice.
const TICK_COUNT_MULTIPLIER: usize = 0x4;
const INTERRUPT_TIME: usize = 0x8;
const SYSTEM_TIME: usize = 0x14;
const SYSTEM_ROOT: usize = 0x30;
const BUILD_NUMBER: usize = 0x260;
const PRODUCT_TYPE: usize = 0x264;
const MAJOR_VERSION: usize = 0x26C;
const MINOR_VERSION: usize = 0x270;
const TICK_COUNT: usize = 0x320;
const PROCESSORS: usize = 0x3C0;
/// A tick of the clock in units of 100 ns, and 2^24 times that in milliseconds.
const TICK: u64 = 156_250;
const MULTIPLIER: u32 = 0x0FA0_0000;
const PAGE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::{ADDRESS, read};

    #[test]
    fn fields_are_found_by_their_offsets() {
        assert_eq!(read(ADDRESS + 0x26C, 4), Some(10));
        assert_eq!(read(ADDRESS + 0x260, 4), Some(22621));
        assert_eq!(read(ADDRESS + 0x30, 4), Some(u64::from(u32::from_le_bytes([b'C', 0, b':', 0]))));
        assert_eq!(read(ADDRESS + 0xFFC, 4), Some(0));
    }

    #[test]
    fn what_lies_outside_is_not_read() {
        assert_eq!(read(ADDRESS + 0xFFD, 4), None);
        assert_eq!(read(ADDRESS - 1, 1), None);
        assert_eq!(read(ADDRESS + 0x1000, 1), None);
    }
}
