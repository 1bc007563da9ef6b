//! Block for block: what is on the wire, and what is refused.

use backchannel::{ClientError, MessageClient, MessageLimits, NtStatus, SECOND, VfEvent};

use super::host::World;
use super::way::{LARGE, Way, world};

const CONTROL: u32 = 10;
pub(crate) const TO_PF: u32 = 11;
pub(crate) const TO_VF: u32 = 12;

pub(crate) fn piece(sequence: u16, number: u16, length: u32, fill: u8) -> [u8; 128] {
    let mut block = [fill; 128];
    block[..2].copy_from_slice(&sequence.to_le_bytes());
    block[2..4].copy_from_slice(&number.to_le_bytes());
    block[4..8].copy_from_slice(&length.to_le_bytes());
    block
}

pub(crate) fn acknowledgement(sequence: u16, number: u16) -> [u8; 128] {
    piece(sequence, number, 0, 0)
}

fn agree(world: &World, lowest: u8, highest: u8) -> NtStatus {
    let mut block = [0; 32];
    [block[0], block[2]] = [lowest, highest];
    world.write(0, CONTROL, &block)
}

/// What became of the VF's message: sequence, fate, length, status, pieces.
fn report(world: &World) -> (u16, u16, u32, u32, u16) {
    let (status, block) = world.read(0, TO_PF, 128);
    assert_eq!(status, NtStatus::SUCCESS);
    let half = |at: usize| u16::from_le_bytes([block[at], block[at + 1]]);
    let number = |at: usize| u32::from(half(at)) | u32::from(half(at + 2)) << 16;
    (half(0), half(2), number(4), number(8), half(12))
}

#[test]
fn nothing_is_taken_before_a_version_is_agreed() {
    let (world, echo) = world(LARGE);
    assert_eq!(world.write(0, TO_PF, &piece(1, 0, 5, 1)), NtStatus::INVALID_DEVICE_STATE);
    assert_eq!(world.write(0, TO_VF, &acknowledgement(1, 0)), NtStatus::INVALID_DEVICE_STATE);
    echo.to_send.lock().unwrap().push(vec![1]);
    assert_eq!(world.read(0, TO_VF, 128), (NtStatus::SUCCESS, vec![0; 128]));
    assert_eq!(agree(world, 2, 3), NtStatus::REVISION_MISMATCH);
    assert_eq!(world.write(0, TO_PF, &piece(1, 0, 5, 1)), NtStatus::INVALID_DEVICE_STATE);
    assert_eq!(agree(world, 1, 3), NtStatus::SUCCESS);
    assert_eq!(world.write(0, TO_PF, &piece(1, 0, 5, 1)), NtStatus::SUCCESS);
    assert_eq!(echo.taken(), [[1; 5]]);
}

#[test]
fn control_block_tells_version_and_limits() {
    let (world, _) = world(LARGE);
    assert_eq!(agree(world, 1, 9), NtStatus::SUCCESS);
    let mut block = [0; 32];
    [block[0], block[2], block[4], block[26], block[30]] = [1, 1, 1, 1, 1];
    assert_eq!(world.read(0, CONTROL, 32), (NtStatus::SUCCESS, block.to_vec()));
}

#[test]
fn pieces_that_are_none_are_refused_and_change_nothing() {
    let (world, echo) = world(LARGE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    assert_eq!(world.write(0, TO_PF, &piece(5, 0, 240, 1)), NtStatus::SUCCESS);
    let begun = (5, 1, 240, 0, 1);
    for (block, status) in [
        (piece(5, 2, 240, 2), NtStatus::INVALID_PARAMETER),
        (piece(5, 1, 241, 2), NtStatus::INVALID_PARAMETER),
        (piece(6, 547, 65_536, 2), NtStatus::INVALID_PARAMETER),
        (piece(6, u16::MAX, 240, 2), NtStatus::INVALID_PARAMETER),
        (piece(6, 0, 0, 2), NtStatus::INVALID_BUFFER_SIZE),
        (piece(6, 0, 65_537, 2), NtStatus::INVALID_BUFFER_SIZE),
        (piece(6, 0, u32::MAX, 2), NtStatus::INVALID_BUFFER_SIZE),
    ] {
        assert_eq!(world.write(0, TO_PF, &block), status);
        assert_eq!(report(world), begun);
    }
    assert_eq!(world.write(0, TO_PF, &[0; 8]), NtStatus::INVALID_BUFFER_SIZE, "it is no block");
    assert_eq!(world.write(0, TO_PF, &piece(5, 1, 240, 1)), NtStatus::SUCCESS);
    assert_eq!(echo.taken(), [[1; 240]]);
    assert_eq!(report(world), (5, 2, 240, 0, 2));
}

#[test]
fn pieces_from_before_are_dropped_and_a_later_message_takes_the_place() {
    let (world, echo) = world(LARGE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    for (sequence, number) in [(0xFFFF, 0), (0xFFFE, 0), (0xFFFE, 1), (0xFFFF, 0)] {
        assert_eq!(world.write(0, TO_PF, &piece(sequence, number, 240, 1)), NtStatus::SUCCESS);
    }
    assert_eq!(report(world), (0xFFFF, 1, 240, 0, 1));
    assert_eq!(world.write(0, TO_PF, &piece(0, 0, 7, 2)), NtStatus::SUCCESS, "the number wraps");
    assert_eq!(world.write(0, TO_PF, &piece(0xFFFF, 1, 240, 1)), NtStatus::SUCCESS, "it is given up");
    assert_eq!(world.write(0, TO_PF, &piece(0, 0, 7, 3)), NtStatus::SUCCESS, "it was taken");
    assert_eq!(echo.taken(), [[2; 7]]);
}

#[test]
fn message_that_takes_too_long_is_dropped_and_the_next_is_taken() {
    let (world, echo) = world(LARGE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    assert_eq!(world.write(0, TO_PF, &piece(1, 0, 240, 1)), NtStatus::SUCCESS);
    world.host.advance(LARGE.time + 1_000);
    assert_eq!(world.write(0, TO_PF, &piece(1, 1, 240, 1)), NtStatus::IO_TIMEOUT);
    assert_eq!(report(world).1, 4);
    assert_eq!(world.write(0, TO_PF, &piece(2, 0, 1, 1)), NtStatus::SUCCESS);
    assert_eq!(echo.taken(), [[1; 1]]);
}

#[test]
fn vf_goes_back_to_a_piece_and_acknowledges_the_message() {
    let (world, echo) = world(LARGE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    echo.to_send.lock().unwrap().push((0..250).collect());
    let read = |number: u16| {
        let (status, block) = world.read(0, TO_VF, 128);
        assert_eq!(status, NtStatus::SUCCESS);
        assert_eq!(block[..8], piece(1, number, 250, 0)[..8]);
        block[8..].to_vec()
    };
    assert_eq!(read(0), (0..120).collect::<Vec<u8>>());
    assert_eq!(read(1), (120..240).collect::<Vec<u8>>());
    assert_eq!(read(2), [&(240..250).collect::<Vec<u8>>()[..], &[0; 110]].concat());
    read(0);
    assert_eq!(world.write(0, TO_VF, &acknowledgement(1, 2)), NtStatus::SUCCESS);
    read(2);
    assert_eq!(world.write(0, TO_VF, &acknowledgement(1, 4)), NtStatus::INVALID_PARAMETER);
    assert_eq!(
        world.write(0, TO_VF, &acknowledgement(9, 3)),
        NtStatus::SUCCESS,
        "it is of none that is on its way"
    );
    read(0);
    assert_eq!(world.write(0, TO_VF, &acknowledgement(1, 3)), NtStatus::SUCCESS);
    assert_eq!(world.read(0, TO_VF, 128).1[2..], [0; 126]);
}

#[test]
fn second_message_to_a_vf_waits_for_the_first_until_its_time_is_over() {
    let (world, echo) = world(LARGE);
    let mut client = Way::open(world, 0);
    client.send(&[1; 5]).unwrap();
    let busy = NtStatus::DEVICE_NOT_READY;
    assert_eq!(client.send(&[2; 5]), Err(ClientError::Refused(busy.bits())), "the handler cannot answer it");
    world.host.advance(LARGE.time + 1_000);
    client.send(&[3; 5]).unwrap();
    let mut buffer = [0; 5];
    assert_eq!(client.receive(&mut buffer), Ok(Some(5)));
    assert_eq!(buffer, [3; 5]);
    assert_eq!(echo.taken().len(), 3);
}

#[test]
fn new_message_to_a_vf_is_announced() {
    let (world, _) = world(LARGE);
    let mut client = Way::open(world, 1);
    assert!(world.pf.take_invalidation(None).is_none());
    client.send(b"hello").unwrap();
    let told = world.pf.take_invalidation(None).unwrap();
    assert_eq!((told.vf().index.value(), told.blocks().bits()), (1, 1 << TO_VF));
}

#[test]
fn next_tenant_finds_nothing_of_the_last_ones_messages() {
    let (world, echo) = world(LARGE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    assert_eq!(world.write(0, TO_PF, &piece(1, 0, 240, 0xEE)), NtStatus::SUCCESS);
    echo.to_send.lock().unwrap().push(vec![0xEE; 300]);
    assert_eq!(world.read(0, TO_VF, 128).1[8], 0xEE);
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(world.write(0, TO_PF, &piece(1, 1, 240, 0xEE)), NtStatus::INVALID_DEVICE_STATE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    assert_eq!(report(world), (0, 0, 0, 0, 0));
    assert_eq!(world.read(0, TO_VF, 128).1, [0; 128]);
    assert_eq!(world.write(0, TO_PF, &piece(1, 1, 240, 0xAA)), NtStatus::SUCCESS);
    assert_eq!(echo.taken(), Vec::<Vec<u8>>::new(), "the first piece was the last tenant's");
}

#[test]
fn negotiation_begins_the_conversation_anew() {
    let (world, echo) = world(LARGE);
    let mut client = Way::open(world, 0);
    client.send(&[1; 5]).unwrap();
    let mut client = MessageClient::open(Way::new(world, 0, &[]), super::way::IDS).unwrap();
    assert_eq!(client.receive(&mut [0; 5]), Ok(None), "the answer was for the one before");
    client.send(&[2; 5]).unwrap();
    assert_eq!(echo.taken(), [[1; 5], [2; 5]]);
}

#[test]
fn handler_hears_what_happens_to_a_vf() {
    let (world, echo) = world(LARGE);
    echo.heard.lock().unwrap().clear();
    world.pf.reset_vf(1, &world.host).unwrap();
    assert_eq!(*echo.heard.lock().unwrap(), [(1, VfEvent::Reset)]);
}

#[test]
fn handler_cannot_send_nothing_or_more_than_the_limit() {
    let (world, echo) = world(MessageLimits { to_vf: 100, ..LARGE });
    let mut client = Way::open(world, 0);
    let refused = Err(ClientError::Refused(NtStatus::INVALID_BUFFER_SIZE.bits()));
    assert_eq!(client.send(&[1; 101]), refused, "it is sent back whole or not at all");
    assert_eq!(*echo.longest.lock().unwrap(), 100);
    assert_eq!(client.receive(&mut [0; 200]), Ok(None));
    client.send(&[1; 100]).unwrap();
    assert_eq!(client.receive(&mut [0; 200]), Ok(Some(100)));
}

#[test]
fn vf_is_told_of_a_message_only_when_there_is_one() {
    let (world, _) = world(LARGE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    let mut refused = piece(1, 0, 2, 0);
    refused[8..10].copy_from_slice(b"no");
    assert_eq!(world.write(0, TO_PF, &refused), NtStatus::ACCESS_DENIED);
    assert!(!world.pf.has_invalidations());
    assert_eq!(world.write(0, TO_PF, &piece(2, 0, 2, 7)), NtStatus::SUCCESS);
    assert!(world.pf.has_invalidations());
}

#[test]
fn control_block_tells_of_no_version_before_one_is_agreed() {
    let (world, _) = world(LARGE);
    let (status, block) = world.read(0, CONTROL, 32);
    assert_eq!((status, &block[..6]), (NtStatus::SUCCESS, &[1, 0, 1, 0, 0, 0][..]));
}

#[test]
fn message_is_not_late_before_its_time_is_over() {
    for (limits, seconds) in [(MessageLimits { time: SECOND, ..LARGE }, 1), (MessageLimits::DEFAULT, 5)] {
        let (world, _) = world(limits);
        assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
        assert_eq!(world.write(0, TO_PF, &piece(1, 0, 240, 1)), NtStatus::SUCCESS);
        world.host.advance(seconds * SECOND);
        assert_eq!(report(world), (1, 1, 240, 0, 1));
        world.host.advance(1);
        assert_eq!(report(world), (1, 4, 240, 0, 1));
    }
}

#[test]
fn pieces_that_have_arrived_are_bits_in_the_order_of_their_numbers() {
    let (world, _) = world(LARGE);
    assert_eq!(agree(world, 1, 1), NtStatus::SUCCESS);
    assert_eq!(world.write(0, TO_PF, &piece(1, 0, 1_300, 1)), NtStatus::SUCCESS);
    assert_eq!(world.write(0, TO_PF, &piece(1, 9, 1_300, 1)), NtStatus::SUCCESS);
    let (_, block) = world.read(0, TO_PF, 128);
    assert_eq!(block[16..20], [1, 2, 0, 0]);
}
