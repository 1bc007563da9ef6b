//! A message to a VF, which reads it piece by piece and acknowledges it.

use super::state::State;
use super::wire::{Head, copy, pieces};
use crate::status::NtStatus;

/// The buffer of the messages to a VF.
#[derive(Debug)]
pub(super) struct Outbound<'m> {
    pub(super) buffer: &'m mut [u8],
    pub(super) time: u64,
    pub(super) limit: u64,
}

/// Where a handler puts a message to the VF that calls.
#[derive(Debug)]
pub struct Outbox<'a> {
    buffer: &'a mut [u8],
    time: u64,
    limit: u64,
    state: &'a mut State,
    has_sent: bool,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The one before has not arrived yet, and its time is not over.
    Busy,
    /// It has no bytes, or more than the limit.
    Length,
}

impl SendError {
    /// Gives the status for a guest.
    pub const fn status(self) -> NtStatus {
        match self {
            Self::Busy => NtStatus::DEVICE_NOT_READY,
            Self::Length => NtStatus::INVALID_BUFFER_SIZE,
        }
    }
}

impl<'a> Outbox<'a> {
    pub(super) fn new(outbound: &'a mut Outbound<'_>, state: &'a mut State) -> Self {
        let (time, limit) = (outbound.time, outbound.limit);
        Self { buffer: outbound.buffer, time, limit, state, has_sent: false }
    }

    /// Sends a message: the VF is told, and reads it.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.is_busy() {
            return Err(SendError::Busy);
        }
        let length = u32::try_from(message.len()).map_err(|_| SendError::Length)?;
        if length == 0 || message.len() > self.buffer.len() {
            return Err(SendError::Length);
        }
        copy(self.buffer, message);
        let state = &mut *self.state;
        state.sent_sequence = state.sent_sequence.wrapping_add(1);
        (state.next, state.sent_length, state.sent) = (0, length, self.time);
        self.has_sent = true;
        Ok(())
    }

    /// Says whether a message is on its way whose time is not over.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.state.is_sending() && self.time.saturating_sub(self.state.sent) <= self.limit
    }

    /// Gives the bytes of the longest message.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.buffer.len()
    }

    pub(super) const fn has_sent(&self) -> bool {
        self.has_sent
    }
}

impl Outbound<'_> {
    /// Gives the next piece, and after the last the first again.
    pub(super) fn piece(&self, state: &mut State, block: &mut [u8]) {
        let head = Head { sequence: state.sent_sequence, piece: state.next, length: state.sent_length };
        let Some((words, bytes)) = block.split_first_chunk_mut::<8>() else { return };
        *words = head.to_bytes();
        copy(bytes, self.buffer.get(head.place()).unwrap_or_default());
        let next = state.next.saturating_add(1);
        state.next = if next < pieces(state.sent_length) { next } else { 0 };
    }

    /// Takes what the VF says that it has, or wants.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a piece beyond the end.
    pub(super) fn acknowledge(state: &mut State, block: &[u8]) -> Result<(), NtStatus> {
        let (head, _) = Head::parse(block).ok_or(NtStatus::INVALID_BUFFER_SIZE)?;
        if head.sequence != state.sent_sequence || !state.is_sending() {
            // Repeated on the way, or overtaken.
            return Ok(());
        }
        let count = pieces(state.sent_length);
        if head.piece > count {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        state.next = head.piece;
        if head.piece == count {
            (state.next, state.sent_length) = (0, 0);
        }
        Ok(())
    }
}
