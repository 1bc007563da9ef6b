//! A script's operations on the partition.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Data, Outcome};
use super::handles::Handles;
use super::interpreter::Stage;
use super::operation::{Major, Mode, Operation, OperatorRequest, PowerState, ReadBuffer};
use super::operator::{self, Carried};
use super::pended::{Call, Pended, UnderWay};
use super::{members, plugins as script_plugins, requests};
use crate::nt::control::Control;
use crate::nt::status::{self, Status};
use crate::partition::{Decider, Partition};
use crate::plugins::Plugins;
use crate::pnp::{self, DeviceRef};
use crate::traffic::Traffic;
use crate::vsp::members::RegisterAccess;

/// A partition that a script is played on.
#[derive(Debug)]
pub struct Play {
    // Dropped first: the VSP cancels what it has parked before it lets go.
    pended: Pended,
    handles: Handles,
    // Plug-ins go before the PF that they are registered with.
    plugins: Plugins,
    partition: Partition,
    traffic: Option<Traffic>,
}

impl Play {
    /// Plays on a partition, beside plug-in drivers that are loaded.
    pub fn new(partition: Partition, plugins: Plugins) -> Self {
        Self { pended: Pended::default(), handles: Handles::default(), plugins, partition, traffic: None }
    }

    /// What the VSP does before it gives the PF back: detaches, and takes its requests back.
    fn let_go(&mut self) {
        if let Some(traffic) = self.traffic.take() {
            let _accounts = traffic.end(&mut self.partition);
        }
        if self.pended.is_attached() {
            self.pended.set_attached(false);
            let detach = requests::own(requests::DETACH, Vec::new(), 0);
            let _outcome = requests::send(&self.partition, &mut self.pended, None, &detach);
        }
        self.pended.end();
    }

    /// Has PnP call on a thread of its own; a call that is not over in a moment is kept.
    fn call(&mut self, id: Option<&Value>, call: fn(&DeviceRef) -> Status) -> Outcome {
        let device = match self.partition.device() {
            Ok(device) => device,
            Err(status) => return Outcome::of(status, Decider::Vsp),
        };
        let call = Call::begin(move || call(&device));
        match self.pended.keep(id, UnderWay::Call(call)) {
            Some((status, _)) => Outcome::of(status, Decider::Pf),
            None => Outcome::of(status::PENDING, Decider::Pf),
        }
    }

    fn wait_for_invalidation(&mut self, vf: u16, limit: Duration) -> Outcome {
        // The guest is there before anything is said to it.
        self.partition.let_guest(vf, |_| ());
        if let Err(status) = self.partition.listen() {
            return Outcome::of(status, Decider::Vsp);
        }
        let (told, by) = self.partition.let_guest(vf, |driver| driver.listen().mask(limit));
        match told {
            Some((status::SUCCESS, mask)) => {
                Outcome::of(status::SUCCESS, by).with("mask", json!(format!("{mask:#018x}")))
            }
            Some((refused, _)) => Outcome::of(refused, by),
            None => Outcome::of(status::TIMEOUT, by),
        }
    }

    fn send(&mut self, id: Option<&Value>, code: u32, input: Vec<u8>, output: usize) -> Outcome {
        requests::send(&self.partition, &mut self.pended, id, &requests::own(code, input, output))
    }
}

impl Stage for Play {
    fn perform(&mut self, id: Option<&Value>, operation: Operation) -> Outcome {
        let Self { pended, handles, partition, plugins, traffic } = self;
        match operation {
            Operation::Write { vf, block, data } => {
                let (status, by) = partition.let_guest(vf, |driver| driver.write_block(block, &data));
                Outcome::of(status, by)
            }
            Operation::WriteIoctl { vf, block, data } => {
                let ((status, _), by) =
                    partition.let_guest(vf, |driver| driver.send_write(block, &data).finish());
                Outcome::of(status, by)
            }
            Operation::Read { vf, block, length } => {
                let mut buffer = vec![0; room(length)];
                let (status, by) =
                    partition.let_guest(vf, |driver| driver.read_block(block, &mut buffer, length));
                Outcome::of_read(status, by, if status == status::SUCCESS { buffer } else { Vec::new() })
            }
            Operation::ReadIoctl { vf, block, length } => {
                let ((status, data), by) =
                    partition.let_guest(vf, |driver| driver.send_read(block, length).finish());
                Outcome::of_read(status, by, data)
            }
            Operation::VspWrite { vf, block, length, data } => {
                called(partition.vsp().write(vf, block, length, data.as_deref()))
            }
            Operation::VspRead { vf, block, length, buffer } => {
                read_raw(partition, vf, block, length, buffer)
            }
            Operation::VfConfigRead { vf, offset, length, buffer } => {
                members::ask(partition, |pf| members::config_read(pf, vf, offset, length, buffer))
            }
            Operation::VfConfigWrite { vf, offset, length, data } => members::ask(partition, |pf| {
                let length = length.unwrap_or(data.as_ref().map_or(0, Vec::len) as u32);
                Outcome::of(pf.write_config(vf, offset, length, data.as_deref()), Decider::Pf)
            }),
            Operation::ProbedBars { vf: None, null } => {
                members::ask(partition, |pf| members::registers(pf.probed_bars(members::out(null))))
            }
            Operation::ProbedBars { vf: Some(vf), null } => members::ask(partition, |pf| {
                members::second(pf.probed_bars_of(vf, members::out(null)).map(members::registers))
            }),
            Operation::VendorDevice { vf, null } => members::ask(partition, |pf| {
                members::numbers(["vendor", "device"], pf.vendor_and_device(vf, members::out(null)))
            }),
            Operation::Location { vf, null } => members::ask(partition, |pf| {
                members::numbers(["segment", "bus", "function"], pf.location(vf, members::out(null)))
            }),
            Operation::Reset { vf } => members::ask(partition, |pf| Outcome::of(pf.reset(vf), Decider::Pf)),
            Operation::Power { vf, state: PowerState(state), wake } => {
                members::ask(partition, |pf| Outcome::of(pf.set_power(vf, state, wake), Decider::Pf))
            }
            Operation::Bar { vf, bar, null } => members::ask(partition, |pf| {
                members::resource(pf.resource_for_bar(vf, bar, members::out(null)))
            }),
            Operation::Luid { vf: None, null } => {
                members::ask(partition, |pf| members::filled(pf.luid(members::out(null))))
            }
            Operation::Luid { vf: Some(vf), null } => members::ask(partition, |pf| {
                members::second(pf.vf_luid(vf, members::out(null)).map(members::filled))
            }),
            Operation::LuidVf { luid, null } => members::ask(partition, |pf| {
                members::second(pf.luid_vf(luid, members::out(null)).map(members::vf_index))
            }),
            Operation::RegisterRead { vf, bar, offset, length, buffer } => {
                let access = RegisterAccess { vf, read: true, bar, offset, length };
                members::ask(partition, |pf| members::register_read(pf, &access, buffer))
            }
            Operation::RegisterWrite { vf, bar, offset, length, data } => {
                let length = length.unwrap_or(data.as_ref().map_or(0, Vec::len) as u32);
                let access = RegisterAccess { vf, read: false, bar, offset, length };
                members::ask(partition, |pf| members::register_write(pf, &access, data.as_deref()))
            }
            Operation::QueryInterface { guid, size, version } => {
                members::ask(partition, |pf| members::query_interface(pf, guid, size, version))
            }
            Operation::Ioctl { code, major, mode, input, output } => {
                let control = Control {
                    code,
                    internal: major == Major::Internal,
                    user: mode == Mode::User,
                    input,
                    output: output as usize,
                };
                requests::send(partition, pended, id, &control)
            }
            Operation::Attach {} => {
                let outcome = self.send(id, requests::ATTACH, Vec::new(), 0);
                if matches!(outcome.status, status::SUCCESS | status::PENDING) {
                    self.pended.set_attached(true);
                }
                outcome
            }
            Operation::Detach {} => {
                self.pended.set_attached(false);
                self.send(id, requests::DETACH, Vec::new(), 0)
            }
            Operation::Notification {} => self.send(id, requests::NOTIFICATION, Vec::new(), EVENT_SIZE),
            Operation::EventComplete { status } => {
                self.send(id, requests::EVENT_COMPLETE, status.to_le_bytes().to_vec(), 0)
            }
            Operation::Await { of } => requests::finished(pended.finish(&of)),
            Operation::Cancel { of, dpc } => requests::finished(pended.cancel(&of, dpc)),
            Operation::CancelAt { of, call } => match pended.cancel_at(&of, call) {
                Ok(under_way) => match pended.keep(id, UnderWay::Call(under_way)) {
                    Some((status, _)) => Outcome::of(status, Decider::Pf),
                    None => Outcome::of(status::PENDING, Decider::Pf),
                },
                Err(status) => Outcome::of(status, Decider::Vsp),
            },
            Operation::Invalidate { vf, mask } => {
                let carried = Carried { vf: vf.0, argument: 0, block: 0, mask, data: &[] };
                operator::send(OperatorRequest::Invalidate, &carried, None)
            }
            Operation::Operator { request, vf, argument, block, mask, data, input, output } => {
                let carried = Carried { vf, argument, block, mask, data: &data };
                operator::send(request, &carried, input.map(|input| (input, output as usize)))
            }
            Operation::WaitInvalidate { vf, milliseconds } => {
                self.wait_for_invalidation(vf, Duration::from_millis(milliseconds))
            }
            Operation::QueryStop {} => self.call(id, pnp::query_stop),
            Operation::CancelStop {} => self.call(id, pnp::cancel_stop),
            Operation::Stop {} => self.call(id, pnp::stop),
            Operation::Start {} => self.call(id, pnp::start),
            Operation::QueryRemove { released: false } => self.call(id, pnp::query_remove),
            Operation::QueryRemove { released: true } => {
                self.let_go();
                called(self.partition.query_remove_released())
            }
            Operation::CancelRemove {} => self.call(id, pnp::cancel_remove),
            Operation::SurpriseRemove {} => {
                let outcome = self.call(id, pnp::surprise_remove);
                self.pended.expect_completed("IRP_MN_SURPRISE_REMOVAL");
                outcome
            }
            Operation::Sleep {} => self.call(id, pnp::sleep),
            Operation::Resume {} => self.call(id, pnp::resume),
            Operation::Handle(action) => handles.act(pended, id, action),
            // PnP sends the last IRP when the last handle is closed.
            Operation::Remove {} | Operation::Unload {} if handles.are_open() => {
                Outcome::of(status::DEVICE_BUSY, Decider::Vsp)
            }
            Operation::Remove {} => {
                self.let_go();
                settled(self.partition.remove())
            }
            Operation::Unload {} => {
                self.let_go();
                settled(self.partition.unload())
            }
            Operation::Load {} => {
                let outcome = settled(partition.load());
                // Plug-ins hear of the PF's interface from a system thread.
                pnp::settle();
                outcome
            }
            Operation::Plugin(action) => script_plugins::act(plugins, pended, id, action),
            Operation::Traffic(action) => script_plugins::drive(partition, traffic, action),
        }
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.pended.end_foreign();
        self.handles.end();
        self.let_go();
    }
}

fn read_raw(partition: &Partition, vf: u16, block: u32, length: u32, buffer: ReadBuffer) -> Outcome {
    let before = match buffer {
        ReadBuffer::Present => Some(vec![UNTOUCHED; room(length)]),
        ReadBuffer::Null => None,
    };
    let called = match partition.vsp().read(vf, block, length, before.as_deref()) {
        Ok((status, after)) => Ok((status, after)),
        Err(refusal) => Err((refusal, before.clone().unwrap_or_default())),
    };
    let ((status, after), by) = match called {
        Ok(pf) => (pf, Decider::Pf),
        Err(vsp) => (vsp, Decider::Vsp),
    };
    let touched = after.iter().filter(|byte| **byte != UNTOUCHED).count();
    let data = (1..=LONGEST_BLOCK).contains(&length).then(|| Data(before.is_some().then_some(after)));
    Outcome { data, touched: Some(touched), ..Outcome::of(status, by) }
}

fn called(result: Result<Status, Status>) -> Outcome {
    match result {
        Ok(status) => Outcome::of(status, Decider::Pf),
        Err(status) => Outcome::of(status, Decider::Vsp),
    }
}

/// Of loading and unloading: where the driver was not asked, nobody behind the VSP was.
fn settled(result: Result<(), Status>) -> Outcome {
    match result {
        Ok(()) => Outcome::of(status::SUCCESS, Decider::Pf),
        Err(status::DEVICE_NOT_READY) => Outcome::of(status::DEVICE_NOT_READY, Decider::Vsp),
        Err(status) => Outcome::of(status, Decider::Pf),
    }
}

/// Bytes of the buffer behind a length: a page is enough to see what is touched.
pub(super) fn room(length: u32) -> usize {
    usize::try_from(length).map_or(PAGE, |length| length.min(PAGE))
}

/// What a raw read's buffer holds before the call.
pub(super) use crate::vsp::members::UNTOUCHED;
const PAGE: usize = 4096;
const LONGEST_BLOCK: u32 = 128;
/// Bytes of SRIOV_PF_EVENT.
const EVENT_SIZE: usize = 4;
