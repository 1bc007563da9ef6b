//! Reassembly of a VF's message out of its pieces.
//!
//! ```text
//!              a piece                last piece, handler
//!   None ────────────────► Incomplete ───────────────────► Taken or Refused
//!                           ▲   │  time is over                 │
//!                           │   └────────────► TooLate          │
//!                           └── a piece of a later message ─────┘
//! ```

use super::state::{Fate, State};
use super::wire::{ARRIVED, Head, copy, mark, pieces};
use crate::status::NtStatus;

/// The buffer of a VF's messages to the PF.
#[derive(Debug)]
pub(super) struct Inbound<'m> {
    pub(super) arrived: &'m mut [u8; ARRIVED],
    pub(super) buffer: &'m mut [u8],
    pub(super) time: u64,
    pub(super) limit: u64,
}

/// What a piece brought about.
#[derive(Debug)]
pub(super) enum Progress<'b> {
    /// Pieces are missing, or it was none that is needed.
    Kept,
    /// The message is whole.
    Whole(&'b [u8]),
}

impl Inbound<'_> {
    /// Takes a piece.
    ///
    /// # Errors
    /// As the table of the wire says; nothing has changed then.
    pub(super) fn piece(&mut self, state: &mut State, block: &[u8]) -> Result<Progress<'_>, NtStatus> {
        let (head, bytes) = Head::parse(block).ok_or(NtStatus::INVALID_BUFFER_SIZE)?;
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        if length == 0 || length > self.buffer.len() {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        if head.piece >= pieces(head.length) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        self.expire(state);
        match (state.fate, head.sequence.wrapping_sub(state.sequence)) {
            (Fate::Incomplete, 0) if head.length != state.length => return Err(NtStatus::INVALID_PARAMETER),
            (Fate::Incomplete, 0) => {}
            (Fate::TooLate, 0) => return Err(NtStatus::IO_TIMEOUT),
            (Fate::None, _)
            | (Fate::Incomplete | Fate::Taken | Fate::Refused | Fate::TooLate, 1..=0x7FFF) => {
                self.begin(state, head);
            }
            // What was repeated on the way, or overtaken.
            (Fate::Taken | Fate::Refused, 0)
            | (Fate::Incomplete | Fate::Taken | Fate::Refused | Fate::TooLate, 0x8000..) => {
                return Ok(Progress::Kept);
            }
        }
        if mark(self.arrived, head.piece) {
            copy(self.buffer.get_mut(head.place()).unwrap_or_default(), bytes);
            state.arrived = state.arrived.saturating_add(1);
        }
        if state.arrived < pieces(head.length) {
            return Ok(Progress::Kept);
        }
        Ok(Progress::Whole(self.buffer.get(..length).unwrap_or_default()))
    }

    /// Tells what became of the message, and which pieces have arrived.
    pub(super) fn report(&self, state: &mut State, block: &mut [u8; 128]) {
        self.expire(state);
        let head = Head { sequence: state.sequence, piece: state.fate.number(), length: state.length };
        let (words, arrived) = block.split_at_mut(16);
        copy(words, &head.to_bytes());
        copy(words.get_mut(8..).unwrap_or_default(), &state.status.to_le_bytes());
        copy(words.get_mut(12..).unwrap_or_default(), &state.arrived.to_le_bytes());
        copy(arrived, self.arrived);
    }

    fn begin(&mut self, state: &mut State, head: Head) {
        self.arrived.fill(0);
        state.fate = Fate::Incomplete;
        (state.sequence, state.length) = (head.sequence, head.length);
        (state.arrived, state.status, state.began) = (0, 0, self.time);
    }

    /// Drops a message that was begun too long ago.
    fn expire(&self, state: &mut State) {
        if state.fate == Fate::Incomplete && self.time.saturating_sub(state.began) > self.limit {
            state.fate = Fate::TooLate;
        }
    }
}
