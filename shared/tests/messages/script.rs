//! A VF driver's client against a PF that says what the test wants it to.

use std::collections::VecDeque;

use backchannel::{Blocks, ClientError, MessageClient, NtStatus};

use super::way::IDS;
use super::wire::{TO_PF, TO_VF, acknowledgement, piece};

/// Answers reads one after the other, and remembers what is written.
struct Script {
    answers: VecDeque<Vec<u8>>,
    written: Vec<(u32, Vec<u8>)>,
}

impl Blocks for Script {
    type Refusal = NtStatus;

    fn write(&mut self, block: u32, bytes: &[u8]) -> Result<(), NtStatus> {
        self.written.push((block, bytes.to_vec()));
        Ok(())
    }

    fn read(&mut self, _block: u32, bytes: &mut [u8]) -> Result<(), NtStatus> {
        let answer = self.answers.pop_front().ok_or(NtStatus::IO_TIMEOUT)?;
        bytes.copy_from_slice(&answer);
        Ok(())
    }
}

/// A conversation that has begun; from here on reads are answered so.
fn begun(answers: &[[u8; 128]]) -> MessageClient<Script> {
    let mut agreed = vec![0; 32];
    agreed[4] = 1;
    agreed[24..28].copy_from_slice(&65_536_u32.to_le_bytes());
    agreed[28..].copy_from_slice(&65_536_u32.to_le_bytes());
    let answers = std::iter::once(agreed).chain(answers.iter().map(|answer| answer.to_vec())).collect();
    let mut client = MessageClient::open(Script { answers, written: Vec::new() }, IDS).unwrap();
    client.blocks().written.clear();
    client
}

#[test]
fn sender_hears_that_its_message_took_too_long_and_sends_no_more_of_it() {
    let mut late = piece(1, 4, 240, 0);
    late[8..].fill(0);
    let mut client = begun(&[late, late]);
    assert_eq!(client.send(&[7; 240]), Err(ClientError::TooLate));
    assert_eq!(client.blocks().written.len(), 2, "each piece was sent once");
    assert!(client.blocks().written.iter().all(|(block, _)| *block == TO_PF));
}

#[test]
fn piece_beyond_the_end_of_its_message_is_not_taken() {
    for number in [2, 3, u16::MAX] {
        let mut client = begun(&[piece(1, number, 240, 7)]);
        assert_eq!(client.receive(&mut [0; 240]), Err(ClientError::Length), "piece {number} of 2");
    }
    let mut client = begun(&[piece(1, 0, 65_537, 7)]);
    assert_eq!(client.receive(&mut vec![0; 70_000]), Err(ClientError::Length), "no message is so long");
}

#[test]
fn message_that_the_pf_gave_up_leaves_nothing_in_the_next_one() {
    let mut client = begun(&[piece(1, 0, 240, 1), piece(2, 0, 240, 2), piece(2, 1, 240, 2)]);
    let mut buffer = [0; 240];
    assert_eq!(client.receive(&mut buffer), Ok(Some(240)));
    assert_eq!(buffer, [2; 240]);
}

#[test]
fn message_over_a_good_way_costs_one_read_for_each_piece_and_one_write() {
    let mut client = begun(&[0, 1, 2].map(|number| piece(9, number, 360, 5)));
    assert_eq!(client.receive(&mut [0; 360]), Ok(Some(360)));
    assert_eq!(client.blocks().written, [(TO_VF, acknowledgement(9, 3).to_vec())]);
    assert!(client.blocks().answers.is_empty());
}
