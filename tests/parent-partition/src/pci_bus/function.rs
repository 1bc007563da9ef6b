//! A function on the bus: its identity, its SR-IOV capability, and the registers that follow from both.
//!
//! SPEC: PCI Express Base Specification, "Single Root I/O Virtualization and Sharing": a VF's own vendor and device
//! identifiers read 0xFFFF, its base address registers 0; its memory lies in the PF's VF BAR windows, one aperture of each a VF.

use super::registers::Registers;

/// A function on the bus, with an SR-IOV capability if it has VFs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Function {
    /// Vendor identifier, of the VFs too.
    pub vendor: u16,
    /// Device identifier.
    pub device: u16,
    /// Device identifier of its VFs.
    pub vf_device: u16,
    /// `TotalVFs` of its SR-IOV capability; 0 for a function without one.
    pub total_vfs: u16,
    /// The value NumVFs of its hardware key, where an INF or an administrator has put one.
    pub num_vfs: Option<u32>,
    /// Further DWORDs of its hardware key.
    pub values: Vec<(String, u32)>,
    /// Its interrupt is a line, not a message.
    pub line_interrupt: bool,
}

/// Memory that one base address register of each VF decodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VfBar {
    /// The register, 0 to 5; a 64-bit one takes the next one too.
    pub index: u16,
    /// Bytes of one VF's aperture.
    pub size: u32,
    /// Where the apertures of all VFs begin.
    pub window: u64,
    is_64_bit: bool,
    is_prefetchable: bool,
}

/// The VF BARs of every function with an SR-IOV capability.
pub const VF_BARS: [VfBar; 3] = [
    VfBar { index: 0, size: 0x1_0000, window: 0xF_D000_0000, is_64_bit: true, is_prefetchable: true },
    VfBar { index: 2, size: 0x4000, window: 0xF_E000_0000, is_64_bit: true, is_prefetchable: false },
    VfBar { index: 4, size: 0x1000, window: 0xE000_0000, is_64_bit: false, is_prefetchable: false },
];

impl Function {
    pub(super) fn hardware_id(&self) -> String {
        format!(r"PCI\VEN_{:04X}&DEV_{:04X}", self.vendor, self.device)
    }

    /// The window of each VF BAR: where it begins and its bytes; none without VFs.
    pub(crate) fn windows(&self) -> impl Iterator<Item = (u64, u32)> {
        let vfs = u32::from(self.total_vfs);
        VF_BARS.into_iter().filter(move |_| vfs != 0).map(move |bar| (bar.window, bar.size * vfs))
    }

    /// The routing identifier of a VF: bus in the upper byte, function in the lower.
    pub(super) fn routing_id(vf: u16) -> u16 {
        ROUTING_ID + FIRST_VF_OFFSET + vf * VF_STRIDE
    }

    /// The registers of the function itself.
    pub(super) fn registers(&self) -> Registers {
        let mut registers = header(self.vendor, self.device);
        registers.allow(COMMAND, 0x0006_u16.to_le_bytes());
        registers.set(0x10, 0xC000_000C_u32.to_le_bytes());
        registers.set(0x14, 0xF_u32.to_le_bytes());
        registers.set(0x100, extended(ARI, ACS_OFFSET));
        let behind_acs = if self.total_vfs == 0 { 0 } else { SRIOV_OFFSET };
        registers.set(ACS_OFFSET, extended(ACS, behind_acs));
        if self.total_vfs != 0 {
            self.describe_vfs(&mut registers);
        }
        registers
    }

    fn describe_vfs(&self, registers: &mut Registers) {
        let at = SRIOV_OFFSET;
        registers.set(at, extended(SRIOV, 0));
        registers.set(at + 0x0C, self.total_vfs.to_le_bytes());
        registers.set(at + 0x0E, self.total_vfs.to_le_bytes());
        registers.set(at + 0x14, FIRST_VF_OFFSET.to_le_bytes());
        registers.set(at + 0x16, VF_STRIDE.to_le_bytes());
        registers.set(at + 0x1A, self.vf_device.to_le_bytes());
        registers.set(at + 0x1C, 0x553_u32.to_le_bytes());
        registers.set(at + 0x20, 1_u32.to_le_bytes());
        for bar in VF_BARS {
            let place = at + 0x24 + usize::from(bar.index) * 4;
            registers.set(place, (bar.window as u32 | bar.kind()).to_le_bytes());
            if bar.is_64_bit {
                registers.set(place + 4, ((bar.window >> 32) as u32).to_le_bytes());
            }
        }
    }

    /// The registers of one of its VFs.
    pub(super) fn vf_registers() -> Registers {
        let mut registers = header(0xFFFF, 0xFFFF);
        registers.allow(COMMAND, 0x0004_u16.to_le_bytes());
        registers.set(0x100, extended(ARI, 0));
        registers
    }
}

impl VfBar {
    /// The lowest bits of the register, which say what it is.
    fn kind(&self) -> u32 {
        u32::from(self.is_64_bit) << 2 | u32::from(self.is_prefetchable) << 3
    }
}

/// What the six VF base address registers hold after all ones were written to them.
pub(super) fn probed_bars() -> [u32; 6] {
    let mut values = [0; 6];
    for bar in VF_BARS {
        let index = usize::from(bar.index);
        values[index] = !(bar.size - 1) | bar.kind();
        if bar.is_64_bit {
            values[index + 1] = u32::MAX;
        }
    }
    values
}

/// A type 0 header with the capabilities that every function here has: PCI Express, power management.
fn header(vendor: u16, device: u16) -> Registers {
    let mut registers = Registers::new();
    registers.set(0, vendor.to_le_bytes());
    registers.set(2, device.to_le_bytes());
    // Status: there is a capability list.
    registers.set(6, 0x0010_u16.to_le_bytes());
    // Class: network controller, Ethernet.
    registers.set(8, 0x0200_0000_u32.to_le_bytes());
    registers.set(0x34, [EXPRESS_OFFSET as u8]);
    registers.set(EXPRESS_OFFSET, [0x10, POWER_OFFSET as u8, 0x02, 0x00]);
    // Device capabilities: function level reset.
    registers.set(EXPRESS_OFFSET + 4, (1_u32 << 28).to_le_bytes());
    registers.allow(DEVICE_CONTROL, 0x7FFF_u16.to_le_bytes());
    registers.set(POWER_OFFSET, [0x01, 0x00, 0x03, 0x00]);
    registers.allow(POWER_OFFSET + 4, 0x0003_u16.to_le_bytes());
    registers
}

fn extended(id: u16, next: usize) -> [u8; 4] {
    (u32::from(id) | 1 << 16 | (next as u32) << 20).to_le_bytes()
}

/// Offset of the command register.
const COMMAND: usize = 4;
const EXPRESS_OFFSET: usize = 0x40;
/// Offset of the device control register, whose highest bit starts a function level reset.
pub(super) const DEVICE_CONTROL: usize = EXPRESS_OFFSET + 8;
const POWER_OFFSET: usize = 0x80;
const ACS_OFFSET: usize = 0x148;
/// Offset of the SR-IOV capability.
pub(super) const SRIOV_OFFSET: usize = 0x160;
const ARI: u16 = 0x0E;
const ACS: u16 = 0x0D;
const SRIOV: u16 = 0x10;
/// Bus 1, device 0, function 0.
const ROUTING_ID: u16 = 0x100;
/// VFs from the 64th on lie on the next bus.
const FIRST_VF_OFFSET: u16 = 0x80;
const VF_STRIDE: u16 = 2;

#[cfg(test)]
mod tests {
    use super::{Function, SRIOV_OFFSET, probed_bars};

    fn function(total_vfs: u16) -> Function {
        Function { vendor: 1, device: 2, vf_device: 3, total_vfs, ..Function::default() }
    }

    /// The identifiers of the extended capabilities and where each lies, as software walks the list.
    fn extended_capabilities(function: &Function) -> Vec<(u16, usize)> {
        let registers = function.registers();
        let mut found = Vec::new();
        let mut at = 0x100;
        while at != 0 {
            let header = registers.read(at, 4);
            found.push((u16::from_le_bytes([header[0], header[1]]), at as usize));
            at = u32::from(u16::from_le_bytes([header[2], header[3]]) >> 4);
        }
        found
    }

    #[test]
    fn the_capability_list_leads_to_sriov_where_there_are_vfs() {
        let with = [(0x0E, 0x100), (0x0D, 0x148), (0x10, SRIOV_OFFSET)];
        assert_eq!(extended_capabilities(&function(8)), with);
        assert_eq!(extended_capabilities(&function(0)), with[..2]);
        assert_eq!(function(8).registers().read(SRIOV_OFFSET as u32 + 0x0E, 2), [8, 0]);
    }

    #[test]
    fn probed_bars_carry_size_and_kind() {
        assert_eq!(probed_bars(), [0xFFFF_000C, u32::MAX, 0xFFFF_C004, u32::MAX, 0xFFFF_F000, 0]);
    }

    #[test]
    fn routing_ids_step_over_the_bus_number() {
        assert_eq!([0, 1, 63, 64].map(Function::routing_id), [0x180, 0x182, 0x1FE, 0x200]);
    }
}
