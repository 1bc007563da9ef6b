//! The VSP as a whole: one connection to the PF, and a channel to each guest.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::buffer::Lender;
use super::door::{Door, Visit};
use super::invalidations::{Invalidations, Offers};
use super::pf::Pf;
use super::service::Offer;
use crate::machine::{thread, wait};
use crate::nt::status::{self, Status};
use crate::vmbus::channel::{self, End};
use crate::vmbus::message::{HostMessage, Slot};
use crate::vmbus::packet::PacketKind;

/// The VPCI service provider.
#[derive(Debug, Default)]
pub struct Provider {
    door: Arc<Door>,
    channels: BTreeMap<u16, Channel>,
    offers: Offers,
    invalidations: Option<Invalidations>,
}

/// What a call of the PF came to; an error is a call that the VSP did not make.
pub type Called<T> = Result<T, Status>;

#[derive(Debug)]
struct Channel {
    offer: Arc<Offer>,
    thread: thread::JoinHandle<()>,
}

impl Provider {
    /// Connects to the PF.
    ///
    /// # Errors
    ///
    /// The status with which the PF could not be opened or has no interface.
    pub fn take_pf(&self) -> Result<(), Status> {
        self.door.open(Pf::open()?);
        Ok(())
    }

    /// Waits for the calls that are inside the PF, then gives interface and handle back.
    pub fn release_pf(&mut self) {
        self.end_listening();
        drop(self.door.close());
    }

    /// Keeps a request parked at the PF from now on, and tells the guests of each mask that it brings.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is no PF.
    pub fn listen(&mut self) -> Result<(), Status> {
        if self.invalidations.is_none() {
            let pf = self.pf()?;
            self.invalidations = Some(Invalidations::begin(pf, Arc::clone(&self.offers)));
        }
        Ok(())
    }

    /// Takes back the parked request of [`Provider::listen`].
    pub fn end_listening(&mut self) {
        // Dropping it cancels the request.
        self.invalidations = None;
    }

    /// The way to the PF, for a thread of the VSP.
    pub fn door(&self) -> Arc<Door> {
        Arc::clone(&self.door)
    }

    /// Whether there is a PF to ask.
    pub fn has_pf(&self) -> bool {
        self.door.enter().is_some()
    }

    /// Offers a guest the device that it will know by `slot`, and returns the guest's end of the channel.
    ///
    /// Whether the PF has such a VF is for the PF to say.
    ///
    /// # Panics
    ///
    /// When the VF is offered already, or the host has no more threads.
    pub fn offer(&mut self, slot: Slot, vf: u16) -> End {
        let (guest, host) = channel::open();
        let offer = Arc::new(Offer::new(slot, vf, host));
        let (served, door) = (Arc::clone(&offer), Arc::clone(&self.door));
        let thread = thread::spawn("vsp channel", move || served.serve(&door)).expect("a host thread");
        self.offers.lock().expect("no holder panics").insert(vf, Arc::clone(&offer));
        let before = self.channels.insert(vf, Channel { offer, thread });
        assert!(before.is_none(), "a VF belongs to one guest");
        guest
    }

    /// What the VSP keeps of a VF's channel.
    pub fn offer_of(&self, vf: u16) -> Option<&Arc<Offer>> {
        self.channels.get(&vf).map(|channel| &channel.offer)
    }

    /// Takes every device away: asks the guests to let go, waits until they did, and closes the channels.
    pub fn withdraw(&mut self) {
        self.offers.lock().expect("no holder panics").clear();
        for Channel { offer, .. } in self.channels.values() {
            let eject = HostMessage::Eject { slot: offer.slot };
            // A channel that is closed already has nobody to ask.
            if offer.end().send(PacketKind::Message, 0, eject.encode()).is_ok() {
                wait::until(None, || offer.is_ejected().then_some(()));
            }
            offer.end().close();
        }
        while let Some((_, Channel { thread, .. })) = self.channels.pop_first() {
            thread.join();
        }
    }

    /// The PF, for one call; nobody closes it meanwhile.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is no PF to call.
    pub fn pf(&self) -> Called<Visit> {
        self.door.enter().ok_or(status::DEVICE_NOT_READY)
    }

    /// Calls the PF's WriteVfConfigBlock with exactly these arguments; `None` is a NULL buffer.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is no PF to call.
    pub fn write(&self, vf: u16, block: u32, length: u32, data: Option<&[u8]>) -> Called<Status> {
        let pf = self.door.enter().ok_or(status::DEVICE_NOT_READY)?;
        let mut lender = Lender::new(data.map_or(0, <[u8]>::len));
        Ok(pf.write_block(&mut lender, vf, block, length, data))
    }

    /// Calls the PF's ReadVfConfigBlock with exactly these arguments, and returns what the buffer holds then;
    /// `None` is a NULL buffer.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is no PF to call.
    pub fn read(&self, vf: u16, block: u32, length: u32, before: Option<&[u8]>) -> Called<(Status, Vec<u8>)> {
        let pf = self.door.enter().ok_or(status::DEVICE_NOT_READY)?;
        let mut lender = Lender::new(before.map_or(0, <[u8]>::len));
        Ok(pf.read_block(&mut lender, vf, block, length, before))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.withdraw();
        self.release_pf();
    }
}
