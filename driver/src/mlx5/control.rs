//! The control block: what the VF offers, what the PF asks it to do.
//!
//! Little-endian, 128 bytes: capabilities `u32` at 0, control `u32` at 4 (the PF's), command `u16` at 8 (the PF's),
//! acknowledged command `u16` at 10, version `u16` at 12, rings `u16` at 14, the rest reserved.
//!
//! ```text
//!   VF offers nothing ──offers statistics──► to be told ──reads──► told ──writes──► answered
//!          ▲                                    ▲                                     │
//!          └── withdraws its offer ─────────────┼──────────── the operator's order changes
//! ```
//!
//! Nothing of the PF waits for an answer: a VF that never gives one is told again when it reads again.

use bytemuck::{Pod, Zeroable};

use super::statistics::{RECORD, RINGS, SET};

/// Capability and control bit of the statistics agent.
const STATISTICS: u32 = 1;

/// The statistics agent's protocol version that is spoken here.
const VERSION: u32 = 1;

/// The command "send once"; 0 is "stop", any other n "send every n * 100 ms".
const ONCE: u16 = 0xFFFF;

/// What the operator wants of a VF: a command, and a number that tells two equal ones apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    command: u16,
    number: u16,
}

/// What a VF is asked by the control block that it reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Told {
    addressed: u32,
    order: u32,
}

/// Both sides' words of the control block of one VF; all zero is a VF that has said nothing and was told nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Control {
    capabilities: u32,
    told: Told,
    acknowledged: u32,
    version: u32,
    rings: u32,
    /// The order "send once" that was carried out last, with a bit that says that there was one.
    done: u32,
    reserved: u32,
}

impl Order {
    /// The order in the block that the operator sets, or "every 100 ms" if it is empty.
    pub(crate) fn of(block: [u8; 4], length: u8) -> Self {
        if length == 0 {
            return Self { command: 1, number: 0 };
        }
        let [a, b, c, d] = block;
        Self { command: u16::from_le_bytes([a, b]), number: u16::from_le_bytes([c, d]) }
    }

    const fn word(self) -> u32 {
        let [a, b] = self.command.to_le_bytes();
        let [c, d] = self.number.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

impl Control {
    /// Bytes of statistics that the VF may send now, at most.
    ///
    /// None before it was told to, and if it answered in a version or with a number of rings that is not served here. A
    /// VF that is told to begin at once may do so before it has answered: then there are as many as there is space for.
    pub(crate) fn limit(&self) -> usize {
        let rings = usize::try_from(self.rings).unwrap_or(usize::MAX);
        match (self.told.addressed, self.version) {
            (STATISTICS, 0) if rings == 0 => SET,
            (STATISTICS, VERSION) if rings <= RINGS => rings.saturating_mul(RECORD),
            _ => 0,
        }
    }

    /// Rings that make a set; 0 before the VF has said how many.
    pub(crate) const fn rings(&self) -> u32 {
        self.rings
    }

    /// The command that was read last, and the one acknowledged last in the upper half.
    pub(crate) const fn commands(&self) -> u32 {
        self.told.order & 0xFFFF | self.acknowledged << 16
    }

    /// Takes the VF's words; says whether it is to read the block again.
    ///
    /// The PF's own words in the block are what the VF read before and are not looked at. An agent is addressed only
    /// while the VF offers it: a VF stops for good when it is asked for what it does not offer. Version and rings come
    /// from an agent that was addressed, so they cannot be waited for.
    pub(crate) fn write(&mut self, block: &[u8], order: Order) -> bool {
        self.capabilities = half(block, 0) | half(block, 2) << 16;
        self.acknowledged = half(block, 10);
        if self.capabilities & STATISTICS == 0 {
            (self.told, self.version, self.rings) = (Told::default(), 0, 0);
            return false;
        }
        self.version = half(block, 12);
        self.rings = half(block, 14);
        if self.told.addressed != 0 && self.acknowledged == u32::from(ONCE) {
            self.done = mark(self.told.order);
        }
        let wanted = self.wanted(order);
        wanted.addressed != 0 && wanted != self.told
    }

    /// The block's first four words, as the VF reads them; the rest is zero.
    pub(crate) fn read(&mut self, order: Order) -> [u32; 4] {
        let wanted = self.wanted(order);
        self.told = wanted;
        [
            self.capabilities,
            wanted.addressed,
            wanted.order & 0xFFFF | self.acknowledged << 16,
            self.version | self.rings << 16,
        ]
    }

    /// A VF carries out its command whenever it reads it, so one that is to be carried out once is taken back.
    fn wanted(&self, order: Order) -> Told {
        let is_done = order.command == ONCE && self.done == mark(order.word());
        if self.capabilities & STATISTICS == 0 || is_done {
            return Told::default();
        }
        Told { addressed: STATISTICS, order: order.word() }
    }
}

/// An order's number, told apart from none.
const fn mark(order: u32) -> u32 {
    order >> 16 | 1 << 16
}

fn half(block: &[u8], at: usize) -> u32 {
    block
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from(u16::from_le_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIODIC: Order = Order { command: 1, number: 0 };

    fn read(control: &mut Control, order: Order) -> [u8; 16] {
        bytemuck::cast(control.read(order))
    }

    fn once(number: u16) -> Order {
        Order { command: ONCE, number }
    }

    fn offer(capabilities: u32, acknowledged: u16, version: u16, rings: u16) -> [u8; 128] {
        let mut block = [0; 128];
        block[0..4].copy_from_slice(&capabilities.to_le_bytes());
        block[10..12].copy_from_slice(&acknowledged.to_le_bytes());
        block[12..14].copy_from_slice(&version.to_le_bytes());
        block[14..16].copy_from_slice(&rings.to_le_bytes());
        block
    }

    /// A VF that offered, was told `order`, and answered with its rings.
    fn answered(order: Order, version: u16, rings: u16) -> Control {
        let mut control = Control::default();
        control.write(&offer(1, 0, 0, 0), order);
        control.read(order);
        control.write(&offer(1, order.command, version, rings), order);
        control
    }

    #[test]
    fn a_vf_that_has_said_nothing_is_asked_for_nothing() {
        let mut control = Control::default();
        assert_eq!(read(&mut control, PERIODIC), [0; 16]);
        assert_eq!(control.limit(), 0);
    }

    #[test]
    fn a_vf_that_offers_statistics_is_to_read_that_they_are_wanted() {
        let mut control = Control::default();
        assert!(control.write(&offer(1, 0, 0, 0), PERIODIC));
        assert_eq!(control.limit(), 0);
        assert_eq!(read(&mut control, PERIODIC), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(control.limit(), SET);
        assert!(!control.write(&offer(1, 1, 1, 128), PERIODIC));
        assert_eq!(control.limit(), SET);
        assert_eq!(read(&mut control, PERIODIC), [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 128, 0]);
    }

    #[test]
    fn what_is_not_offered_is_not_asked_for() {
        for capabilities in [0, 2] {
            let mut control = Control::default();
            assert!(!control.write(&offer(capabilities, 0, 1, 64), PERIODIC));
            assert_eq!(read(&mut control, PERIODIC)[4..10], [0; 6]);
            assert_eq!(control.limit(), 0);
        }
    }

    #[test]
    fn a_withdrawn_offer_ends_what_the_vf_may_send_until_it_is_made_and_answered_again() {
        let mut control = answered(PERIODIC, 1, 2);
        assert_eq!(control.limit(), 2 * RECORD);
        assert!(!control.write(&offer(0, 0, 0, 0), PERIODIC));
        assert_eq!((control.limit(), control.rings()), (0, 0));
        assert!(control.write(&offer(1, 0, 0, 0), PERIODIC), "it is to be told again");
        control.read(PERIODIC);
        control.write(&offer(1, 1, 1, 3), PERIODIC);
        assert_eq!(control.limit(), 3 * RECORD);
    }

    #[test]
    fn rings_or_a_version_that_is_not_served_may_send_nothing() {
        for (version, rings) in [(2, 64), (0, 64), (1, 0), (1, 129), (1, u16::MAX)] {
            assert_eq!(answered(PERIODIC, version, rings).limit(), 0, "version {version}, {rings} rings");
        }
    }

    #[test]
    fn a_vf_cannot_write_what_it_is_asked_for() {
        let mut block = offer(0, 0, 1, 64);
        block[4..12].fill(0xFF);
        let mut control = Control::default();
        control.write(&block, PERIODIC);
        assert_eq!(read(&mut control, PERIODIC)[4..10], [0; 6]);
    }

    #[test]
    fn a_changed_order_is_told() {
        let mut control = answered(PERIODIC, 1, 2);
        let stop = Order { command: 0, number: 0 };
        assert!(control.write(&offer(1, 1, 1, 2), stop), "the VF is to read it");
        assert_eq!(
            read(&mut control, stop)[4..10],
            [1, 0, 0, 0, 0, 0],
            "addressed, with the command to stop"
        );
        assert_eq!(control.limit(), 2 * RECORD, "what was under way still arrives");
        assert_eq!(read(&mut control, Order { command: 7, number: 0 })[8..10], [7, 0]);
    }

    #[test]
    fn once_is_taken_back_when_it_was_acknowledged_and_a_new_number_asks_again() {
        let mut control = answered(once(4), 1, 2);
        assert_eq!(read(&mut control, once(4))[4..10], [0; 6]);
        assert_eq!(read(&mut control, once(5))[4..10], [1, 0, 0, 0, 0xFF, 0xFF]);
        assert_eq!(read(&mut control, once(5))[4..10], [1, 0, 0, 0, 0xFF, 0xFF], "not acknowledged yet");
        assert!(!control.write(&offer(1, ONCE, 1, 2), once(5)));
        assert_eq!(read(&mut control, once(5))[4..10], [0; 6]);
    }

    #[test]
    fn a_vf_that_never_answers_is_told_again_and_is_seen_not_to_have_acknowledged() {
        let mut control = Control::default();
        control.write(&offer(1, 0, 0, 0), PERIODIC);
        for _ in 0..4 {
            assert_eq!(read(&mut control, PERIODIC)[4..10], [1, 0, 0, 0, 1, 0]);
        }
        assert_eq!(control.commands(), 1);
    }
}
