//! The VPCI messages of the backchannel, byte for byte.
//!
//! All fields are little endian and packed. A message is parsed once, into an enum whose variants hold
//! values; whoever gets one never looks at bytes again.

use std::fmt;

use bytes::{Buf, BufMut, TryGetError};

/// A message that a guest's VPCI bus driver sends to the VSP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestMessage {
    /// Asks for the content of a block.
    ReadBlock {
        /// Device and function on the guest's virtual bus.
        slot: Slot,
        /// The block asked for.
        block: u32,
        /// Bytes the guest has room for.
        bytes_requested: u32,
    },
    /// Hands a block to the PF.
    WriteBlock {
        /// Device and function on the guest's virtual bus.
        slot: Slot,
        /// The block written.
        block: u32,
        /// The content, `byte_count` bytes long.
        bytes: Vec<u8>,
    },
    /// Says that the guest has let go of the device.
    EjectComplete {
        /// Device and function on the guest's virtual bus.
        slot: Slot,
        /// The guest's verdict, an NTSTATUS.
        status: u32,
    },
}

/// A message that the VSP sends on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostMessage {
    /// Asks the guest to let go of the device.
    Eject {
        /// Device and function on the guest's virtual bus.
        slot: Slot,
    },
    /// Tells that blocks have new content; it is never answered.
    InvalidateBlock {
        /// Device and function on the guest's virtual bus.
        slot: Slot,
        /// Bit n stands for block n.
        block_mask: u64,
    },
}

/// The answer to a [`GuestMessage::ReadBlock`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCompletion {
    /// The PF's answer, an NTSTATUS.
    pub status: u32,
    /// 0 to 128 bytes, and up to seven more that the ring's rounding added.
    pub bytes: Vec<u8>,
}

/// The answer to a [`GuestMessage::WriteBlock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteCompletion {
    /// The PF's answer, an NTSTATUS.
    pub status: u32,
}

/// A place on a guest's virtual bus: device in bits 0 to 4, function in bits 5 to 7.
///
/// The guest chooses what it sends here. It is no VF index: the VSP alone knows which VF is behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageError {
    /// The message ends inside its fixed part.
    TooShort,
    /// No message has this type.
    UnknownType(u32),
    /// A write claims more bytes than arrived.
    ByteCount {
        /// What the message says.
        claimed: u32,
        /// What came with it.
        arrived: usize,
    },
}

impl GuestMessage {
    /// Bytes on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        match self {
            Self::ReadBlock { slot, block, bytes_requested } => {
                put(&mut wire, [READ_BLOCK, *block, slot.0, *bytes_requested]);
            }
            Self::WriteBlock { slot, block, bytes } => {
                let byte_count = u32::try_from(bytes.len()).expect("a block is shorter than 4 GiB");
                put(&mut wire, [WRITE_BLOCK, *block, slot.0, byte_count]);
                wire.put_slice(bytes);
            }
            Self::EjectComplete { slot, status } => put(&mut wire, [EJECT_COMPLETE, slot.0, *status]),
        }
        wire
    }

    /// Parses what arrived; bytes behind the message are rounding and ignored.
    ///
    /// # Errors
    ///
    /// [`MessageError`], one variant a cause.
    // SPEC: the VSP goes by `byte_count` and not by the packet's length, which hosts of 2018 expected to
    // be four bytes too long; so a longer packet is legal and a shorter one is not.
    pub fn decode(mut wire: &[u8]) -> Result<Self, MessageError> {
        match wire.try_get_u32_le()? {
            READ_BLOCK => Ok(Self::ReadBlock {
                block: wire.try_get_u32_le()?,
                slot: Slot(wire.try_get_u32_le()?),
                bytes_requested: wire.try_get_u32_le()?,
            }),
            WRITE_BLOCK => {
                let block = wire.try_get_u32_le()?;
                let slot = Slot(wire.try_get_u32_le()?);
                let claimed = wire.try_get_u32_le()?;
                let bytes = usize::try_from(claimed)
                    .ok()
                    .and_then(|count| wire.get(..count))
                    .ok_or(MessageError::ByteCount { claimed, arrived: wire.len() })?;
                Ok(Self::WriteBlock { slot, block, bytes: bytes.to_vec() })
            }
            EJECT_COMPLETE => {
                Ok(Self::EjectComplete { slot: Slot(wire.try_get_u32_le()?), status: wire.try_get_u32_le()? })
            }
            other => Err(MessageError::UnknownType(other)),
        }
    }
}

impl HostMessage {
    /// Bytes on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        match *self {
            Self::Eject { slot } => put(&mut wire, [EJECT, slot.0]),
            Self::InvalidateBlock { slot, block_mask } => {
                put(&mut wire, [INVALIDATE_BLOCK, slot.0]);
                wire.put_u64_le(block_mask);
            }
        }
        wire
    }

    /// Parses what arrived; bytes behind the message are rounding and ignored.
    ///
    /// # Errors
    ///
    /// [`MessageError`], one variant a cause.
    pub fn decode(mut wire: &[u8]) -> Result<Self, MessageError> {
        match wire.try_get_u32_le()? {
            EJECT => Ok(Self::Eject { slot: Slot(wire.try_get_u32_le()?) }),
            INVALIDATE_BLOCK => Ok(Self::InvalidateBlock {
                slot: Slot(wire.try_get_u32_le()?),
                block_mask: wire.try_get_u64_le()?,
            }),
            other => Err(MessageError::UnknownType(other)),
        }
    }
}

impl ReadCompletion {
    /// Bytes on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut wire = self.status.to_le_bytes().to_vec();
        wire.put_slice(&self.bytes);
        wire
    }

    /// Parses what arrived.
    ///
    /// # Errors
    ///
    /// [`MessageError::TooShort`] when there is no status.
    pub fn decode(mut wire: &[u8]) -> Result<Self, MessageError> {
        Ok(Self { status: wire.try_get_u32_le()?, bytes: wire.to_vec() })
    }
}

impl WriteCompletion {
    /// Bytes on the wire.
    pub fn encode(&self) -> Vec<u8> {
        self.status.to_le_bytes().to_vec()
    }

    /// Parses what arrived.
    ///
    /// # Errors
    ///
    /// [`MessageError::TooShort`] when there is no status.
    pub fn decode(mut wire: &[u8]) -> Result<Self, MessageError> {
        Ok(Self { status: wire.try_get_u32_le()? })
    }
}

impl Slot {
    /// A device (0 to 31) and a function (0 to 7) of it; more significant bits are dropped.
    pub fn new(device: u8, function: u8) -> Self {
        Self(u32::from(device & 0x1F) | u32::from(function & 7) << 5)
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => write!(f, "the message ends inside its fixed part"),
            Self::UnknownType(message_type) => write!(f, "no message has type {message_type:#010x}"),
            Self::ByteCount { claimed, arrived } => write!(f, "{claimed} bytes claimed, {arrived} arrived"),
        }
    }
}

impl std::error::Error for MessageError {}

impl From<TryGetError> for MessageError {
    fn from(_: TryGetError) -> Self {
        Self::TooShort
    }
}

fn put<const N: usize>(wire: &mut Vec<u8>, words: [u32; N]) {
    for word in words {
        wire.put_u32_le(word);
    }
}

const READ_BLOCK: u32 = 0x4249_0009;
const WRITE_BLOCK: u32 = 0x4249_000A;
const EJECT: u32 = 0x4249_000B;
const EJECT_COMPLETE: u32 = 0x4249_000F;
const INVALIDATE_BLOCK: u32 = 0x4249_0012;

#[cfg(test)]
mod tests;
