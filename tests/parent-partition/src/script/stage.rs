//! A script's operations on the partition.

use super::answer::{Data, Outcome};
use super::interpreter::Stage;
use super::operation::{Operation, ReadBuffer};
use crate::nt::status::{self, Status};
use crate::partition::{Decider, Partition};

impl Stage for Partition {
    fn perform(&mut self, operation: Operation) -> Outcome {
        match operation {
            Operation::Write { vf, block, data } => {
                let (status, by) = self.let_guest(vf, |driver| driver.write_block(block, &data));
                Outcome::of(status, by)
            }
            Operation::WriteIoctl { vf, block, data } => {
                let ((status, _), by) = self.let_guest(vf, |driver| driver.send_write(block, &data).finish());
                Outcome::of(status, by)
            }
            Operation::Read { vf, block, length } => {
                let mut buffer = vec![0; room(length)];
                let (status, by) = self.let_guest(vf, |driver| driver.read_block(block, &mut buffer, length));
                Outcome::of_read(status, by, if status == status::SUCCESS { buffer } else { Vec::new() })
            }
            Operation::ReadIoctl { vf, block, length } => {
                let ((status, data), by) =
                    self.let_guest(vf, |driver| driver.send_read(block, length).finish());
                Outcome::of_read(status, by, data)
            }
            Operation::VspWrite { vf, block, length, data } => {
                called(self.vsp().write(vf, block, length, data.as_deref()), Outcome::of)
            }
            Operation::VspRead { vf, block, length, buffer } => self.read_raw(vf, block, length, buffer),
            Operation::Unload {} => settled(self.unload()),
            Operation::Load {} => settled(self.load()),
        }
    }
}

impl Partition {
    fn read_raw(&self, vf: u16, block: u32, length: u32, buffer: ReadBuffer) -> Outcome {
        let before = match buffer {
            ReadBuffer::Present => Some(vec![UNTOUCHED; room(length)]),
            ReadBuffer::Null => None,
        };
        let called = match self.vsp().read(vf, block, length, before.as_deref()) {
            Ok((status, after)) => Ok((status, after)),
            Err(refusal) => Err((refusal, before.clone().unwrap_or_default())),
        };
        let ((status, after), by) = match called {
            Ok(pf) => (pf, Decider::Pf),
            Err(vsp) => (vsp, Decider::Vsp),
        };
        let touched = after.iter().filter(|byte| **byte != UNTOUCHED).count();
        let data = (1..=LONGEST_BLOCK).contains(&length).then(|| Data(before.is_some().then_some(after)));
        Outcome { status, data, touched: Some(touched), by }
    }
}

fn called(result: Result<Status, Status>, outcome: impl FnOnce(Status, Decider) -> Outcome) -> Outcome {
    match result {
        Ok(status) => outcome(status, Decider::Pf),
        Err(status) => outcome(status, Decider::Vsp),
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
fn room(length: u32) -> usize {
    usize::try_from(length).map_or(PAGE, |length| length.min(PAGE))
}

/// What a raw read's buffer holds before the call.
const UNTOUCHED: u8 = 0xA5;
const PAGE: usize = 4096;
const LONGEST_BLOCK: u32 = 128;
