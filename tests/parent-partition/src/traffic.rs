//! Writes without pause, by guests and by threads of the VSP, while something else is done to the partition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::machine::{thread, wait};
use crate::nt::status::{self, Status};
use crate::partition::{Guest, Partition};
use crate::vsp::buffer::Lender;
use crate::vsp::door::Door;

/// Writers under way, each on a thread of its own.
#[derive(Debug)]
pub struct Traffic {
    guests: Vec<(u16, thread::JoinHandle<(Guest, Account)>)>,
    threads: Vec<(u16, thread::JoinHandle<Account>)>,
    progress: Arc<Progress>,
}

/// What each writer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The block.
    pub block: u32,
    /// Bytes of each write, at least 8: a number, least significant byte first, and zeros. Its lower half counts the writes
    /// from 1, its upper half is 0 for the guest and 1, 2, ... for the threads of the VSP.
    pub length: usize,
    /// How many writes; without an end unless given.
    pub writes: Option<u64>,
    /// How many threads of the VSP write for each VF beside its guest.
    pub threads: u16,
}

/// What became of a VF's writes: how many ended with each status.
pub type Account = BTreeMap<Status, u64>;

/// How far the writers are.
#[derive(Debug)]
struct Progress {
    /// How many writes of each VF have ended.
    ended: Vec<AtomicU64>,
    /// How many writers have not made all their writes.
    writing: AtomicUsize,
    ending: AtomicBool,
}

impl Traffic {
    /// Has the guests of the first `vfs` VFs write, and the VSP for them, until [`Traffic::end`].
    ///
    /// # Panics
    ///
    /// When the host has no more threads.
    pub fn begin(partition: &mut Partition, vfs: u16, stream: Stream) -> Self {
        let progress = Arc::new(Progress {
            ended: (0..vfs).map(|_| AtomicU64::new(0)).collect(),
            writing: AtomicUsize::new(usize::from(vfs) * (1 + usize::from(stream.threads))),
            ending: AtomicBool::new(false),
        });
        let mut traffic = Self { guests: Vec::new(), threads: Vec::new(), progress };
        for vf in 0..vfs {
            let (guest, progress) = (partition.take_guest(vf), Arc::clone(&traffic.progress));
            let writer = thread::spawn("guest", move || {
                let driver = &guest.driver;
                let account =
                    write(&progress, vf, 0, stream, |bytes| driver.write_block(stream.block, bytes));
                (guest, account)
            });
            traffic.guests.push((vf, writer.expect("a host thread")));
            for place in 1..=stream.threads {
                let (door, progress) = (partition.vsp().door(), Arc::clone(&traffic.progress));
                let writer = thread::spawn("vsp writer", move || {
                    let mut lender = Lender::new(stream.length);
                    let send = |bytes: &[u8]| provide(&door, &mut lender, vf, stream.block, bytes);
                    write(&progress, vf, place, stream, send)
                });
                traffic.threads.push((vf, writer.expect("a host thread")));
            }
        }
        traffic
    }

    /// Waits until so many more writes of each VF have ended, without a number until all are made; false when they have not
    /// after that time.
    pub fn wait_for(&self, writes: Option<u64>, limit: Duration) -> bool {
        let Progress { ended, writing, .. } = &*self.progress;
        let goals: Vec<u64> =
            ended.iter().map(|ended| ended.load(Ordering::Acquire) + writes.unwrap_or(0)).collect();
        let reached = || {
            let mut pairs = ended.iter().zip(&goals);
            let all = match writes {
                Some(_) => pairs.all(|(ended, goal)| ended.load(Ordering::Acquire) >= *goal),
                None => writing.load(Ordering::Acquire) == 0,
            };
            all.then_some(())
        };
        wait::until(Some(limit), reached).is_some()
    }

    /// Lets each writer finish its write, puts the guests back, and returns what became of all writes, by VF.
    ///
    /// # Panics
    ///
    /// When a writer's thread did.
    pub fn end(self, partition: &mut Partition) -> Vec<Account> {
        self.progress.ending.store(true, Ordering::Release);
        let mut accounts = vec![Account::new(); self.progress.ended.len()];
        let mut add = |vf: u16, account: Account| {
            for (status, count) in account {
                *accounts[usize::from(vf)].entry(status).or_default() += count;
            }
        };
        for (vf, writer) in self.threads {
            add(vf, writer.join());
        }
        for (vf, writer) in self.guests {
            let (guest, account) = writer.join();
            partition.put_guest(vf, guest);
            add(vf, account);
        }
        accounts
    }
}

/// A write of the VSP's own.
fn provide(door: &Door, lender: &mut Lender, vf: u16, block: u32, bytes: &[u8]) -> Status {
    let Some(pf) = door.enter() else { return status::DEVICE_NOT_READY };
    pf.write_block(lender, vf, block, bytes.len() as u32, Some(bytes))
}

fn write(
    progress: &Progress,
    vf: u16,
    place: u16,
    stream: Stream,
    mut send: impl FnMut(&[u8]) -> Status,
) -> Account {
    let mut account = Account::new();
    let mut number = 1_u64;
    while !progress.ending.load(Ordering::Acquire) && stream.writes.is_none_or(|writes| number <= writes) {
        let mut bytes = (number | u64::from(place) << 32).to_le_bytes().to_vec();
        bytes.resize(stream.length, 0);
        let status = send(&bytes);
        *account.entry(status).or_default() += 1;
        wait::change(|| progress.ended[usize::from(vf)].fetch_add(1, Ordering::AcqRel));
        // A write that was refused is made again: what is counted is what arrives.
        number += u64::from(status == status::SUCCESS || stream.writes.is_some());
    }
    wait::change(|| progress.writing.fetch_sub(1, Ordering::AcqRel));
    account
}
