//! One guest's part in the demo, step by step.

use super::observed::{Counts, Loss, Observed};
use super::reassembled::{Mismatch, Reassembled};
use crate::guest::backchannel::{Backchannel, Refused};
use crate::guest::mlx5::{ControlBlock, Cycle, Mlx5, Record};

/// What a guest did and found.
#[derive(Debug)]
pub struct Account {
    /// The guest's VF.
    pub vf: u16,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Blocks written and read.
    pub counts: Counts,
    /// What the PF says at the end.
    pub reassembled: Reassembled,
    /// All differences found on the way.
    pub mismatches: Vec<Mismatch>,
}

/// Something a guest did.
#[derive(Debug)]
pub enum Step {
    /// Read the control block and wrote it back so.
    Control(ControlBlock),
    /// Read the control block and could not carry out what it says.
    Declined(ControlBlock),
    /// Sent a set of statistics.
    Sent(Record),
    /// Asked the PF what arrived; so many values differ.
    Checked(Reassembled, usize),
}

/// Holds the conversation: two control cycles, then sets of statistics, each checked.
///
/// A PF that does not ask for statistics is sent none, which then differs from what it should have asked.
///
/// # Errors
///
/// [`Refused`] at the first block that the PF does not take or serve.
pub fn hold(
    backchannel: &impl Backchannel,
    vf: u16,
    seed: u64,
    loss: Option<Loss>,
) -> Result<Account, Refused> {
    let mut driver = Mlx5::new(Observed::new(backchannel, loss), seed, vf, RINGS);
    let mut steps = Vec::new();
    let mut mismatches = Vec::new();
    let mut asked = false;
    // The first on the VF driver's own account; the second because the PF, having seen what the VF has, now
    // addresses it, which the VF would learn by an invalidation.
    for _ in 0..2 {
        steps.push(match driver.control_cycle()? {
            Cycle::Answered(block) => {
                asked = block.asks_for_statistics();
                Step::Control(block)
            }
            Cycle::UnknownAgent(block) => Step::Declined(block),
        });
    }
    for _ in 0..if asked { SETS } else { 0 } {
        driver.send_statistics()?;
        steps.push(Step::Sent(driver.record().clone()));
        let reassembled = Reassembled::read(driver.backchannel())?;
        let found = reassembled.mismatches(driver.record());
        steps.push(Step::Checked(reassembled, found.len()));
        mismatches.extend(found);
    }
    if !asked {
        mismatches.push(Mismatch { what: "request for statistics".to_owned(), sent: 1, found: 0 });
    }
    let counts = driver.backchannel().counts();
    let reassembled = Reassembled::read(&backchannel)?;
    Ok(Account { vf, steps, counts, reassembled, mismatches })
}

/// Sets of statistics that each guest sends.
pub const SETS: u32 = 3;
/// Rings of each VF.
pub const RINGS: u16 = 64;
/// Pieces that a set makes.
pub const PIECES: u32 = (RINGS as u32 * 32).div_ceil(120);
