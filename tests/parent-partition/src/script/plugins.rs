//! A script's dealings with plug-in drivers, and its guests that write meanwhile.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::Outcome;
use super::operation::plugins::{PluginAction, TrafficAction};
use super::pended::{Pended, UnderWay};
use super::requests;
use crate::nt::control::Control;
use crate::nt::status::{self, Status};
use crate::partition::{Decider, Partition};
use crate::plugins::Plugins;
use crate::traffic::{Account, Stream, Traffic};

/// Carries out an action on a plug-in.
pub(super) fn act(
    plugins: &mut Plugins,
    pended: &mut Pended,
    id: Option<&Value>,
    action: PluginAction,
) -> Outcome {
    match action {
        PluginAction::Load { plugin } => settled(plugins.load(&plugin)),
        PluginAction::Unload { plugin } => settled(plugins.unload(&plugin)),
        PluginAction::Abandon { plugin } => match plugins.abandon(&plugin) {
            Ok(left) => Outcome::of(status::SUCCESS, Decider::Plugin).with("left", json!(left)),
            Err(status) => Outcome::of(status, Decider::Plugin),
        },
        PluginAction::Control { plugin, code, input, output } => {
            let control = Control { code, internal: false, user: true, input, output: output as usize };
            let (sent, data) = match plugins.control(&plugin, &control) {
                Ok(sent) => sent,
                Err(status) => return Outcome::of(status, Decider::Plugin),
            };
            match pended.keep(id, UnderWay::Request(sent, data)) {
                Some(ended) => Outcome { by: Decider::Plugin, ..requests::finished(Ok(ended)) },
                None => Outcome::of(status::PENDING, Decider::Plugin),
            }
        }
    }
}

/// Begins or ends the traffic of the guests; there is one at a time.
pub(super) fn drive(
    partition: &mut Partition,
    traffic: &mut Option<Traffic>,
    action: TrafficAction,
) -> Outcome {
    match action {
        TrafficAction::Begin { .. } if traffic.is_some() => Outcome::of(status::DEVICE_BUSY, Decider::Vpci),
        TrafficAction::Begin { vfs, block, length, writes, threads } => {
            let stream = Stream { block, length: length.max(SHORTEST).into(), writes, threads };
            *traffic = Some(Traffic::begin(partition, vfs, stream));
            Outcome::of(status::SUCCESS, Decider::Vpci)
        }
        TrafficAction::Await { writes } => match traffic {
            None => Outcome::of(status::NOT_FOUND, Decider::Vpci),
            Some(traffic) if traffic.wait_for(writes, PATIENCE) => {
                Outcome::of(status::SUCCESS, Decider::Vpci)
            }
            Some(_) => Outcome::of(status::TIMEOUT, Decider::Vpci),
        },
        TrafficAction::End {} => match traffic.take() {
            None => Outcome::of(status::NOT_FOUND, Decider::Vpci),
            Some(under_way) => {
                let accounts = under_way.end(partition);
                Outcome::of(status::SUCCESS, Decider::Vpci)
                    .with("accepted", json!(accounts.iter().map(accepted).collect::<Vec<u64>>()))
                    .with("statuses", by_status(&accounts))
            }
        },
    }
}

fn accepted(account: &Account) -> u64 {
    account.get(&status::SUCCESS).copied().unwrap_or(0)
}

/// How many writes ended with each status, all guests together.
fn by_status(accounts: &[Account]) -> Value {
    let mut sums = Account::new();
    for (status, count) in accounts.iter().flatten() {
        *sums.entry(*status).or_default() += count;
    }
    let named: Map<String, Value> =
        sums.into_iter().map(|(status, count)| (format!("{status:#010x}"), json!(count))).collect();
    Value::Object(named)
}

fn settled(result: Result<(), Status>) -> Outcome {
    Outcome::of(result.err().unwrap_or(status::SUCCESS), Decider::Plugin)
}

/// How long guests may take for the writes that are waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// The bytes of the number that each write begins with.
const SHORTEST: u8 = 8;
