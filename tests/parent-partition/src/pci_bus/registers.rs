//! A function's configuration space: what it holds, and which bits can be written.

/// 4 KiB of configuration registers, little endian.
#[derive(Clone)]
pub(super) struct Registers {
    bytes: Box<[u8; SIZE]>,
    writable: Box<[u8; SIZE]>,
    after_reset: Box<[u8; SIZE]>,
}

/// Bytes of a PCI Express function's configuration space.
pub(super) const SIZE: usize = 4096;

impl Registers {
    /// All zero and read-only.
    pub(super) fn new() -> Self {
        let zeros = || Box::new([0; SIZE]);
        Self { bytes: zeros(), writable: zeros(), after_reset: zeros() }
    }

    /// Sets what the register at `offset` holds, also after a reset.
    pub(super) fn set<const N: usize>(&mut self, offset: usize, value: [u8; N]) {
        self.bytes[offset..offset + N].copy_from_slice(&value);
        self.after_reset[offset..offset + N].copy_from_slice(&value);
    }

    /// Sets what the register at `offset` holds until a reset.
    pub(super) fn change<const N: usize>(&mut self, offset: usize, value: [u8; N]) {
        self.bytes[offset..offset + N].copy_from_slice(&value);
    }

    /// Lets software write these bits.
    pub(super) fn allow<const N: usize>(&mut self, offset: usize, bits: [u8; N]) {
        self.writable[offset..offset + N].copy_from_slice(&bits);
    }

    /// The bytes from `offset`, as many as there are and were asked for.
    pub(super) fn read(&self, offset: u32, length: u32) -> &[u8] {
        &self.bytes[range(offset, length)]
    }

    /// Writes the writable bits from `offset` on; returns how many bytes lay inside.
    pub(super) fn write(&mut self, offset: u32, data: &[u8]) -> u32 {
        let range = range(offset, data.len().try_into().unwrap_or(u32::MAX));
        let written = range.len() as u32;
        for (index, new) in range.zip(data) {
            let bits = self.writable[index];
            self.bytes[index] = self.bytes[index] & !bits | new & bits;
        }
        written
    }

    /// Puts every register to what it holds after a reset.
    pub(super) fn reset(&mut self) {
        self.bytes.clone_from(&self.after_reset);
    }
}

fn range(offset: u32, length: u32) -> std::ops::Range<usize> {
    let begin = (offset as usize).min(SIZE);
    begin..begin.saturating_add(length as usize).min(SIZE)
}

#[cfg(test)]
mod tests {
    use super::Registers;

    #[test]
    fn only_writable_bits_change_and_a_reset_puts_them_back() {
        let mut registers = Registers::new();
        registers.set(4, 0x00F0_u16.to_le_bytes());
        registers.allow(4, 0x0104_u16.to_le_bytes());
        assert_eq!(registers.write(4, &[0xFF, 0xFF]), 2);
        assert_eq!(registers.read(4, 2), 0x01F4_u16.to_le_bytes());
        registers.reset();
        assert_eq!(registers.read(4, 2), 0x00F0_u16.to_le_bytes());
    }

    #[test]
    fn accesses_end_with_the_space() {
        let mut registers = Registers::new();
        assert_eq!(registers.read(4094, 4), [0, 0]);
        assert_eq!(registers.read(4096, 1), [0; 0]);
        assert_eq!(registers.read(u32::MAX, u32::MAX), [0; 0]);
        assert_eq!(registers.write(4095, &[1, 2]), 1);
        assert_eq!(registers.write(u32::MAX, &[1]), 0);
    }
}
