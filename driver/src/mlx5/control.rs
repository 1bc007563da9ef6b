//! The control block: what the VF offers, what the PF asks it to do.
//!
//! Little-endian, 128 bytes: capabilities `u32` at 0, control `u32` at 4 (the PF's), command `u16` at 8 (the PF's),
//! acknowledged command `u16` at 10, version `u16` at 12, rings `u16` at 14, the rest reserved.

use super::statistics::RINGS;

/// Capability and control bit of the statistics agent.
const STATISTICS: u32 = 1;

/// The command "send every 100 ms"; n stands for every n * 100 ms.
const EVERY_100_MS: u16 = 1;

/// The statistics agent's protocol version that is spoken here.
const VERSION: u16 = 1;

/// Both sides' words of the control block of one VF.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Control {
    capabilities: u32,
    addressed: u32,
    command: u16,
    acknowledged: u16,
    version: u16,
    rings: u16,
}

impl Control {
    /// A VF that has said nothing yet, and is asked for nothing.
    pub(crate) const fn new() -> Self {
        Self { capabilities: 0, addressed: 0, command: 0, acknowledged: 0, version: 0, rings: 0 }
    }

    /// Rings whose statistics the VF may send now.
    ///
    /// 0 as long as it was not asked to, and if it answered in a version or with a number of rings that is not served
    /// here.
    pub(crate) fn rings(&self) -> u16 {
        let served = self.version == VERSION && (1..=RINGS).contains(&usize::from(self.rings));
        if served && self.addressed & STATISTICS != 0 { self.rings } else { 0 }
    }

    /// Takes the VF's words and decides what to ask for.
    ///
    /// The PF's own words in the block are what the VF read before and are not looked at. An agent is addressed only
    /// while the VF offers it: a VF stops for good when it is asked for what it does not offer. Version and rings come
    /// from an agent that was addressed, so they cannot be waited for.
    pub(crate) fn write(&mut self, block: &[u8]) {
        self.capabilities = u32::from(half(block, 0)) | u32::from(half(block, 2)) << 16;
        self.acknowledged = half(block, 10);
        self.version = half(block, 12);
        self.rings = half(block, 14);
        let asked = self.capabilities & STATISTICS != 0;
        (self.addressed, self.command) = if asked { (STATISTICS, EVERY_100_MS) } else { (0, 0) };
    }

    /// The block's first 16 bytes, as the VF reads them; the rest is zero.
    pub(crate) fn bytes(&self) -> [u8; 16] {
        let words = [
            u128::from(self.capabilities),
            u128::from(self.addressed) << 32,
            u128::from(self.command) << 64,
            u128::from(self.acknowledged) << 80,
            u128::from(self.version) << 96,
            u128::from(self.rings) << 112,
        ];
        words.iter().fold(0, |all, word| all | word).to_le_bytes()
    }
}

fn half(block: &[u8], at: usize) -> u16 {
    block.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(capabilities: u32, version: u16, rings: u16) -> [u8; 128] {
        let mut block = [0; 128];
        block[0..4].copy_from_slice(&capabilities.to_le_bytes());
        block[12..14].copy_from_slice(&version.to_le_bytes());
        block[14..16].copy_from_slice(&rings.to_le_bytes());
        block
    }

    #[test]
    fn a_vf_that_has_said_nothing_is_asked_for_nothing() {
        assert_eq!(Control::new().bytes(), [0; 16]);
        assert_eq!(Control::new().rings(), 0);
    }

    #[test]
    fn a_vf_that_offers_statistics_is_asked_for_them_before_it_tells_its_rings() {
        let mut control = Control::new();
        control.write(&offer(1, 0, 0));
        assert_eq!(control.bytes(), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(control.rings(), 0);
    }

    #[test]
    fn a_vf_that_was_asked_may_send_statistics_of_its_rings() {
        let mut control = Control::new();
        control.write(&offer(1, 1, 64));
        assert_eq!(control.bytes(), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 64, 0]);
        assert_eq!(control.rings(), 64);
    }

    #[test]
    fn what_is_not_offered_is_not_asked_for() {
        for block in [offer(0, 1, 64), offer(2, 1, 64)] {
            let mut control = Control::new();
            control.write(&block);
            assert_eq!(control.bytes()[4..10], [0; 6]);
            assert_eq!(control.rings(), 0);
        }
    }

    #[test]
    fn rings_or_a_version_that_is_not_served_may_send_nothing() {
        for block in [offer(1, 2, 64), offer(1, 1, 0), offer(1, 1, 65), offer(1, 1, u16::MAX)] {
            let mut control = Control::new();
            control.write(&block);
            assert_eq!(control.rings(), 0);
        }
    }

    #[test]
    fn a_vf_cannot_write_what_it_is_asked_for() {
        let mut block = offer(0, 1, 64);
        block[4..12].fill(0xFF);
        let mut control = Control::new();
        control.write(&block);
        assert_eq!(control.bytes()[4..10], [0; 6]);
        assert_eq!(control.bytes()[10..12], [0xFF, 0xFF]);
    }
}
