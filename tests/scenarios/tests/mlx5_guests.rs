//! Linux mlx5 VF drivers talk to the example's host half in the image as shipped.

use scenarios::script::{Conversation, read, write};
use serde_json::{Value, json};

const CONTROL: u32 = 0;
const STATISTICS: u32 = 1;
const ORDER: u32 = 0x0FFE;
const REPORT: u32 = 0x0FFF;
const FIRST_WINDOW: u32 = 0x1000;

const ONCE: u16 = 0xFFFF;

/// Guests of one PF, each with its statistics agent.
struct Guests(Conversation);

impl Guests {
    fn begin() -> Self {
        Self(Conversation::begin(&["--vfs", "2"]))
    }

    #[track_caller]
    fn ask(&mut self, line: &Value) -> Value {
        let answer = self.0.ask(line);
        assert_eq!(answer["status"], "0x00000000", "{line}");
        answer
    }

    #[track_caller]
    fn block(&mut self, vf: u16, block: u32) -> Vec<u8> {
        let answer = self.ask(&read(vf, block, 128));
        let text = answer["data"].as_str().expect("a block");
        (0..128).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("digits")).collect()
    }

    /// One cycle of the driver: reads the control block, and writes it back with what it has; gives control and command.
    #[track_caller]
    fn cycle(&mut self, vf: u16, capabilities: u32, rings: u16) -> (u32, u16) {
        let mut block = self.block(vf, CONTROL);
        let control = u32::from_le_bytes(block[4..8].try_into().expect("four bytes"));
        let command = half(&block, 8);
        block[..4].copy_from_slice(&capabilities.to_le_bytes());
        if control != 0 {
            block[12..14].copy_from_slice(&1_u16.to_le_bytes());
            block[14..16].copy_from_slice(&rings.to_le_bytes());
        }
        block[10..12].copy_from_slice(&command.to_le_bytes());
        self.ask(&write(vf, CONTROL, &block));
        (control, command)
    }

    /// Offers statistics, and is asked for them.
    #[track_caller]
    fn agree(&mut self, vf: u16, rings: u16) {
        assert_eq!(self.cycle(vf, 1, rings), (0, 0), "the PF knew nothing of the VF");
        self.invalidated(vf);
        assert_eq!(self.cycle(vf, 1, rings), (1, 1), "every 100 ms");
    }

    #[track_caller]
    fn invalidated(&mut self, vf: u16) {
        let answer = self.ask(&json!({"do": "wait_invalidate", "vf": vf}));
        assert_eq!(answer["mask"], "0x0000000000000001", "the control block is to be read: {answer}");
    }

    /// The operator's order, and the announcement of it.
    fn order(&mut self, vf: u16, command: u16, number: u16) {
        let data = format!("{:08x}", u32::from(command.swap_bytes()) << 16 | u32::from(number.swap_bytes()));
        self.ask(&json!({"do": "operator", "request": "set_block", "vf": vf, "block": ORDER, "data": data}));
        self.ask(&json!({"do": "operator", "request": "invalidate", "vf": vf, "mask": 1}));
        self.invalidated(vf);
    }

    #[track_caller]
    fn send(&mut self, vf: u16, sequence: u16, pieces: impl IntoIterator<Item = u16>) {
        for piece in pieces {
            self.ask(&write(vf, STATISTICS, &block_of(sequence, piece)));
        }
    }

    /// Complete sets, pieces taken, pieces refused, and the last complete set's sequence and rings; then commands.
    fn report(&mut self, vf: u16) -> ([u32; 3], [u16; 2], [u16; 2]) {
        let block = self.block(vf, REPORT);
        let word = |at: usize| u32::from(half(&block, at)) | u32::from(half(&block, at + 2)) << 16;
        let halves = |at: usize| [half(&block, at), half(&block, at + 2)];
        ([word(4), word(8), word(12)], halves(16), halves(20))
    }
}

fn half(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

/// A piece whose content tells sequence and piece.
fn block_of(sequence: u16, piece: u16) -> [u8; 128] {
    let mut block = [(sequence ^ piece) as u8; 128];
    block[..2].copy_from_slice(&sequence.to_le_bytes());
    block[2..4].copy_from_slice(&piece.to_le_bytes());
    block
}

#[test]
fn updates_of_128_rings_are_never_throttled_and_come_together() {
    let mut guests = Guests::begin();
    for vf in 0..2 {
        guests.agree(vf, 128);
    }
    // Three seconds' updates at once: ten a second, 35 pieces each.
    for sequence in 0..30 {
        for vf in 0..2 {
            guests.send(vf, sequence, 0..35);
        }
    }
    for vf in 0..2 {
        assert_eq!(guests.report(vf), ([30, 30 * 35, 0], [29, 128], [1, 1]));
        let set: Vec<u8> = (0..32).flat_map(|window| guests.block(vf, FIRST_WINDOW + window)).collect();
        let sent: Vec<u8> = (0..35).flat_map(|piece| block_of(29, piece)[8..].to_vec()).take(4096).collect();
        assert!(set == sent, "the last set of VF {vf}");
    }
    guests.0.end();
}

#[test]
fn operator_has_a_vf_stop_start_again_at_another_rate_and_send_once() {
    let mut guests = Guests::begin();
    guests.agree(0, 4);
    guests.order(0, 0, 0);
    assert_eq!(guests.cycle(0, 1, 4), (1, 0), "stop");
    guests.order(0, 7, 0);
    assert_eq!(guests.cycle(0, 1, 4), (1, 7), "every 700 ms");
    for number in 1..3 {
        guests.order(0, ONCE, number);
        assert_eq!(guests.cycle(0, 1, 4), (1, ONCE), "once");
        assert_eq!(guests.cycle(0, 1, 4), (0, 0), "and not again");
    }
    assert_eq!(guests.cycle(1, 1, 4), (0, 0), "the other VF has no order of its own");
    guests.invalidated(1);
    assert_eq!(guests.cycle(1, 1, 4), (1, 1));
    guests.0.end();
}

#[test]
fn vf_that_is_told_to_send_once_may_send_before_it_has_answered() {
    let mut guests = Guests::begin();
    guests
        .ask(&json!({"do": "operator", "request": "set_block", "vf": 0, "block": ORDER, "data": "ffff0100"}));
    guests.cycle(0, 1, 4);
    let block = guests.block(0, CONTROL);
    assert_eq!(half(&block, 8), ONCE);
    guests.send(0, 0, 0..2);
    assert_eq!(guests.report(0).0, [0, 2, 0]);
    guests.cycle(0, 1, 4);
    assert_eq!(guests.report(0), ([1, 2, 0], [0, 4], [ONCE, ONCE]));
    guests.0.end();
}

#[test]
fn vf_that_withdraws_its_offer_is_asked_for_nothing_until_it_offers_again() {
    let mut guests = Guests::begin();
    guests.agree(0, 4);
    guests.send(0, 0, 0..2);
    guests.cycle(0, 0, 4);
    assert_eq!(guests.block(0, CONTROL)[..10], [0; 10]);
    let refused = guests.0.ask(&write(0, STATISTICS, &block_of(1, 0)));
    assert_eq!(refused["status"], "0xc0000184");
    guests.agree(0, 8);
    guests.send(0, 1, 0..3);
    assert_eq!(guests.report(0), ([2, 5, 1], [1, 8], [1, 1]));
    guests.0.end();
}

#[test]
fn lost_and_repeated_pieces_and_a_wrapping_number_make_no_wrong_set() {
    let mut guests = Guests::begin();
    guests.agree(0, 64);
    guests.send(0, 0xFFFE, (0..18).filter(|piece| *piece != 9));
    guests.send(0, 0xFFFF, (0..18).rev().flat_map(|piece| [piece, piece]));
    assert_eq!(guests.report(0), ([1, 17 + 36, 0], [0xFFFF, 64], [1, 1]));
    guests.send(0, 0, 0..18);
    assert_eq!(guests.report(0), ([2, 17 + 36 + 18, 0], [0, 64], [1, 1]));
    guests.0.end();
}

#[test]
fn vf_that_never_answers_holds_up_nobody_and_may_answer_late() {
    let mut guests = Guests::begin();
    assert_eq!(guests.cycle(0, 1, 4), (0, 0));
    for _ in 0..100 {
        let block = guests.block(0, CONTROL);
        assert_eq!((block[4], half(&block, 8)), (1, 1), "it is told again");
    }
    guests.agree(1, 4);
    guests.send(1, 0, 0..2);
    assert_eq!(guests.report(1).0, [1, 2, 0]);
    assert_eq!(guests.report(0).2, [1, 0], "told, and not acknowledged");
    assert_eq!(guests.cycle(0, 1, 4), (1, 1));
    guests.send(0, 0, 0..2);
    assert_eq!(guests.report(0), ([1, 2, 0], [0, 4], [1, 1]));
    guests.0.end();
}

#[test]
fn claims_beyond_what_there_is_room_for_are_refused() {
    let mut guests = Guests::begin();
    guests.agree(0, 129);
    let refused = guests.0.ask(&write(0, STATISTICS, &block_of(0, 0)));
    assert_eq!(refused["status"], "0xc0000184");
    guests.cycle(0, 1, 4);
    for piece in [2, 35, u16::MAX] {
        let refused = guests.0.ask(&write(0, STATISTICS, &block_of(0, piece)));
        assert_eq!(refused["status"], "0xc000000d", "piece {piece}");
    }
    guests.0.end();
}
