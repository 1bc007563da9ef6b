//! A guest that writes its channel itself: messages that no bus driver sends.

use std::path::PathBuf;

use parent_partition::nt::status;
use parent_partition::partition::{Partition, Vfs};
use parent_partition::scenario;
use parent_partition::vmbus::channel::End;
use parent_partition::vmbus::message::{GuestMessage, Slot};
use parent_partition::vmbus::packet::PacketKind;
use parent_partition::vpci::link::Client;
use scenarios::command;

const SLOT: Slot = Slot(7);
const VFS: u16 = 4;
/// The worked example's control block, exactly 128 bytes long.
const CONTROL: u32 = 0;
const BAD_DATA: u32 = 0xC000_090B;
const INVALID_PARAMETER: u32 = status::INVALID_PARAMETER.cast_unsigned();
const SUCCESS: u32 = 0;

#[test]
fn write_message_of_no_bytes_is_refused_by_the_pf() {
    scenario!(|| against_the_image(|guest| assert_eq!(write(guest, CONTROL, &[]), INVALID_PARAMETER)))
        .expect_clean();
}

#[test]
fn write_messages_longer_than_a_block_are_refused_by_the_pf() {
    scenario!(|| against_the_image(|guest| {
        assert_eq!(write(guest, CONTROL, &[0xEE; 129]), INVALID_PARAMETER);
        assert_eq!(write(guest, CONTROL, &[0xEE; 8192]), INVALID_PARAMETER);
    }))
    .expect_clean();
}

#[test]
fn write_message_that_claims_more_than_it_holds_is_answered_by_the_vsp() {
    scenario!(|| against_the_image(|guest| {
        let mut message =
            GuestMessage::WriteBlock { slot: SLOT, block: CONTROL, bytes: vec![0xEE; 8] }.encode();
        message[12] = 128;
        assert_eq!(ask(guest, message).0, BAD_DATA);
    }))
    .expect_clean();
}

#[test]
fn read_messages_for_lengths_that_no_block_has_are_refused_without_a_byte() {
    scenario!(|| against_the_image(|guest| {
        for bytes_requested in [0, 129, 4096, 4097, u32::MAX] {
            let message = GuestMessage::ReadBlock { slot: SLOT, block: CONTROL, bytes_requested };
            let (status, bytes) = ask(guest, message.encode());
            assert_eq!(
                (status, bytes),
                (INVALID_PARAMETER, vec![0; 4]),
                "the rest of the word that rounds it up"
            );
        }
    }))
    .expect_clean();
}

#[test]
fn message_for_another_guests_device_does_not_reach_it() {
    scenario!(|| against_the_image(|guest| {
        let message = GuestMessage::WriteBlock { slot: Slot(8), block: CONTROL, bytes: vec![1; 128] };
        assert_eq!(ask(guest, message.encode()).0, status::NO_SUCH_DEVICE.cast_unsigned());
    }))
    .expect_clean();
}

#[test]
fn messages_of_no_kind_are_answered_and_the_channel_lives() {
    scenario!(|| against_the_image(|guest| {
        for message in [vec![], vec![0xFF; 8], vec![0x09, 0x00, 0x49, 0x42], vec![0xEE; 4096]] {
            assert_eq!(ask(guest, message).0, BAD_DATA);
        }
    }))
    .expect_clean();
}

#[test]
fn guest_that_breaks_its_ring_loses_its_channel_and_nobody_elses() {
    let verdict = scenario!(|| {
        let mut partition = partition();
        let (broken, other) = (partition.offer(SLOT, 1), partition.offer(SLOT, 2));
        broken.send_bytes(&[0xFF; 64]).expect("the ring has room");
        assert!(broken.receive().is_err());
        assert_eq!(write(&other, CONTROL, &[0; 128]), SUCCESS);
        other.close();
    });
    verdict.expect_clean();
}

/// Gives `attack` a guest's end; afterwards the same guest is served as ever.
fn against_the_image(attack: fn(&End)) {
    let mut partition = partition();
    let guest = partition.offer(SLOT, 0);
    attack(&guest);
    assert_eq!(write(&guest, CONTROL, &[0; 128]), SUCCESS);
    guest.close();
}

fn partition() -> Partition {
    let image: PathBuf = command::image();
    let mut partition = Partition::boot(image, Vfs::all(VFS), Client::Windows);
    partition.load().expect("the driver starts");
    partition
}

fn write(guest: &End, block: u32, bytes: &[u8]) -> u32 {
    ask(guest, GuestMessage::WriteBlock { slot: SLOT, block, bytes: bytes.to_vec() }.encode()).0
}

/// Sends a request; the status that completes it, and what follows.
fn ask(guest: &End, message: Vec<u8>) -> (u32, Vec<u8>) {
    guest.send(PacketKind::Request, 42, message).expect("the channel is open");
    let answer = guest.receive().expect("a completion");
    assert_eq!((answer.kind, answer.transaction), (PacketKind::Completion, 42));
    let (status, rest) = answer.payload.split_at(4);
    (u32::from_le_bytes(status.try_into().expect("four bytes")), rest.to_vec())
}
