//! The rebalances: the PF is asked whether it may stop, its VSP decides, and it stops and starts under its guests.

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Choices, Stage};
use crate::nt::control::Data;
use crate::nt::request::Sent;
use crate::nt::status::{self, Status};
use crate::pnp::{self, DeviceRef};
use crate::script::pended::Call;
use crate::script::requests::{self, ATTACH, DETACH, EVENT_COMPLETE, NOTIFICATION};
use crate::vsp::door::Visit;

/// Rebalances until the soak is over; the VSP is attached from then on.
pub fn rebalance(stage: &Stage, pf: &Visit, device: &Arc<DeviceRef>) {
    let mut rebalancer = Rebalancer { stage, pf, device, choices: stage.choices(REBALANCER) };
    rebalancer.expect("the VSP attaches", ATTACH, &[]);
    while !stage.is_over() {
        rebalancer.choices.pause(40_000);
        rebalancer.once();
    }
}

/// Has the VSP detach, which drops what invalidations nobody has fetched.
pub fn detach(stage: &Stage, pf: &Visit) {
    expect(stage, pf, "the VSP detaches", DETACH, &[]);
}

fn expect(stage: &Stage, pf: &Visit, what: &str, code: u32, input: &[u8]) {
    let status = send(pf, code, input, 0).0.finish_within(PATIENCE).status;
    if status != status::SUCCESS {
        stage.unexpected(format_args!("{what}: {status:#010x}"));
    }
}

fn send(pf: &Visit, code: u32, input: &[u8], output: usize) -> (Sent, Data) {
    requests::own(code, input.to_vec(), output).send(pf.file())
}

struct Rebalancer<'a> {
    stage: &'a Stage,
    pf: &'a Visit,
    device: &'a Arc<DeviceRef>,
    choices: Choices,
}

impl Rebalancer<'_> {
    fn once(&mut self) {
        let query = self.begin(pnp::query_stop);
        self.await_event(QUERY_STOP);
        let refusal = self.choices.once_in(8);
        let answer = if refusal { status::UNSUCCESSFUL } else { status::SUCCESS };
        self.expect("the VSP answers", EVENT_COMPLETE, &answer.to_le_bytes());
        self.ended("the query to stop", &query, answer);
        if refusal || self.choices.once_in(8) {
            let cancel = self.begin(pnp::cancel_stop);
            self.ended("the stop that is taken back", &cancel, status::SUCCESS);
            self.stage.counts.rebalances_refused.up();
        } else {
            let stop = self.begin(pnp::stop);
            self.ended("the stop", &stop, status::SUCCESS);
            self.choices.pause(4000);
            let start = self.begin(pnp::start);
            self.ended("the start", &start, status::SUCCESS);
            self.stage.counts.rebalances.up();
        }
        self.await_event(RESTART);
        self.expect("the VSP has restarted", EVENT_COMPLETE, &[0; 4]);
    }

    /// Parks requests for an event until one brings it; some are cancelled, before or while the event comes.
    fn await_event(&mut self, wanted: u32) {
        loop {
            let (sent, data) = send(self.pf, NOTIFICATION, &[], EVENT_BYTES);
            if self.choices.once_in(3) {
                self.choices.pause(300);
                sent.cancel();
            }
            match sent.finish_within(PATIENCE).status {
                status::SUCCESS => {
                    let event = data.take();
                    if event != wanted.to_le_bytes() {
                        self.stage.unexpected(format_args!("event {wanted} was awaited, {event:?} came"));
                    }
                    return;
                }
                status::CANCELLED => self.stage.counts.cancelled.up(),
                other => {
                    self.stage.unexpected(format_args!("a wait for an event ended with {other:#010x}"));
                    return;
                }
            }
        }
    }

    fn begin(&self, call: fn(&DeviceRef) -> Status) -> Call {
        let device = Arc::clone(self.device);
        Call::begin(move || call(&device))
    }

    fn ended(&self, what: &str, call: &Call, wanted: Status) {
        match call.ended_within(PATIENCE) {
            Some(status) if status == wanted => {}
            Some(status) => self.stage.unexpected(format_args!("{what} ended with {status:#010x}")),
            None => self.stage.unexpected(format_args!("{what} does not end")),
        }
    }

    fn expect(&self, what: &str, code: u32, input: &[u8]) {
        expect(self.stage, self.pf, what, code, input);
    }
}

/// Bytes of SRIOV_PF_EVENT, and its values.
const EVENT_BYTES: usize = 4;
const QUERY_STOP: u32 = 0;
const RESTART: u32 = 1;
/// Longer than the driver's own limit for calls inside a handler.
const PATIENCE: Duration = Duration::from_secs(40);
/// Whose choices these are.
const REBALANCER: u64 = 0xF001;
