//! The driver against a PF that is played by hand.

use std::cell::RefCell;

use super::super::backchannel::{Backchannel, Direction, Refused};
use super::super::statistics::BLOCK;
use super::{ControlBlock, Cycle, Mlx5};

/// A PF that serves one control block and keeps what is written.
struct PlayedPf {
    control: RefCell<ControlBlock>,
    written: RefCell<Vec<(u32, Vec<u8>)>>,
    refuse_from: usize,
}

impl PlayedPf {
    fn new(control: ControlBlock) -> Self {
        Self { control: RefCell::new(control), written: RefCell::default(), refuse_from: usize::MAX }
    }
}

impl Backchannel for &PlayedPf {
    fn write(&self, block: u32, data: &[u8]) -> Result<(), Refused> {
        if self.written.borrow().len() >= self.refuse_from {
            return Err(Refused { direction: Direction::Write, block, status: -1 });
        }
        self.written.borrow_mut().push((block, data.to_vec()));
        Ok(())
    }

    fn read(&self, block: u32, out: &mut [u8]) -> Result<(), Refused> {
        assert_eq!((block, out.len()), (0, BLOCK), "only the control block is read, and whole");
        out.copy_from_slice(&self.control.borrow().to_bytes());
        Ok(())
    }
}

#[test]
fn first_cycle_announces_the_statistics_agent() {
    let pf = PlayedPf::new(ControlBlock::default());
    let mut driver = Mlx5::new(&pf, 1, 0, 64);
    let announced = ControlBlock { capabilities: 1, ..ControlBlock::default() };
    assert_eq!(driver.control_cycle(), Ok(Cycle::Answered(announced)));
    let mut wire = [0; BLOCK];
    wire[0] = 1;
    assert_eq!(*pf.written.borrow(), [(0, wire.to_vec())]);
}

#[test]
fn addressed_agent_acknowledges_the_command() {
    let command = ControlBlock { control: 1, command: 1, ..ControlBlock::default() };
    let pf = PlayedPf::new(command);
    let mut driver = Mlx5::new(&pf, 1, 0, 64);
    let Ok(Cycle::Answered(answer)) = driver.control_cycle() else { panic!("the cycle was answered") };
    assert_eq!(
        answer,
        ControlBlock { capabilities: 1, control: 1, command: 1, command_ack: 1, version: 1, rings: 64 }
    );
    assert!(answer.asks_for_statistics());
}

#[test]
fn unknown_agent_is_answered_by_silence() {
    let pf = PlayedPf::new(ControlBlock { control: 0b11, command: 1, ..ControlBlock::default() });
    let mut driver = Mlx5::new(&pf, 1, 0, 64);
    assert!(matches!(driver.control_cycle(), Ok(Cycle::UnknownAgent(_))));
    assert!(pf.written.borrow().is_empty());
}

#[test]
fn set_goes_out_in_pieces_and_is_remembered() {
    let pf = PlayedPf::new(ControlBlock::default());
    let mut driver = Mlx5::new(&pf, 1, 0, 64);
    driver.send_statistics().expect("the PF takes everything");
    driver.send_statistics().expect("the PF takes everything");
    let written = pf.written.borrow();
    assert_eq!(written.len(), 36);
    assert!(written.iter().all(|(block, data)| *block == 1 && data.len() == BLOCK));
    assert_eq!((written[0].1[0], written[18].1[0]), (0, 1));
    let record = driver.record();
    assert_eq!((record.sets, record.pieces, record.last_sequence, record.last_set.len()), (2, 36, 1, 64));
    assert_eq!(record.last_set[0].rx_packets.to_le_bytes(), written[18].1[8..16]);
}

#[test]
fn refused_piece_keeps_the_sequence_number() {
    let pf = PlayedPf { refuse_from: 5, ..PlayedPf::new(ControlBlock::default()) };
    let mut driver = Mlx5::new(&pf, 1, 0, 64);
    assert!(driver.send_statistics().is_err());
    assert_eq!((driver.record().sets, driver.record().pieces, driver.sequence), (0, 5, 0));
}
