//! Mitigated registers: a page of each VF's register 0 that is answered from here, and one whose writes are only counted.
//!
//! Page 0 holds two words for each VF: at 0 what was written last, at 8 the VF's number. Writes to page 2 are counted at 16.
//! Offset 0xFF8 of page 0 switches the VF's ranges: 0 both pages, 1 page 0 alone, 2 a wrong range besides.

use core::sync::atomic::{AtomicU64, Ordering};

use backchannel::{MitigatedRange, Mitigation, NtStatus, Register, RegisterAccess, Vf};

/// The registers of every VF.
pub(crate) static REGISTERS: Registers =
    Registers { written: [ZERO; VFS], counted: [ZERO; VFS], switch: [ZERO; VFS] };

/// The words behind page 0 that are not a VF's number.
pub(crate) struct Registers {
    written: [AtomicU64; VFS],
    counted: [AtomicU64; VFS],
    switch: [AtomicU64; VFS],
}

#[expect(clippy::declare_interior_mutable_const, reason = "each element of an array is made of it")]
const ZERO: AtomicU64 = AtomicU64::new(0);

/// How many VFs have them.
const VFS: usize = 64;
const BOTH: MitigatedRange = MitigatedRange { first_page: 0, pages: 1, reads: true, writes: true };
const WRITES: MitigatedRange = MitigatedRange { first_page: 2, pages: 1, reads: false, writes: true };
const WRONG: MitigatedRange = MitigatedRange { first_page: 1, pages: u32::MAX, reads: true, writes: true };
/// The offset that changes the ranges.
const SWITCH: u64 = 0xFF8;

impl Mitigation for Registers {
    fn range(&self, vf: Vf, bar: u8, number: u32) -> Option<MitigatedRange> {
        let switch = word(&self.switch, vf)?.load(Ordering::Relaxed);
        match (bar, number, switch) {
            (0, 0, _) => Some(BOTH),
            (0, 1, 0) => Some(WRITES),
            (0, 1, 2) => Some(WRONG),
            _ => None,
        }
    }

    fn read(&self, access: &RegisterAccess<'_>, out: &mut [u8]) -> Result<(), NtStatus> {
        let Register { offset, .. } = access.register();
        let value = match offset {
            0 => load(&self.written, access.vf())?,
            8 => access.vf().index.value().into(),
            16 => load(&self.counted, access.vf())?,
            _ => return Err(NtStatus::INVALID_DEVICE_REQUEST),
        };
        for (to, from) in out.iter_mut().zip(value.to_le_bytes()) {
            *to = from;
        }
        Ok(())
    }

    fn write(&self, access: &RegisterAccess<'_>, data: &[u8]) -> Result<(), NtStatus> {
        let Register { offset, .. } = access.register();
        let value = data.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        match offset {
            0 => store(&self.written, access.vf(), value),
            SWITCH => {
                store(&self.switch, access.vf(), value)?;
                access.update_mitigated_ranges();
                Ok(())
            }
            0x2000..0x3000 => {
                let counter = word(&self.counted, access.vf()).ok_or(NtStatus::INVALID_PARAMETER)?;
                counter.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            _ => Err(NtStatus::INVALID_DEVICE_REQUEST),
        }
    }
}

fn word(words: &[AtomicU64; VFS], vf: Vf) -> Option<&AtomicU64> {
    words.get(usize::from(vf.index.value()))
}

fn load(words: &[AtomicU64; VFS], vf: Vf) -> Result<u64, NtStatus> {
    Ok(word(words, vf).ok_or(NtStatus::INVALID_PARAMETER)?.load(Ordering::Relaxed))
}

fn store(words: &[AtomicU64; VFS], vf: Vf, value: u64) -> Result<(), NtStatus> {
    word(words, vf).ok_or(NtStatus::INVALID_PARAMETER)?.store(value, Ordering::Relaxed);
    Ok(())
}
