//! The VF's side of messages, for a VF driver in Rust; `driver/include/vf_backchannel.h` is the same in C.
//!
//! Both make the same calls with the same bytes in the same order.

use super::wire::{ARRIVED, EMPTY, Head, copy, has, mark, pieces};
use super::{LONGEST_MESSAGE, MessageBlocks};

/// How a VF driver reads and writes blocks; each call returns when the PF has answered.
pub trait Blocks {
    /// What a refused call is answered with.
    type Refusal;

    /// Hands a block to the PF.
    ///
    /// # Errors
    ///
    /// The PF's, or the bus's.
    fn write(&mut self, block: u32, bytes: &[u8]) -> Result<(), Self::Refusal>;

    /// Fills `bytes` from the PF.
    ///
    /// # Errors
    ///
    /// The PF's, or the bus's.
    fn read(&mut self, block: u32, bytes: &mut [u8]) -> Result<(), Self::Refusal>;
}

/// Sends and receives messages.
///
/// It needs 300 bytes of stack and no memory of its own. A piece that was lost is sent or asked for again, up to 32 times;
/// a call that was refused counts as lost.
///
/// ```
/// use backchannel::{Blocks, ClientError, MessageBlocks, MessageClient};
///
/// fn greet<B: Blocks>(blocks: B, ids: MessageBlocks, answer: &mut [u8]) -> Result<usize, ClientError<B::Refusal>> {
///     let mut client = MessageClient::open(blocks, ids)?;
///     client.send(b"hello")?;
///     Ok(client.receive(answer)?.unwrap_or(0))
/// }
/// ```
#[derive(Debug)]
pub struct MessageClient<B> {
    blocks: B,
    ids: MessageBlocks,
    sequence: u16,
    /// The sequence of the message that was received last, if any was.
    received: Option<u16>,
    longest: [u32; 2],
}

/// Why a message was not sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError<R> {
    /// The PF does not speak this version.
    Version,
    /// It has no bytes or is longer than the PF takes; or it is longer than the buffer that it was to be received in, and
    /// waits.
    Length,
    /// The PF's handler refused the message, with this NTSTATUS.
    Refused(u32),
    /// It took longer than the PF's time limit.
    TooLate,
    /// Pieces were lost 32 times in a row.
    Lost,
    /// The PF or the bus refused a call.
    Call(R),
}

impl<B: Blocks> MessageClient<B> {
    /// Begins the conversation: agrees on a version, and drops whatever was on its way.
    ///
    /// # Errors
    ///
    /// [`ClientError::Version`], [`ClientError::Call`].
    pub fn open(mut blocks: B, ids: MessageBlocks) -> Result<Self, ClientError<B::Refusal>> {
        let mut block = [0; 32];
        [block[0], block[2]] = [1, 1];
        blocks.write(ids.control.value(), &block).map_err(ClientError::Call)?;
        blocks.read(ids.control.value(), &mut block).map_err(ClientError::Call)?;
        if block[4..6] != [1, 0] {
            return Err(ClientError::Version);
        }
        let longest = [block[24..].first_chunk(), block[28..].first_chunk()]
            .map(|bytes| bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes)));
        Ok(Self { blocks, ids, sequence: 0, received: None, longest })
    }

    /// Gives the bytes of the longest message to the PF.
    #[must_use]
    pub const fn longest_to_pf(&self) -> u32 {
        self.longest[0]
    }

    /// Gives the bytes of the longest message from the PF.
    #[must_use]
    pub const fn longest_to_vf(&self) -> u32 {
        self.longest[1]
    }

    /// Sends a message; returns when the PF's handler has taken it.
    ///
    /// # Errors
    ///
    /// All but [`ClientError::Version`]. The message was not taken then, and with [`ClientError::Lost`] and
    /// [`ClientError::Call`] nobody knows.
    pub fn send(&mut self, message: &[u8]) -> Result<(), ClientError<B::Refusal>> {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        if length == 0 || length > self.longest[0] {
            return Err(ClientError::Length);
        }
        self.sequence = self.sequence.wrapping_add(1);
        let mut arrived = [0; ARRIVED];
        let mut failure = ClientError::Lost;
        for _ in 0..ROUNDS {
            let missing = (0..pieces(length)).filter(|piece| !has(&arrived, *piece));
            for piece in missing {
                let head = Head { sequence: self.sequence, piece, length };
                let mut block = EMPTY;
                copy(&mut block, &head.to_bytes());
                copy(&mut block[8..], message.get(head.place()).unwrap_or_default());
                if let Err(refusal) = self.blocks.write(self.ids.to_pf.value(), &block) {
                    failure = ClientError::Call(refusal);
                }
            }
            let mut block = EMPTY;
            if let Err(refusal) = self.blocks.read(self.ids.to_pf.value(), &mut block) {
                failure = ClientError::Call(refusal);
                continue;
            }
            let Some((told, rest)) = Head::parse(&block) else { continue };
            if told.sequence != self.sequence {
                continue;
            }
            // The place of the piece's number is that of what became of the message.
            match told.piece {
                2 => return Ok(()),
                3 => {
                    let status = rest.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                    return Err(ClientError::Refused(status));
                }
                4 => return Err(ClientError::TooLate),
                _ => copy(&mut arrived, &block[16..]),
            }
        }
        Err(failure)
    }

    /// Receives a message into `buffer` if there is one, and gives its length.
    ///
    /// # Errors
    ///
    /// [`ClientError::Length`], [`ClientError::Lost`], [`ClientError::Call`]. The message can still be received then.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ClientError<B::Refusal>> {
        let mut arrived = [0; ARRIVED];
        let (mut message, mut count) = (None, 0_u16);
        let mut failure = ClientError::Lost;
        let mut left = ROUNDS;
        while left > 0 {
            let mut block = EMPTY;
            if let Err(refusal) = self.blocks.read(self.ids.to_vf.value(), &mut block) {
                (failure, left) = (ClientError::Call(refusal), left.saturating_sub(1));
                continue;
            }
            let Some((head, bytes)) = Head::parse(&block) else { break };
            if head.length == 0 {
                return Ok(None);
            }
            let total = pieces(head.length);
            if self.received == Some(head.sequence) {
                // It is here already, and the PF has not heard so.
                left = left.saturating_sub(1);
                self.tell(head.sequence, total, &mut failure);
                continue;
            }
            let length = usize::try_from(head.length).unwrap_or(usize::MAX);
            if length > buffer.len() || head.length > LONGEST_MESSAGE || head.piece >= total {
                return Err(ClientError::Length);
            }
            if message != Some((head.sequence, head.length)) {
                // The first piece of it, or the PF gave up an earlier one.
                (message, count) = (Some((head.sequence, head.length)), 0);
                arrived.fill(0);
            }
            if mark(&mut arrived, head.piece) {
                copy(buffer.get_mut(head.place()).unwrap_or_default(), bytes);
                (count, left) = (count.saturating_add(1), ROUNDS);
            } else {
                left = left.saturating_sub(1);
            }
            if count == total {
                self.received = Some(head.sequence);
                self.tell(head.sequence, total, &mut failure);
                return Ok(Some(length));
            }
            let next = head.piece.saturating_add(1);
            if next == total || has(&arrived, next) {
                let missing = (0..total).find(|piece| !has(&arrived, *piece)).unwrap_or(0);
                self.tell(head.sequence, missing, &mut failure);
            }
        }
        Err(failure)
    }

    /// Gives the way to the PF.
    pub const fn blocks(&mut self) -> &mut B {
        &mut self.blocks
    }

    fn tell(&mut self, sequence: u16, piece: u16, failure: &mut ClientError<B::Refusal>) {
        let mut block = EMPTY;
        copy(&mut block, &Head { sequence, piece, length: 0 }.to_bytes());
        if let Err(refusal) = self.blocks.write(self.ids.to_vf.value(), &block) {
            *failure = ClientError::Call(refusal);
        }
    }
}

/// How often a piece is sent or asked for.
const ROUNDS: u8 = 32;
