//! The service of a channel while there is no PF: what the VSP decides alone.

use std::sync::Arc;

use super::{Decider, Offer};
use crate::machine::thread;
use crate::nt::status;
use crate::vmbus::channel::{self, End};
use crate::vmbus::message::{GuestMessage, HostMessage, Slot};
use crate::vmbus::packet::PacketKind;
use crate::vsp::door::Door;

const SLOT: Slot = Slot(3);

/// A guest's end of a channel that is served.
struct Bench {
    guest: End,
    offer: Arc<Offer>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Bench {
    fn new() -> Self {
        let (guest, host) = channel::open();
        let offer = Arc::new(Offer::new(SLOT, 0, host));
        let served = Arc::clone(&offer);
        let thread = thread::spawn("vsp channel", move || served.serve(&Door::default())).expect("a thread");
        Self { guest, offer, thread: Some(thread) }
    }

    /// Sends a request and returns the status that completes it.
    fn status(&self, payload: Vec<u8>) -> u32 {
        self.guest.send(PacketKind::Request, 77, payload).expect("open");
        let packet = self.guest.receive().expect("a completion");
        assert_eq!((packet.kind, packet.transaction), (PacketKind::Completion, 77));
        u32::from_le_bytes(packet.payload[..4].try_into().expect("four bytes"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.guest.close();
        self.thread.take().expect("joined once").join();
    }
}

#[test]
fn request_without_a_pf_is_answered_not_ready() {
    let bench = Bench::new();
    let write = GuestMessage::WriteBlock { slot: SLOT, block: 1, bytes: vec![0; 8] };
    let read = GuestMessage::ReadBlock { slot: SLOT, block: 1, bytes_requested: 8 };
    assert_eq!(bench.status(write.encode()), status::DEVICE_NOT_READY.cast_unsigned());
    assert_eq!(bench.status(read.encode()), status::DEVICE_NOT_READY.cast_unsigned());
    assert_eq!(bench.offer.decisions(), (2, Some(Decider::Vsp)));
}

#[test]
fn request_for_another_slot_is_refused() {
    let bench = Bench::new();
    let write = GuestMessage::WriteBlock { slot: Slot(4), block: 1, bytes: vec![0; 8] };
    assert_eq!(bench.status(write.encode()), status::NO_SUCH_DEVICE.cast_unsigned());
    // Bits that the layout reserves are part of the name.
    let read = GuestMessage::ReadBlock { slot: Slot(SLOT.0 | 0x100), block: 1, bytes_requested: 8 };
    assert_eq!(bench.status(read.encode()), status::NO_SUCH_DEVICE.cast_unsigned());
}

#[test]
fn request_that_is_no_message_is_answered_bad_data() {
    let bench = Bench::new();
    let mut short = GuestMessage::WriteBlock { slot: SLOT, block: 1, bytes: vec![0; 8] }.encode();
    short[12] = 9;
    let reserved = GuestMessage::EjectComplete { slot: SLOT, status: 0 }.encode();
    for payload in [vec![0; 8], short, reserved, Vec::new()] {
        assert_eq!(bench.status(payload), 0xC000_090B);
    }
}

#[test]
fn guest_that_breaks_its_ring_has_its_channel_closed() {
    let bench = Bench::new();
    bench.guest.send_bytes(&[0xFF; 24]).expect("open");
    assert!(bench.guest.receive().is_err());
    assert!(bench.guest.send(PacketKind::Message, 0, Vec::new()).is_err());
}

#[test]
fn ejection_is_over_when_the_guest_consents() {
    let bench = Bench::new();
    bench.offer.end().send(PacketKind::Message, 0, HostMessage::Eject { slot: SLOT }.encode()).expect("open");
    bench.guest.receive().expect("the VSP's request");
    assert!(!bench.offer.is_ejected());
    let consent = GuestMessage::EjectComplete { slot: SLOT, status: 0 };
    bench.guest.send(PacketKind::Message, 0, consent.encode()).expect("open");
    let ejected = crate::machine::wait::until(None, || bench.offer.is_ejected().then_some(()));
    assert_eq!(ejected, Some(()));
}
