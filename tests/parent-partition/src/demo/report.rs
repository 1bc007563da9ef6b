//! What the demo says: for a person, or as one JSON object.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::conversation::{Account, Step};
use super::reassembled::{FIRST_WINDOW, REPORT, WINDOWS};
use crate::guest::mlx5::{CONTROL, ControlBlock, STATISTICS};
use crate::wdfldr::choice;

/// The guests' accounts together.
#[derive(Debug)]
pub struct Report {
    image: String,
    lives: u32,
    accounts: Vec<Account>,
}

impl Report {
    /// A report on `image`, whose lives before the one that is accounted for were as they must be.
    pub fn new(image: &Path, lives: u32, accounts: Vec<Account>) -> Self {
        Self { image: image.display().to_string(), lives, accounts }
    }

    /// Values that differ from what the guests sent.
    pub fn mismatches(&self) -> usize {
        self.accounts.iter().map(|account| account.mismatches.len()).sum()
    }

    /// Prints one JSON object.
    ///
    /// # Errors
    ///
    /// What writing fails with.
    pub fn print_json(&self, out: &mut impl Write) -> io::Result<()> {
        let sum = |figure: fn(&Account) -> u32| {
            self.accounts.iter().map(|each| u64::from(figure(each))).sum::<u64>()
        };
        let report = json!({
            "guests": self.accounts.len(),
            "writes": sum(|account| account.counts.writes),
            "reads": sum(|account| account.counts.reads),
            "pieces": sum(|account| account.reassembled.pieces),
            "statistics_sets": sum(|account| account.reassembled.sets),
            "mismatches": self.mismatches(),
            // A broken rule ends the process before anything is printed.
            "rules_broken": 0,
            "lives": self.lives,
            "image": self.image,
            "framework": choice::name(),
        });
        writeln!(out, "{report}")
    }

    /// Prints the story for a person, in colours.
    ///
    /// # Errors
    ///
    /// What writing fails with.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{HEAD}PF{HEAD:#}  {}, framework {}", self.image, choice::name())?;
        for account in &self.accounts {
            writeln!(out)?;
            writeln!(out, "{HEAD}guest {vf}{HEAD:#}  Linux mlx5 VF driver on VF {vf}", vf = account.vf)?;
            for step in &account.steps {
                print_step(step, out)?;
            }
            for mismatch in account.mismatches.iter().take(SHOWN) {
                let super::reassembled::Mismatch { what, sent, found } = mismatch;
                writeln!(out, "  {BAD}differs{BAD:#}  {what}: sent {sent}, the PF has {found}")?;
            }
            if let Some(more) = account.mismatches.len().checked_sub(SHOWN + 1) {
                writeln!(out, "  {BAD}differs{BAD:#}  and {} more", more + 1)?;
            }
        }
        self.print_counters(out)
    }

    fn print_counters(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out)?;
        writeln!(out, "{HEAD}counters{HEAD:#}  guest  writes  reads  pieces  rejected  sets  mismatches")?;
        for account in &self.accounts {
            let Account { vf, counts, reassembled, mismatches, .. } = account;
            writeln!(
                out,
                "          {vf:>5}  {:>6}  {:>5}  {:>6}  {:>8}  {:>4}  {:>10}",
                counts.writes,
                counts.reads,
                reassembled.pieces,
                reassembled.rejected,
                reassembled.sets,
                mismatches.len()
            )?;
        }
        let mismatches = self.mismatches();
        let style = if mismatches == 0 { GOOD } else { BAD };
        writeln!(out)?;
        if self.lives > 1 {
            writeln!(out, "the last of {} lives", self.lives)?;
        }
        writeln!(out, "{style}{mismatches} mismatches, 0 rules broken{style:#}")
    }
}

fn print_step(step: &Step, out: &mut impl Write) -> io::Result<()> {
    match step {
        Step::Control(block) => {
            writeln!(
                out,
                "  read   block {CONTROL:#06x} {FROM}  control {}, command {}",
                block.control, block.command
            )?;
            writeln!(out, "  write  block {CONTROL:#06x} {TO}  {}", Written(block))
        }
        Step::Declined(block) => {
            writeln!(
                out,
                "  read   block {CONTROL:#06x} {FROM}  control {:#x} addresses unknown agents",
                block.control
            )
        }
        Step::Sent(record) => writeln!(
            out,
            "  write  block {STATISTICS:#06x} {TO}  set {} of {} rings, sequence {}; {} pieces so far",
            record.sets,
            record.last_set.len(),
            record.last_sequence,
            record.pieces
        ),
        Step::Checked(reassembled, mismatches) => {
            writeln!(
                out,
                "  read   block {REPORT:#06x} {FROM}  {} pieces taken, {} complete sets, sequence {}",
                reassembled.pieces, reassembled.sets, reassembled.last_sequence
            )?;
            let last = FIRST_WINDOW + WINDOWS - 1;
            let style = if *mismatches == 0 { GOOD } else { BAD };
            let verdict = match mismatches {
                0 => "every value as it was sent".to_owned(),
                count => format!("{count} values differ from what was sent"),
            };
            writeln!(
                out,
                "  read   blocks {FIRST_WINDOW:#06x}..{last:#06x} {FROM}  {style}{verdict}{style:#}"
            )
        }
    }
}

struct Written<'a>(&'a ControlBlock);

impl std::fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ControlBlock { capabilities, command_ack, version, rings, .. } = self.0;
        write!(f, "capabilities {capabilities}, acknowledged {command_ack}, version {version}, rings {rings}")
    }
}

/// The handler that serves all these blocks, as seen from a guest.
const TO: &str = "to the PF's mlx5 handler";
const FROM: &str = "from the PF's mlx5 handler";
const SHOWN: usize = 5;
const HEAD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
