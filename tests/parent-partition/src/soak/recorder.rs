//! The plug-in that keeps a journal: what is asked of it, and the journal read out of it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::ledger::Seen;
use super::stage::Stage;
use crate::nt::control::Control;
use crate::nt::status::{self, Status};
use crate::plugins::Plugins;

/// A mistake that the plug-in can be told to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mistake {
    /// Writes are not seen.
    Drop = 1,
    /// Writes are seen twice.
    Double = 2,
    /// Writes of VF 0 are seen after the next one.
    Reorder = 3,
    /// A replaced handler serves on.
    Stay = 4,
}

/// The plug-in, loaded; requests come to it one at a time.
#[derive(Debug)]
pub struct Recorder {
    plugins: Mutex<Plugins>,
    name: String,
}

/// What a replacement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The number of the handler that came.
    pub handler: u64,
    /// How many writes the other one took.
    pub taken: u64,
    /// How many were inside it when its replacement began.
    pub inside: u64,
}

impl Recorder {
    /// Takes the plug-in of that name.
    pub fn new(plugins: Plugins, name: String) -> Self {
        Self { plugins: Mutex::new(plugins), name }
    }

    /// Takes entries out of the journal until the soak is over and the journal is empty.
    pub fn read_journal(&self, stage: &Stage) {
        let mut choices = stage.choices(JOURNAL);
        let mut hit = HashSet::new();
        loop {
            // The journal may hold the last of what was written before the end.
            let is_over = stage.is_over_for_readers();
            let (status, entries) = self.ask(TAKE, Vec::new(), ENTRIES * ENTRY);
            if status != status::SUCCESS {
                stage.unexpected(format_args!("the journal was answered {status:#010x}"));
                return;
            }
            let seen: Vec<Seen> = entries.chunks_exact(ENTRY).map(entry).collect();
            if seen.is_empty() {
                if is_over {
                    return;
                }
                choices.pause(1000);
            }
            stage.counts.seen.add(seen.len() as u64);
            for one in seen.iter().filter(|one| one.overtaken) {
                if hit.insert((one.vf, one.generation)) {
                    stage.counts.resets_in_flight.up();
                }
            }
            stage.ledger().seen.extend(seen);
        }
    }

    /// Puts the other handler into the place of the one that serves.
    ///
    /// # Errors
    ///
    /// What the plug-in or the PF refuses it with.
    pub fn replace(&self) -> Result<Turn, Status> {
        let (status, answer) = self.ask(REPLACE, Vec::new(), 3 * WORD);
        if status != status::SUCCESS {
            return Err(status);
        }
        let [handler, taken, inside] = words(&answer);
        Ok(Turn { handler, taken, inside })
    }

    /// Has the plug-in make a mistake so many times.
    ///
    /// # Panics
    ///
    /// When it refuses.
    pub fn make(&self, mistake: Mistake, times: u8) {
        let (told, _) = self.ask(MISTAKE, vec![mistake as u8, times], 0);
        assert_eq!(told, status::SUCCESS, "the plug-in knows that mistake");
    }

    fn ask(&self, code: u32, input: Vec<u8>, output: usize) -> (Status, Vec<u8>) {
        let control = Control { code, internal: false, user: true, input, output };
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let (sent, data) = match plugins.control(&self.name, &control) {
            Ok(sent) => sent,
            Err(status) => return (status, Vec::new()),
        };
        drop(plugins);
        (sent.finish_within(PATIENCE).status, data.take())
    }
}

/// VF, then a byte that is zero, one of flags, four of generation; the number; the handler.
fn entry(bytes: &[u8]) -> Seen {
    let [first, number, handler] = words(bytes);
    Seen {
        number,
        vf: first as u16,
        generation: (first >> 32) as u32,
        overtaken: first & OVERTAKEN != 0,
        overlapped: first & OVERLAPPED != 0,
        handler,
    }
}

fn words(bytes: &[u8]) -> [u64; 3] {
    let word = |place: usize| {
        let bytes = &bytes[place * WORD..(place + 1) * WORD];
        u64::from_le_bytes(bytes.try_into().expect("a word has eight bytes"))
    };
    [word(0), word(1), word(2)]
}

const WORD: usize = 8;
const ENTRY: usize = 3 * WORD;
/// How many entries are taken at once.
const ENTRIES: usize = 128;
const OVERTAKEN: u64 = 1 << 24;
const OVERLAPPED: u64 = 2 << 24;
const TAKE: u32 = 0x22_2000;
const REPLACE: u32 = 0x22_2004;
const MISTAKE: u32 = 0x22_2008;
/// Longer than a replacement waits for the calls inside.
const PATIENCE: Duration = Duration::from_secs(40);
/// Whose choices these are.
const JOURNAL: u64 = 0xF000;
