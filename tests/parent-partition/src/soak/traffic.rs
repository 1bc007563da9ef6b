//! The writers: guests, each with its VF, and threads of the VSP that write for any VF.

use super::ledger::Written;
use super::stage::{Choices, Stage};
use crate::nt::status::{self, Status};
use crate::partition::Guest;
use crate::vsp::buffer::Lender;
use crate::vsp::door::Visit;

/// A guest: its writes travel through its bus driver, its channel and the channel's thread of the VSP.
pub fn guest(stage: &Stage, vf: u16, guest: &Guest) {
    let mut choices = stage.choices(u64::from(vf));
    write_on(stage, &mut choices, |_| vf, |_, block| guest.driver.write_block(NUMBERED, block));
}

/// A thread of the VSP that writes for one VF after the other, beside those VFs' guests.
pub fn provider(stage: &Stage, actor: u64, pf: &Visit) {
    let mut choices = stage.choices(actor);
    let mut lender = Lender::new(0);
    let guests = u32::from(stage.guests);
    write_on(
        stage,
        &mut choices,
        |choices| choices.below(guests) as u16,
        |vf, block| pf.write_block(&mut lender, vf, NUMBERED, block.len() as u32, Some(block)),
    );
}

fn write_on(
    stage: &Stage,
    choices: &mut Choices,
    choose: impl Fn(&mut Choices) -> u16,
    mut send: impl FnMut(u16, &[u8; 16]) -> Status,
) {
    let mut log: Vec<Written> = Vec::new();
    while !stage.is_over() {
        let vf = choose(choices);
        let lingers = if choices.once_in(2) { 1 + choices.below(LONGEST) } else { 0 };
        match stage.write(vf, lingers, &mut log, |block| send(vf, block)) {
            status::SUCCESS => {
                stage.counts.succeeded.up();
                // The others must get their turn, too.
                if choices.once_in(4) {
                    choices.pause(PAUSE);
                }
            }
            // A reset came, or the PF is stopped; eight callers wait; the journal is full.
            status::DEVICE_NOT_READY | IO_TIMEOUT | status::INSUFFICIENT_RESOURCES => choices.pause(PAUSE),
            other => stage.unexpected(format_args!("a write for VF {vf} was answered {other:#010x}")),
        }
    }
    stage.ledger().written.append(&mut log);
}

/// The block that carries numbers.
const NUMBERED: u32 = 42;
/// How long the handler may take over a write, in microseconds.
const LONGEST: u32 = 4000;
/// How long a writer may do nothing after a write, in microseconds.
const PAUSE: u32 = 10_000;
const IO_TIMEOUT: Status = 0xC000_00B5_u32.cast_signed();
