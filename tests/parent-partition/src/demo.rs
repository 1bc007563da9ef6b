//! The demo: four guests send statistics as Linux mlx5 VFs do, and ask the PF what arrived.
//!
//! Each guest runs on a thread of its own. What the PF must know is worked out from what the guest sent, by
//! the guest; the PF's handler is only asked.
//!
//! * [`conversation`]: one guest's part, step by step.
//! * [`observed`]: the guest's way to the PF, counted, and lossy where asked for.
//! * [`reassembled`]: what the PF says arrived, held against what was sent.
//! * [`report`]: for a person, or as JSON.

pub mod conversation;
pub mod observed;
pub mod reassembled;
pub mod report;

use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::command::{BAD_ARGUMENTS, DemoArguments};
use crate::lives::Lives;
use crate::machine::thread;
use crate::partition::{Partition, Vfs};
use crate::vpci::link::Client;
use conversation::{Account, PIECES, SETS};
use observed::Loss;
use report::Report;

/// Runs the demo in this process, prints what came of it, and returns the exit code.
///
/// 0 when all is as it must be: with `--drop-piece` the missing piece was noticed, without it nothing is missing. Of more than
/// one life each has values of its own, and the last is reported, or the first that is not as it must be.
pub fn run(arguments: &DemoArguments) -> u8 {
    let image = match arguments.image.path() {
        Ok(image) => image,
        Err(error) => {
            eprintln!("{error}");
            return BAD_ARGUMENTS;
        }
    };
    let mut lives = Lives::default();
    let report = loop {
        let seed = arguments.seed.wrapping_add(lives.ended().into());
        let accounts = match live(&image, seed, arguments.drop_piece) {
            Ok(accounts) => accounts,
            Err(error) => {
                eprintln!("{error}");
                return FAILED;
            }
        };
        lives.end_one(&image);
        let report = Report::new(&image, lives.ended(), accounts);
        if lives.ended() == arguments.repeat || is_wrong(&report, arguments) {
            break report;
        }
    };
    let mut out = anstream::stdout().lock();
    let printed = if arguments.json { report.print_json(&mut out) } else { report.print(&mut out) };
    if printed.is_err() {
        // A reader who has seen enough closes the pipe.
        return FAILED;
    }
    if is_wrong(&report, arguments) { FAILED } else { 0 }
}

fn is_wrong(report: &Report, arguments: &DemoArguments) -> bool {
    (report.mismatches() != 0) != arguments.drop_piece
}

/// One life of the driver: loaded, started, talked to by the guests, removed and unloaded.
fn live(image: &Path, seed: u64, drop_piece: bool) -> Result<Vec<Account>, String> {
    let mut partition = Partition::boot(image.to_owned(), Vfs::all(GUESTS), Client::Linux);
    partition.load().map_err(|status| format!("the driver does not start: {status:#010x}"))?;
    let accounts = converse(&mut partition, seed, drop_piece);
    // What the driver leaves behind at unload is part of the verdict.
    drop(partition);
    accounts
}

fn converse(partition: &mut Partition, seed: u64, drop_piece: bool) -> Result<Vec<Account>, String> {
    let mut loss = drop_piece.then(|| lost_piece(seed));
    let threads: Vec<_> = (0..GUESTS)
        .map(|vf| {
            let guest = partition.take_guest(vf);
            let loss = loss.take_if(|(unlucky, _)| *unlucky == vf).map(|(_, loss)| loss);
            let body = move || (conversation::hold(&guest.driver, vf, seed, loss), guest);
            thread::spawn("guest", body).expect("a host thread")
        })
        .collect();
    let mut accounts = Vec::new();
    for (vf, thread) in (0..).zip(threads) {
        let (account, guest) = thread.join();
        partition.put_guest(vf, guest);
        accounts.push(account.map_err(|refused| format!("guest {vf}: {refused}")));
    }
    accounts.into_iter().collect()
}

/// The guest that loses a piece, and which.
fn lost_piece(seed: u64) -> (u16, Loss) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::MAX);
    let mut below = |limit: u32| random.next_u32() % limit;
    let vf = below(u32::from(GUESTS)) as u16;
    (vf, Loss { write: below(SETS * PIECES) })
}

const GUESTS: u16 = 4;
const FAILED: u8 = 1;
