//! What the actors of a soak share: whether it goes on, the clock, the counts, and the ledger's parts.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::counts::Counts;
use super::ledger::{Replacement, Reset, Seen, Written};
use crate::machine::wait;
use crate::nt::status::Status;

/// One soak.
#[derive(Debug)]
pub struct Stage {
    /// VFs with a guest: those below this number.
    pub guests: u16,
    /// What has happened so far.
    pub counts: Counts,
    /// What both sides of the ledger wrote down.
    pub ledger: Mutex<Ledger>,
    seed: u64,
    ended: AtomicBool,
    readers_ended: AtomicBool,
    clock: AtomicU64,
    numbers: AtomicU64,
}

/// The parts of the ledger.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was sent.
    pub written: Vec<Written>,
    /// What the handlers saw, in their order for each VF.
    pub seen: Vec<Seen>,
    /// What was reset.
    pub resets: Vec<Reset>,
    /// Which handler came into the other's place, in order.
    pub replacements: Vec<Replacement>,
}

impl Stage {
    /// A soak that has not begun.
    pub fn new(guests: u16, seed: u64) -> Self {
        Self {
            guests,
            counts: Counts::default(),
            ledger: Mutex::default(),
            seed,
            ended: AtomicBool::new(false),
            readers_ended: AtomicBool::new(false),
            clock: AtomicU64::new(1),
            numbers: AtomicU64::new(1),
        }
    }

    /// The first of the VFs without a guest, which are never reset.
    pub fn first_spare(&self) -> u16 {
        self.guests
    }

    /// How many VFs there are.
    pub fn vfs(&self) -> u16 {
        self.guests + SPARE_VFS
    }

    /// Whether the actors are to end.
    pub fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Has the actors end.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Whether those that take out what the others put in are to end, once nothing is left: the others have ended.
    pub fn is_over_for_readers(&self) -> bool {
        self.readers_ended.load(Ordering::Acquire)
    }

    /// Has the readers end.
    pub fn end_readers(&self) {
        self.readers_ended.store(true, Ordering::Release);
    }

    /// A moment later than every one before.
    pub fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Sends one write, which takes the handler so many microseconds, and enters it into a sender's part of the ledger.
    pub fn write(
        &self,
        vf: u16,
        microseconds: u32,
        log: &mut Vec<Written>,
        send: impl FnOnce(&[u8; 16]) -> Status,
    ) -> Status {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut block = [0; 16];
        block[..8].copy_from_slice(&number.to_le_bytes());
        block[8..12].copy_from_slice(&microseconds.to_le_bytes());
        let begun = self.tick();
        let status = send(&block);
        let ended = self.tick();
        log.push(Written { number, vf, begun, ended, status });
        self.counts.writes.up();
        status
    }

    /// The ledger.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer that no rule allows.
    pub fn unexpected(&self, what: impl Display) {
        self.counts.unexpected.up();
        eprintln!("{what}");
    }

    /// An actor's own choices, which the seed repeats.
    pub fn choices(&self, actor: u64) -> Choices {
        Choices(ChaCha8Rng::seed_from_u64(self.seed.wrapping_mul(0x1_0000).wrapping_add(actor)))
    }
}

/// Made-up decisions.
#[derive(Debug)]
pub struct Choices(ChaCha8Rng);

impl Choices {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0.next_u32() % bound
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Waits for a time below so many microseconds.
    pub fn pause(&mut self, microseconds: u32) {
        wait::sleep(Duration::from_micros(self.below(microseconds).into()));
    }
}

/// How many VFs have no guest.
pub const SPARE_VFS: u16 = 2;
