//! One guest's channel: each request is parsed, put to the PF, and completed.

use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::buffer::Lender;
use super::door::{Door, Visit};
use crate::judge::{self, Rule};
use crate::machine::wait;
use crate::nt::status::{self, Status};
use crate::vmbus::channel::End;
use crate::vmbus::message::{GuestMessage, MessageError, ReadCompletion, Slot, WriteCompletion};
use crate::vmbus::packet::{Packet, PacketKind};

/// Who decided a request that reached the VSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// The VSP; the PF was not asked.
    Vsp,
    /// The PF's driver.
    Pf,
}

/// What the VSP keeps of a channel while its thread serves it.
#[derive(Debug)]
pub struct Offer {
    /// The guest's name for the device.
    pub slot: Slot,
    /// The VF it stands for.
    pub vf: u16,
    end: End,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    decided: u64,
    last: Option<Decider>,
    ejected: bool,
}

impl Offer {
    /// A channel to a guest that knows `vf` as `slot`.
    pub fn new(slot: Slot, vf: u16, end: End) -> Self {
        Self { slot, vf, end, progress: Mutex::default() }
    }

    /// The host's end.
    pub fn end(&self) -> &End {
        &self.end
    }

    /// How many requests were completed, and who decided the last of them.
    pub fn decisions(&self) -> (u64, Option<Decider>) {
        let progress = self.progress();
        (progress.decided, progress.last)
    }

    /// Whether the guest has said that it let go of the device.
    pub fn is_ejected(&self) -> bool {
        self.progress().ejected
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the channel until it is closed, on the calling kernel thread.
    ///
    /// A guest that breaks the ring itself has the channel closed.
    pub fn serve(&self, door: &Door) {
        let mut server = Server { offer: self, door, lender: Lender::new(0), random: self.random() };
        while let Ok(packet) = self.end.receive() {
            match packet.kind {
                PacketKind::Request => {
                    let (decider, completion) = server.complete(&packet);
                    self.decide(decider);
                    if self.end.send(PacketKind::Completion, packet.transaction, completion).is_err() {
                        break;
                    }
                }
                PacketKind::Message => {
                    if let Ok(GuestMessage::EjectComplete { slot, .. }) =
                        GuestMessage::decode(&packet.payload)
                        && slot == self.slot
                    {
                        wait::change(|| self.progress().ejected = true);
                    }
                }
                // The VSP asks nothing that is completed.
                PacketKind::Completion => {}
            }
        }
        self.end.close();
        wait::change(|| self.progress().ejected = true);
    }

    fn decide(&self, decider: Decider) {
        let mut progress = self.progress();
        progress.decided += 1;
        progress.last = Some(decider);
    }

    fn random(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(u64::from(self.vf))
    }
}

struct Server<'a> {
    offer: &'a Offer,
    door: &'a Door,
    lender: Lender,
    random: ChaCha8Rng,
}

impl Server<'_> {
    fn complete(&mut self, packet: &Packet) -> (Decider, Vec<u8>) {
        match GuestMessage::decode(&packet.payload) {
            Ok(GuestMessage::WriteBlock { slot, block, bytes }) => {
                let (decider, status) = match self.known(slot) {
                    Err(refusal) => (Decider::Vsp, refusal),
                    Ok(()) => self.write(block, &bytes),
                };
                (decider, WriteCompletion { status: status.cast_unsigned() }.encode())
            }
            Ok(GuestMessage::ReadBlock { slot, block, bytes_requested }) => {
                let (decider, status, bytes) = match self.known(slot) {
                    Err(refusal) => (Decider::Vsp, refusal, Vec::new()),
                    Ok(()) => self.read(block, bytes_requested),
                };
                (decider, ReadCompletion { status: status.cast_unsigned(), bytes }.encode())
            }
            Ok(GuestMessage::EjectComplete { .. })
            | Err(MessageError::TooShort | MessageError::UnknownType(_) | MessageError::ByteCount { .. }) => {
                (Decider::Vsp, WriteCompletion { status: BAD_DATA.cast_unsigned() }.encode())
            }
        }
    }

    fn known(&self, slot: Slot) -> Result<(), Status> {
        if slot == self.offer.slot { Ok(()) } else { Err(status::NO_SUCH_DEVICE) }
    }

    fn write(&mut self, block: u32, bytes: &[u8]) -> (Decider, Status) {
        let Some(pf) = self.door.enter() else { return (Decider::Vsp, status::DEVICE_NOT_READY) };
        let length = u32::try_from(bytes.len()).expect("a packet is shorter than 4 GiB");
        (Decider::Pf, pf.write_block(&mut self.lender, self.offer.vf, block, length, Some(bytes)))
    }

    /// A success carries as many bytes as were asked for, a refusal none.
    fn read(&mut self, block: u32, requested: u32) -> (Decider, Status, Vec<u8>) {
        let Some(pf) = self.door.enter() else { return (Decider::Vsp, status::DEVICE_NOT_READY, Vec::new()) };
        let mut before = vec![0; usize::try_from(requested).map_or(LONGEST, |length| length.min(LONGEST))];
        self.random.fill_bytes(&mut before);
        let (status, after) = pf.read_block(&mut self.lender, self.offer.vf, block, requested, Some(&before));
        if status != status::SUCCESS {
            return (Decider::Pf, status, Vec::new());
        }
        judge_filled(&pf, block, &before, &after);
        (Decider::Pf, status, after)
    }
}

/// Breaks [`Rule::UnfilledRead`] when the PF answered success and left part of the buffer as it was.
///
/// The buffer held random bytes, so a run of eight that did not change was not written: chance makes one
/// in 2^64.
fn judge_filled(pf: &Visit, block: u32, before: &[u8], after: &[u8]) {
    let unchanged = |(before, after): (&[u8], &[u8])| before == after;
    let run = before.windows(RUN).zip(after.windows(RUN)).position(unchanged);
    if let Some(offset) = run {
        let detail =
            format!("a read of {} bytes of block {block:#x} left byte {offset} as it was", after.len());
        judge::violation_at(Rule::UnfilledRead, "ReadVfConfigBlock", pf.read_routine(), detail);
    }
}

const BAD_DATA: Status = 0xC000_090B_u32.cast_signed();
const LONGEST: usize = 4096;
const RUN: usize = 8;

#[cfg(test)]
mod tests;
