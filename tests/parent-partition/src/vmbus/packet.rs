//! The packet: a 16-byte descriptor, a payload rounded up to eight bytes, an 8-byte trailer.

use bytes::{Buf, BufMut};

/// One packet, as it leaves a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What the sender wants.
    pub kind: PacketKind,
    /// Chosen by the one who asks, repeated by the one who answers.
    pub transaction: u64,
    /// What is said; a receiver sees it rounded up to eight bytes, with zeros.
    pub payload: Vec<u8>,
}

/// What a packet asks of its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// Data that needs no answer.
    Message,
    /// Data whose sender waits for a completion.
    Request,
    /// The answer to a request.
    Completion,
}

/// Why bytes in a ring are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketError {
    /// The descriptor's lengths contradict each other or the ring.
    Length,
    /// No packet of this type travels on a channel of this kind.
    Type(u16),
}

impl Packet {
    /// Descriptor, payload and padding, without the trailer.
    pub fn encode(&self) -> Vec<u8> {
        let words = (DESCRIPTOR + self.payload.len()).div_ceil(8);
        let (packet_type, flags) = match self.kind {
            PacketKind::Message => (IN_BAND, 0),
            PacketKind::Request => (IN_BAND, COMPLETION_REQUESTED),
            PacketKind::Completion => (COMPLETION, 0),
        };
        let mut bytes = Vec::with_capacity(words * 8);
        bytes.put_u16_le(packet_type);
        bytes.put_u16_le(DESCRIPTOR_WORDS);
        bytes.put_u16_le(u16::try_from(words).expect("a packet is shorter than 512 KiB"));
        bytes.put_u16_le(flags);
        bytes.put_u64_le(self.transaction);
        bytes.extend_from_slice(&self.payload);
        bytes.resize(words * 8, 0);
        bytes
    }

    /// Parses descriptor and payload.
    ///
    /// # Errors
    ///
    /// [`PacketError`], one variant a cause.
    pub fn decode(bytes: &[u8]) -> Result<Self, PacketError> {
        let mut descriptor = bytes.get(..DESCRIPTOR).ok_or(PacketError::Length)?;
        let packet_type = descriptor.get_u16_le();
        let start = usize::from(descriptor.get_u16_le()) * 8;
        let end = usize::from(descriptor.get_u16_le()) * 8;
        let flags = descriptor.get_u16_le();
        let transaction = descriptor.get_u64_le();
        if start < DESCRIPTOR {
            return Err(PacketError::Length);
        }
        let payload = bytes.get(start..end).ok_or(PacketError::Length)?.to_vec();
        let kind = match (packet_type, flags & COMPLETION_REQUESTED) {
            (IN_BAND, 0) => PacketKind::Message,
            (IN_BAND, _) => PacketKind::Request,
            (COMPLETION, _) => PacketKind::Completion,
            (other, _) => return Err(PacketError::Type(other)),
        };
        Ok(Self { kind, transaction, payload })
    }

    /// Length in bytes that the descriptor at the start of `bytes` claims.
    pub(super) fn claimed_length(bytes: &[u8; DESCRIPTOR]) -> usize {
        usize::from(u16::from_le_bytes([bytes[4], bytes[5]])) * 8
    }
}

/// Bytes of a descriptor: type, data offset and length in words, flags, transaction id.
pub(super) const DESCRIPTOR: usize = 16;

const DESCRIPTOR_WORDS: u16 = 2;
const IN_BAND: u16 = 0x0006;
const COMPLETION: u16 = 0x000B;
const COMPLETION_REQUESTED: u16 = 1;

#[cfg(test)]
mod tests {
    use super::{Packet, PacketError, PacketKind};

    #[test]
    fn request_of_17_bytes_is_rounded_to_five_words() {
        let packet = Packet { kind: PacketKind::Request, transaction: 0x1122, payload: vec![0xAA; 17] };
        let bytes = packet.encode();
        assert_eq!(bytes.len(), 40);
        assert_eq!(bytes[..16], [6, 0, 2, 0, 5, 0, 1, 0, 0x22, 0x11, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[16..33], [0xAA; 17]);
        assert_eq!(bytes[33..], [0; 7]);
    }

    #[test]
    fn receiver_sees_the_rounded_payload() {
        let sent = Packet { kind: PacketKind::Completion, transaction: 9, payload: vec![1, 2, 3, 4] };
        let received = Packet::decode(&sent.encode()).expect("well formed");
        assert_eq!(received, Packet { payload: vec![1, 2, 3, 4, 0, 0, 0, 0], ..sent });
    }

    #[test]
    fn payload_that_starts_inside_the_descriptor_is_refused() {
        let mut bytes = Packet { kind: PacketKind::Message, transaction: 0, payload: vec![0; 8] }.encode();
        bytes[2] = 1;
        assert_eq!(Packet::decode(&bytes), Err(PacketError::Length));
    }

    #[test]
    fn length_beyond_the_bytes_is_refused() {
        let mut bytes = Packet { kind: PacketKind::Message, transaction: 0, payload: vec![0; 8] }.encode();
        bytes[4] = 4;
        assert_eq!(Packet::decode(&bytes), Err(PacketError::Length));
    }

    #[test]
    fn page_list_packet_is_refused() {
        let mut bytes = Packet { kind: PacketKind::Message, transaction: 0, payload: vec![0; 8] }.encode();
        bytes[0] = 9;
        assert_eq!(Packet::decode(&bytes), Err(PacketError::Type(9)));
    }
}
