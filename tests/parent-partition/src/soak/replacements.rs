//! The replacements: each of the plug-in's two handlers comes into the other's place, while VFs write.

use super::ledger::Replacement;
use super::recorder::Recorder;
use super::stage::Stage;

/// Has the handlers take turns until the soak is over.
pub fn replace(stage: &Stage, recorder: &Recorder) {
    let mut choices = stage.choices(REPLACER);
    let mut log = Vec::new();
    while !stage.is_over() {
        choices.pause(60_000);
        let begun = stage.tick();
        match recorder.replace() {
            Ok(turn) => {
                log.push(Replacement { begun, ended: stage.tick() });
                if turn.handler != log.len() as u64 {
                    stage.unexpected(format_args!(
                        "replacement {} brought handler {}",
                        log.len(),
                        turn.handler
                    ));
                }
                if turn.taken != 0 {
                    stage.counts.replaced.up();
                }
                if turn.inside != 0 {
                    stage.counts.replaced_in_flight.up();
                }
            }
            Err(status) => {
                stage.unexpected(format_args!("a replacement was answered {status:#010x}"));
                break;
            }
        }
    }
    stage.ledger().replacements = log;
}

/// Whose choices these are.
const REPLACER: u64 = 0xF003;
