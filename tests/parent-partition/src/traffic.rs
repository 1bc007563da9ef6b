//! Guests that write without pause, while something else is done to the partition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::guest::vf::VfDriver;
use crate::machine::thread;
use crate::nt::status::{self, Status};
use crate::partition::{Guest, Partition};

/// Guests under way, each on a thread of its own.
#[derive(Debug)]
pub struct Traffic {
    guests: Vec<(u16, thread::JoinHandle<(Guest, Account)>)>,
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
        let guests = (0..vfs).map(|vf| {
            let guest = partition.take_guest(vf);
            let ending = Arc::clone(&ending);
            let writer = thread::spawn("guest", move || {
                let account = write(&guest.driver, stream, &ending);
                (guest, account)
            });
            (vf, writer.expect("a host thread"))
        });
        Self { guests: guests.collect(), ending }
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

fn write(driver: &VfDriver, stream: Stream, ending: &AtomicBool) -> Account {
    let mut account = Account::new();
    let mut number = 1_u64;
    while !ending.load(Ordering::Acquire) && stream.writes.is_none_or(|writes| number <= writes) {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(stream.length, 0);
        let status = driver.write_block(stream.block, &bytes);
        *account.entry(status).or_default() += 1;
        // A write that was refused is made again: what is counted is what arrives.
        number += u64::from(status == status::SUCCESS || stream.writes.is_some());
    }
    account
}
