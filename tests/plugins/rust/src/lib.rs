//! The MAC address and VLAN of each VF: set by the operator, read by the VF, a change announced by an invalidation.
//!
//! Block 40 holds what the operator set, block 41 what the VF says that it uses. Both are 8 bytes: the address, and the VLAN
//! as a little-endian number (0 for none). The operator's program sends device control requests to the plug-in's device:
//!
//! | code | what | input | output |
//! | --- | --- | --- | --- |
//! | 0x222000 | set | VF (`u16`), address, VLAN | - |
//! | 0x222004 | query | VF (`u16`) | what the VF uses (8 bytes), how often it said so (`u64`) |
//! | 0x222008 | stop serving | - | - |
//! | 0x22200C | serve again | - | - |
//! | 0x222010 | put fresh state into the place of the old one, and keep what the VFs said | - | - |
#![no_std]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use pf_backchannel_plugin::{Block, Call, Handler, NtStatus, Operator, Pf, Service, VfEvent, plugin};

plugin!(services: [Service::new(LINK, &FIRST), Service::new(USED, &FIRST)], operator: &SWITCHBOARD);

const LINK: Block = Block::published(40).length(8).keep_on_reset().invalidatable();
const USED: Block = Block::written(41).length(8).unlimited();
/// The state that comes into the other's place, for each block.
static RENEWED: [[Service; 2]; 2] = [
    [Service::new(LINK, &FIRST), Service::new(USED, &FIRST)],
    [Service::new(LINK, &SECOND), Service::new(USED, &SECOND)],
];
static FIRST: Used = Used::new();
static SECOND: Used = Used::new();
static SWITCHBOARD: Switchboard = Switchboard { serving: AtomicUsize::new(0) };

/// What each VF says that it uses.
struct Used {
    link: [AtomicU64; MOST_VFS],
    times: [AtomicU64; MOST_VFS],
}

impl Used {
    const fn new() -> Self {
        Self { link: [const { AtomicU64::new(0) }; MOST_VFS], times: [const { AtomicU64::new(0) }; MOST_VFS] }
    }

    fn of(&self, vf: u16) -> Result<(&AtomicU64, &AtomicU64), NtStatus> {
        let place = usize::from(vf);
        self.link.get(place).zip(self.times.get(place)).ok_or(NtStatus::INVALID_PARAMETER)
    }

    /// Takes over what another state was told, and empties it; neither's handler is running.
    fn take_over(&self, old: &Self) {
        for (new, old) in self.link.iter().zip(&old.link) {
            let before = old.swap(0, Ordering::AcqRel);
            // A failure leaves what came later.
            let _later = new.compare_exchange(0, before, Ordering::AcqRel, Ordering::Acquire);
        }
        for (new, old) in self.times.iter().zip(&old.times) {
            new.fetch_add(old.swap(0, Ordering::AcqRel), Ordering::AcqRel);
        }
    }
}

impl Handler for Used {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let (link, times) = self.of(call.vf())?;
        let used = block.try_into().map_err(|_| NtStatus::INVALID_BUFFER_SIZE)?;
        link.store(u64::from_le_bytes(used), Ordering::Release);
        times.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn vf_event(&self, call: &Call<'_>, event: VfEvent) {
        if let (VfEvent::Reset, Ok((link, times))) = (event, self.of(call.vf())) {
            link.store(0, Ordering::Release);
            times.store(0, Ordering::Release);
        }
    }
}

/// Answers the operator.
struct Switchboard {
    /// Which of the two states serves.
    serving: AtomicUsize,
}

impl Switchboard {
    fn used(&self) -> &'static Used {
        if self.serving.load(Ordering::Acquire) == 0 { &FIRST } else { &SECOND }
    }

    fn renew(&self, pf: Pf) -> Result<(), NtStatus> {
        let old = self.used();
        let next = 1_usize.saturating_sub(self.serving.load(Ordering::Acquire));
        for service in RENEWED.get(next).into_iter().flatten() {
            pf.replace(service)?;
        }
        self.serving.store(next, Ordering::Release);
        self.used().take_over(old);
        Ok(())
    }
}

impl Operator for Switchboard {
    fn control(&self, pf: Pf, code: u32, input: &[u8], output: &mut [u8]) -> Result<usize, NtStatus> {
        match code {
            SET => set(pf, input).map(|()| 0),
            QUERY => {
                let vf = input.try_into().map_err(|_| NtStatus::INVALID_BUFFER_SIZE)?;
                let (link, times) = self.used().of(u16::from_le_bytes(vf))?;
                let (used, said) = output.split_at_mut_checked(8).ok_or(NtStatus::INVALID_BUFFER_SIZE)?;
                used.copy_from_slice(&link.load(Ordering::Acquire).to_le_bytes());
                let said = said.get_mut(..8).ok_or(NtStatus::INVALID_BUFFER_SIZE)?;
                said.copy_from_slice(&times.load(Ordering::Acquire).to_le_bytes());
                Ok(16)
            }
            STOP => {
                pf.stop();
                Ok(0)
            }
            START => pf.start().map(|()| 0),
            RENEW => self.renew(pf).map(|()| 0),
            _ => Err(NtStatus::INVALID_DEVICE_REQUEST),
        }
    }
}

fn set(pf: Pf, input: &[u8]) -> Result<(), NtStatus> {
    let input: [u8; 10] = input.try_into().map_err(|_| NtStatus::INVALID_BUFFER_SIZE)?;
    let [vf_low, vf_high, link @ ..] = input;
    let [first, .., vlan_low, vlan_high] = link;
    // A VF's own address is of one station; VLAN 4095 is reserved.
    if first & 1 != 0 || u16::from_le_bytes([vlan_low, vlan_high]) > 4094 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let vf = u16::from_le_bytes([vf_low, vf_high]);
    pf.publish(vf, LINK.id(), &link)?;
    pf.invalidate(vf, 1 << LINK.id())
}

const MOST_VFS: usize = 256;
const SET: u32 = 0x22_2000;
const QUERY: u32 = 0x22_2004;
const STOP: u32 = 0x22_2008;
const START: u32 = 0x22_200C;
const RENEW: u32 = 0x22_2010;
