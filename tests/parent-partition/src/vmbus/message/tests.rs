//! Each message against its bytes, written out by hand from the wire's description.

use super::{GuestMessage, HostMessage, MessageError, ReadCompletion, Slot, WriteCompletion};

#[test]
fn read_block_is_16_bytes() {
    let message = GuestMessage::ReadBlock { slot: Slot::new(3, 1), block: 0x0102_0304, bytes_requested: 128 };
    let wire = [
        0x09, 0x00, 0x49, 0x42, // type
        0x04, 0x03, 0x02, 0x01, // block id
        0x23, 0x00, 0x00, 0x00, // slot: device 3, function 1
        0x80, 0x00, 0x00, 0x00, // bytes requested
    ];
    assert_eq!(message.encode(), wire);
    assert_eq!(GuestMessage::decode(&wire), Ok(message));
}

#[test]
fn write_block_of_one_byte_is_17_bytes() {
    let message = GuestMessage::WriteBlock { slot: Slot(0), block: 1, bytes: vec![0xEE] };
    let wire = [
        0x0A, 0x00, 0x49, 0x42, // type
        0x01, 0x00, 0x00, 0x00, // block id
        0x00, 0x00, 0x00, 0x00, // slot
        0x01, 0x00, 0x00, 0x00, // byte count
        0xEE,
    ];
    assert_eq!(message.encode(), wire);
    assert_eq!(GuestMessage::decode(&wire), Ok(message));
}

#[test]
fn write_block_of_128_bytes_is_144_bytes() {
    let message = GuestMessage::WriteBlock { slot: Slot(0), block: 1, bytes: vec![7; 128] };
    assert_eq!(message.encode().len(), 144);
}

#[test]
fn four_bytes_more_than_a_write_needs_are_ignored() {
    let message = GuestMessage::WriteBlock { slot: Slot(0), block: 1, bytes: vec![1, 2, 3] };
    let mut wire = message.encode();
    wire.extend_from_slice(&[0xFF; 4]);
    assert_eq!(GuestMessage::decode(&wire), Ok(message));
}

#[test]
fn write_that_claims_more_than_arrived_is_refused() {
    let mut wire = GuestMessage::WriteBlock { slot: Slot(0), block: 1, bytes: vec![1, 2, 3] }.encode();
    wire[12] = 4;
    assert_eq!(GuestMessage::decode(&wire), Err(MessageError::ByteCount { claimed: 4, arrived: 3 }));
}

#[test]
fn write_that_claims_4_gib_is_refused() {
    let mut wire = GuestMessage::WriteBlock { slot: Slot(0), block: 1, bytes: vec![1, 2, 3] }.encode();
    wire[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(GuestMessage::decode(&wire), Err(MessageError::ByteCount { claimed: u32::MAX, arrived: 3 }));
}

#[test]
fn message_cut_inside_its_fixed_part_is_refused() {
    let wire = GuestMessage::ReadBlock { slot: Slot(0), block: 1, bytes_requested: 1 }.encode();
    assert_eq!(GuestMessage::decode(&wire[..15]), Err(MessageError::TooShort));
    assert_eq!(GuestMessage::decode(&wire[..3]), Err(MessageError::TooShort));
    assert_eq!(GuestMessage::decode(&[]), Err(MessageError::TooShort));
}

#[test]
fn unknown_type_is_refused() {
    assert_eq!(GuestMessage::decode(&[0x00, 0x00, 0x49, 0x42]), Err(MessageError::UnknownType(0x4249_0000)));
    assert_eq!(HostMessage::decode(&[0x09, 0x00, 0x49, 0x42]), Err(MessageError::UnknownType(0x4249_0009)));
}

#[test]
fn invalidation_is_16_bytes() {
    let message = HostMessage::InvalidateBlock { slot: Slot(2), block_mask: 0x8000_0000_0000_0001 };
    let wire = [
        0x12, 0x00, 0x49, 0x42, // type
        0x02, 0x00, 0x00, 0x00, // slot
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, // block mask
    ];
    assert_eq!(message.encode(), wire);
    assert_eq!(HostMessage::decode(&wire), Ok(message));
}

#[test]
fn eject_and_its_answer_carry_the_slot() {
    let eject = HostMessage::Eject { slot: Slot(5) };
    let wire = [0x0B, 0x00, 0x49, 0x42, 0x05, 0x00, 0x00, 0x00];
    assert_eq!(eject.encode(), wire);
    assert_eq!(HostMessage::decode(&wire), Ok(eject));

    let done = GuestMessage::EjectComplete { slot: Slot(5), status: 0xC000_0001 };
    let wire = [0x0F, 0x00, 0x49, 0x42, 0x05, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0xC0];
    assert_eq!(done.encode(), wire);
    assert_eq!(GuestMessage::decode(&wire), Ok(done));
}

#[test]
fn read_completion_is_a_status_and_bytes() {
    let completion = ReadCompletion { status: 0, bytes: vec![0xAB; 128] };
    let wire = completion.encode();
    assert_eq!(wire.len(), 132);
    assert_eq!(wire[..5], [0, 0, 0, 0, 0xAB]);
    assert_eq!(ReadCompletion::decode(&wire), Ok(completion));
    assert_eq!(ReadCompletion::decode(&[0, 0, 0]), Err(MessageError::TooShort));
}

#[test]
fn write_completion_is_a_status_alone() {
    let completion = WriteCompletion { status: 0xC000_000D };
    assert_eq!(completion.encode(), [0x0D, 0x00, 0x00, 0xC0]);
    assert_eq!(WriteCompletion::decode(&[0x0D, 0x00, 0x00, 0xC0, 0, 0, 0, 0]), Ok(completion));
    assert_eq!(WriteCompletion::decode(&[0x0D, 0x00]), Err(MessageError::TooShort));
}

#[test]
fn slot_packs_device_and_function() {
    assert_eq!(Slot::new(31, 7), Slot(0xFF));
    assert_eq!(Slot::new(1, 0), Slot(1));
    assert_eq!(Slot::new(0, 1), Slot(0x20));
}
