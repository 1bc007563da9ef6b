//! The journal of the driver under test, read out of it.

use std::collections::HashSet;

use super::ledger::Seen;
use super::stage::Stage;
use crate::nt::status;
use crate::vsp::buffer::Lender;
use crate::vsp::door::Visit;

/// A mistake that the driver's handler can be told to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mistake {
    /// Writes are not seen.
    Drop = 1,
    /// Writes are seen twice.
    Double = 2,
    /// Writes of VF 0 are seen after the next one.
    Reorder = 3,
}

/// Takes entries out of the journal until the soak is over and the journal is empty.
pub fn read_journal(stage: &Stage, pf: &Visit) {
    let mut choices = stage.choices(KEEPER);
    let mut lender = Lender::new(0);
    let mut hit = HashSet::new();
    loop {
        // The journal may hold the last of what was written before the end.
        let is_over = stage.is_over_for_readers();
        let (status, entries) = pf.read_block(
            &mut lender,
            stage.keeper(),
            JOURNAL,
            JOURNAL_BYTES as u32,
            Some(&[0; JOURNAL_BYTES]),
        );
        let seen: Vec<Seen> = match status {
            status::SUCCESS => entries.chunks_exact(ENTRY).filter_map(entry).collect(),
            _ => Vec::new(),
        };
        if seen.is_empty() {
            if is_over && status == status::SUCCESS {
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

/// Has the driver's handler make a mistake so many times.
///
/// # Panics
///
/// When the driver refuses.
pub fn make(mistake: Mistake, times: u8, stage: &Stage, pf: &Visit) {
    let told =
        pf.write_block(&mut Lender::new(0), stage.keeper(), MISTAKES, 2, Some(&[mistake as u8, times]));
    assert_eq!(told, status::SUCCESS, "the driver has that block");
}

/// VF, then a byte that is zero, one of flags, four of generation; the number. A number of 0 is none.
fn entry(bytes: &[u8]) -> Option<Seen> {
    let [first, number] = [&bytes[..8], &bytes[8..]]
        .map(|word| u64::from_le_bytes(word.try_into().expect("half an entry has eight bytes")));
    (number != 0).then_some(Seen {
        number,
        vf: first as u16,
        generation: (first >> 32) as u32,
        overtaken: first & OVERTAKEN != 0,
        overlapped: first & OVERLAPPED != 0,
    })
}

const JOURNAL: u32 = 9;
const JOURNAL_BYTES: usize = 128;
const ENTRY: usize = 16;
const OVERTAKEN: u64 = 1 << 24;
const OVERLAPPED: u64 = 2 << 24;
const MISTAKES: u32 = 10;
/// Whose choices these are.
const KEEPER: u64 = 0xF000;
