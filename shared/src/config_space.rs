//! What a PF driver needs of configuration space: the SR-IOV capability, and resets and power of VFs.
//!
//! The host reads and writes; what it read is not trusted: a chain of capabilities that runs in circles ends here.
//! Source: the PCI Express base specification.

use crate::platform::MILLISECOND;
use crate::vf::VfPowerState;

/// The configuration space of one function, as its host reaches it.
pub trait ConfigSpace {
    /// Reads a double word at an offset that is a multiple of 4; `None` if the function does not answer.
    fn read(&self, offset: u16) -> Option<u32>;

    /// Writes a word at an even offset; `false` if the function does not answer.
    fn write(&self, offset: u16, value: u16) -> bool;
}

/// What the SR-IOV capability of a PF says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SriovCapability {
    /// How many VFs there can be.
    pub total_vfs: u16,
    /// The device id of every VF.
    pub vf_device: u16,
}

/// The function did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

/// Finds a PF's SR-IOV capability.
#[must_use]
pub fn sriov_capability<S: ConfigSpace>(space: &S) -> Option<SriovCapability> {
    let at = extended_capability(space, SRIOV)?;
    let total_vfs = high(space.read(at.checked_add(INITIAL_AND_TOTAL_VFS)?)?);
    let vf_device = high(space.read(at.checked_add(VF_DEVICE_ID)?)?);
    Some(SriovCapability { total_vfs, vf_device })
}

/// Gives a function's vendor id and device id; `None` if no function answers.
#[must_use]
pub fn identity<S: ConfigSpace>(space: &S) -> Option<(u16, u16)> {
    let ids = space.read(0)?;
    // What nobody answers is read as ones.
    (ids != u32::MAX).then_some((low(ids), high(ids)))
}

/// Resets a function if it can be reset alone, and lets it have the time to come back: `wait` takes that time, in units of
/// 100 ns.
///
/// Says whether it was reset.
///
/// # Errors
///
/// The function did not answer.
pub fn function_level_reset<S: ConfigSpace>(space: &S, wait: impl FnOnce(u64)) -> Result<bool, NoAnswer> {
    let Some(at) = capability(space, EXPRESS) else { return Ok(false) };
    let abilities = space.read(at.wrapping_add(DEVICE_CAPABILITIES)).ok_or(NoAnswer)?;
    if abilities & RESETS_ALONE == 0 {
        return Ok(false);
    }
    let control = at.wrapping_add(DEVICE_CONTROL);
    let now = low(space.read(control).ok_or(NoAnswer)?);
    if !space.write(control, now | BEGIN_RESET) {
        return Err(NoAnswer);
    }
    wait(RESET_TIME);
    Ok(true)
}

/// Puts a function into a power state if it has any; one that leaves D3 gets the time for it: `wait` takes that time, in
/// units of 100 ns.
///
/// # Errors
///
/// The function did not answer.
pub fn set_power<S: ConfigSpace>(
    space: &S,
    state: VfPowerState,
    wake: bool,
    wait: impl FnOnce(u64),
) -> Result<(), NoAnswer> {
    let Some(at) = capability(space, POWER_MANAGEMENT) else { return Ok(()) };
    let control = at.wrapping_add(POWER_CONTROL);
    let before = low(space.read(control).ok_or(NoAnswer)?);
    let number = match state {
        VfPowerState::D0 => 0,
        VfPowerState::D1 => 1,
        VfPowerState::D2 => 2,
        VfPowerState::D3 => D3,
    };
    // The status bit is cleared by writing it, and stays as it is by writing 0.
    let kept = before & !(POWER_STATE | MAY_WAKE | WAKE_STATUS);
    if !space.write(control, kept | number | if wake { MAY_WAKE } else { 0 }) {
        return Err(NoAnswer);
    }
    if before & POWER_STATE == D3 && state == VfPowerState::D0 {
        wait(POWER_UP_TIME);
    }
    Ok(())
}

fn capability<S: ConfigSpace>(space: &S, wanted: u8) -> Option<u16> {
    if high(space.read(COMMAND_AND_STATUS)?) & HAS_CAPABILITIES == 0 {
        return None;
    }
    let [mut at, ..] = space.read(FIRST_CAPABILITY)?.to_le_bytes();
    for _ in 0..MOST_CAPABILITIES {
        let place = u16::from(at & !3);
        if place < AFTER_HEADER {
            return None;
        }
        let [id, next, ..] = space.read(place)?.to_le_bytes();
        if id == wanted {
            return Some(place);
        }
        at = next;
    }
    None
}

fn extended_capability<S: ConfigSpace>(space: &S, wanted: u16) -> Option<u16> {
    let mut place = FIRST_EXTENDED_CAPABILITY;
    for _ in 0..MOST_EXTENDED_CAPABILITIES {
        let header = space.read(place)?;
        if matches!(header, 0 | u32::MAX) {
            return None;
        }
        if low(header) == wanted {
            return Some(place);
        }
        place = (high(header) >> 4) & !3;
        if place < FIRST_EXTENDED_CAPABILITY {
            return None;
        }
    }
    None
}

const fn low(value: u32) -> u16 {
    let [first, second, ..] = value.to_le_bytes();
    u16::from_le_bytes([first, second])
}

const fn high(value: u32) -> u16 {
    let [.., third, fourth] = value.to_le_bytes();
    u16::from_le_bytes([third, fourth])
}

const COMMAND_AND_STATUS: u16 = 0x04;
const HAS_CAPABILITIES: u16 = 1 << 4;
const FIRST_CAPABILITY: u16 = 0x34;
const AFTER_HEADER: u16 = 0x40;
/// As many as fit between the header and the end of the first 256 bytes.
const MOST_CAPABILITIES: usize = 48;
const POWER_MANAGEMENT: u8 = 0x01;
const POWER_CONTROL: u16 = 4;
const POWER_STATE: u16 = 0b11;
const D3: u16 = 3;
const MAY_WAKE: u16 = 1 << 8;
const WAKE_STATUS: u16 = 1 << 15;
/// The time from D3 to D0, and from the begin of a reset to the first access.
const POWER_UP_TIME: u64 = 10 * MILLISECOND;
const RESET_TIME: u64 = 100 * MILLISECOND;
const EXPRESS: u8 = 0x10;
const DEVICE_CAPABILITIES: u16 = 4;
const RESETS_ALONE: u32 = 1 << 28;
const DEVICE_CONTROL: u16 = 8;
const BEGIN_RESET: u16 = 1 << 15;
const FIRST_EXTENDED_CAPABILITY: u16 = 0x100;
/// As many as fit between the first place and the end of the 4096 bytes.
const MOST_EXTENDED_CAPABILITIES: usize = 480;
const SRIOV: u16 = 0x10;
const INITIAL_AND_TOTAL_VFS: u16 = 0x0C;
const VF_DEVICE_ID: u16 = 0x18;

#[cfg(test)]
mod tests;
