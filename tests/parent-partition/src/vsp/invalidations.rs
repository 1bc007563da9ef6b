//! The request that the VSP keeps parked at the PF, and the guests that are told of each mask that it brings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::door::Visit;
use super::service::Offer;
use crate::machine::{thread, wait};
use crate::nt::control::Control;
use crate::nt::status;
use crate::vmbus::message::HostMessage;
use crate::vmbus::packet::PacketKind;

/// The channels by VF.
pub type Offers = Arc<Mutex<BTreeMap<u16, Arc<Offer>>>>;

/// The parked request's thread; dropping this cancels the request and waits for it.
#[derive(Debug)]
pub struct Invalidations {
    ended: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Invalidations {
    /// Parks the request, and another each time it was completed.
    ///
    /// # Panics
    ///
    /// When the host has no more threads.
    pub fn begin(pf: Visit, offers: Offers) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        let thread = thread::spawn("vsp invalidations", move || keep_parked(&pf, &offers, &flag));
        Self { ended, thread: Some(thread.expect("a host thread")) }
    }
}

impl Drop for Invalidations {
    fn drop(&mut self) {
        wait::change(|| self.ended.store(true, Ordering::Release));
        self.thread.take().map(thread::JoinHandle::join);
    }
}

/// A PF that refuses the request, or ends it, is not asked again.
fn keep_parked(pf: &Visit, offers: &Offers, ended: &AtomicBool) {
    let is_ended = || ended.load(Ordering::Acquire);
    while !is_ended() {
        let control = Control {
            code: INVALIDATE_BLOCK,
            internal: true,
            user: false,
            input: Vec::new(),
            output: INVALIDATE_BLOCK_SIZE,
        };
        let (sent, data) = control.send(pf.file());
        wait::until(None, || (is_ended() || sent.outcome().is_some()).then_some(()));
        if sent.outcome().is_none() {
            sent.cancel();
        }
        let outcome = sent.finish();
        // A mask that came although the request was being cancelled counts: the PF has forgotten it.
        match (outcome.status, data.take().as_slice().try_into()) {
            (status::SUCCESS, Ok(bytes)) => tell(offers, bytes),
            _ => return,
        }
    }
}

/// SPEC: VF index 0xFFFF stands for all VFs; six bytes of padding follow the index.
fn tell(offers: &Offers, [low, high, _, _, _, _, _, _, mask @ ..]: [u8; INVALIDATE_BLOCK_SIZE]) {
    let (vf, block_mask) = (u16::from_le_bytes([low, high]), u64::from_le_bytes(mask));
    for (index, offer) in offers.lock().expect("no holder panics").iter() {
        if vf == ALL_VFS || vf == *index {
            let message = HostMessage::InvalidateBlock { slot: offer.slot, block_mask };
            // A guest that is gone has nothing to read again.
            let _gone = offer.end().send(PacketKind::Message, 0, message.encode());
        }
    }
}

/// IOCTL_SRIOV_INVALIDATE_BLOCK.
pub const INVALIDATE_BLOCK: u32 = 0x0022_6054;
/// Bytes of SRIOV_INVALIDATE_BLOCK.
pub const INVALIDATE_BLOCK_SIZE: usize = 16;
const ALL_VFS: u16 = 0xFFFF;
