//! Guests that write without pause, while something else is done to the partition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::guest::vf::VfDriver;
use crate::machine::{thread, wait};
use crate::nt::status::{self, Status};
use crate::partition::{Guest, Partition};

/// Guests under way, each on a thread of its own.
#[derive(Debug)]
pub struct Traffic {
    guests: Vec<(u16, thread::JoinHandle<(Guest, Account)>)>,
    /// How many writes of each guest have ended.
    ended: Arc<Vec<AtomicU64>>,
    ending: Arc<AtomicBool>,
}

/// What a guest writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The block.
    pub block: u32,
    /// Bytes of each write, at least 8: a number that counts the writes from 1, least significant byte first, and zeros.
    pub length: usize,
    /// How many writes; without an end unless given.
    pub writes: Option<u64>,
}

/// What became of a guest's writes: how many ended with each status.
pub type Account = BTreeMap<Status, u64>;

impl Traffic {
    /// Has the guests of the first `vfs` VFs write, until [`Traffic::end`].
    ///
    /// # Panics
    ///
    /// When the host has no more threads.
    pub fn begin(partition: &mut Partition, vfs: u16, stream: Stream) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let ended: Arc<Vec<AtomicU64>> = Arc::new((0..vfs).map(|_| AtomicU64::new(0)).collect());
        let guests = (0..vfs).map(|vf| {
            let guest = partition.take_guest(vf);
            let (ending, counters) = (Arc::clone(&ending), Arc::clone(&ended));
            let writer = thread::spawn("guest", move || {
                let account = write(&guest.driver, stream, &ending, &counters[usize::from(vf)]);
                (guest, account)
            });
            (vf, writer.expect("a host thread"))
        });
        let guests = guests.collect();
        Self { guests, ended, ending }
    }

    /// Waits until so many more writes of each guest have ended; false when they have not after that time.
    pub fn wait_for(&self, writes: u64, limit: Duration) -> bool {
        let goals: Vec<u64> = self.ended.iter().map(|ended| ended.load(Ordering::Acquire) + writes).collect();
        let reached = || {
            let mut pairs = self.ended.iter().zip(&goals);
            pairs.all(|(ended, goal)| ended.load(Ordering::Acquire) >= *goal).then_some(())
        };
        wait::until(Some(limit), reached).is_some()
    }

    /// Lets each guest finish its write, puts it back, and returns what became of all writes, by VF.
    ///
    /// # Panics
    ///
    /// When a guest's thread did.
    pub fn end(self, partition: &mut Partition) -> Vec<Account> {
        self.ending.store(true, Ordering::Release);
        let put_back = |(vf, writer): (u16, thread::JoinHandle<(Guest, Account)>)| {
            let (guest, account) = writer.join();
            partition.put_guest(vf, guest);
            account
        };
        self.guests.into_iter().map(put_back).collect()
    }
}

fn write(driver: &VfDriver, stream: Stream, ending: &AtomicBool, ended: &AtomicU64) -> Account {
    let mut account = Account::new();
    let mut number = 1_u64;
    while !ending.load(Ordering::Acquire) && stream.writes.is_none_or(|writes| number <= writes) {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(stream.length, 0);
        let status = driver.write_block(stream.block, &bytes);
        *account.entry(status).or_default() += 1;
        wait::change(|| ended.fetch_add(1, Ordering::AcqRel));
        // A write that was refused is made again: what is counted is what arrives.
        number += u64::from(status == status::SUCCESS || stream.writes.is_some());
    }
    account
}
