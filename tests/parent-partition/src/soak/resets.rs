//! The resets: any guest's VF, at any time.

use super::ledger::Reset;
use super::stage::Stage;
use crate::nt::status;
use crate::vsp::door::Visit;

/// Resets VFs until the soak is over.
pub fn reset(stage: &Stage, actor: u64, pf: &Visit) {
    let mut choices = stage.choices(actor);
    let mut log = Vec::new();
    while !stage.is_over() {
        let vf = choices.below(stage.guests.into()) as u16;
        match pf.reset(vf) {
            status::SUCCESS => {
                log.push(Reset { vf, ended: stage.tick() });
                stage.counts.resets.up();
            }
            // The PF is stopped.
            status::DEVICE_NOT_READY => {}
            other => stage.unexpected(format_args!("a reset of VF {vf} was answered {other:#010x}")),
        }
        choices.pause(2000);
    }
    stage.ledger().resets.append(&mut log);
}
