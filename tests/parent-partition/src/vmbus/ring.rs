//! One direction of a channel: a ring of bytes between a writer and a reader.
//!
//! Both sides trust the indices, because both belong to this process; the bytes between them are the
//! sender's and are checked by the reader like a stranger's.

use super::packet::{DESCRIPTOR, Packet, PacketError};

/// Packets in the order they were written.
#[derive(Debug)]
pub struct Ring {
    bytes: Box<[u8]>,
    write: usize,
    used: usize,
}

/// The packet does not fit before the reader has taken others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Ring {
    /// An empty ring of four pages, as Linux guests open for VPCI.
    pub fn new() -> Self {
        Self { bytes: vec![0; SIZE].into_boxed_slice(), write: 0, used: 0 }
    }

    /// Takes the oldest packet, or `None` when the ring is empty.
    ///
    /// # Errors
    ///
    /// [`PacketError`] when the bytes are no packet: the stream cannot be followed any further.
    pub fn take(&mut self) -> Result<Option<Packet>, PacketError> {
        if self.used == 0 {
            return Ok(None);
        }
        if self.used < DESCRIPTOR + TRAILER {
            return Err(PacketError::Length);
        }
        let mut descriptor = [0; DESCRIPTOR];
        self.peek(&mut descriptor);
        let length = Packet::claimed_length(&descriptor);
        if length < DESCRIPTOR || length + TRAILER > self.used {
            return Err(PacketError::Length);
        }
        let mut bytes = vec![0; length];
        self.peek(&mut bytes);
        self.used -= length + TRAILER;
        Packet::decode(&bytes).map(Some)
    }

    /// Appends bytes that claim to be a packet, then a trailer.
    ///
    /// # Errors
    ///
    /// [`Full`], and nothing was written.
    pub fn put(&mut self, packet: &[u8]) -> Result<(), Full> {
        // INVARIANT: a full ring would look like an empty one to a peer that compares indices, so one
        // byte always stays free.
        if self.used + packet.len() + TRAILER >= SIZE {
            return Err(Full);
        }
        let start = u64::try_from(self.write).expect("an index is below 16 KiB");
        self.append(packet);
        self.append(&(start << 32).to_le_bytes());
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes[self.write] = *byte;
            self.write = (self.write + 1) % SIZE;
        }
        self.used += bytes.len();
    }

    fn peek(&self, out: &mut [u8]) {
        let read = (self.write + SIZE - self.used) % SIZE;
        for (index, byte) in out.iter_mut().enumerate() {
            *byte = self.bytes[(read + index) % SIZE];
        }
    }
}

impl Default for Ring {
    fn default() -> Self {
        Self::new()
    }
}

const SIZE: usize = 4 * 4096;
const TRAILER: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::packet::{Packet, PacketError, PacketKind};
    use super::{Full, Ring};

    fn packet(transaction: u64, length: usize) -> Packet {
        Packet { kind: PacketKind::Request, transaction, payload: vec![0x5A; length] }
    }

    #[test]
    fn packets_leave_in_order_across_the_wrap() {
        let mut ring = Ring::new();
        for transaction in 0..1000 {
            ring.put(&packet(transaction, 144).encode()).expect("room for one");
            assert_eq!(ring.take(), Ok(Some(packet(transaction, 144))));
        }
        assert_eq!(ring.take(), Ok(None));
    }

    #[test]
    fn full_ring_refuses_and_keeps_what_it_has() {
        let mut ring = Ring::new();
        let mut sent = 0;
        while ring.put(&packet(sent, 144).encode()).is_ok() {
            sent += 1;
        }
        // 16 KiB less one byte, at 16 + 144 + 8 bytes a packet.
        assert_eq!(sent, 97);
        assert_eq!(ring.put(&packet(sent, 144).encode()), Err(Full));
        assert_eq!(ring.take(), Ok(Some(packet(0, 144))));
        assert_eq!(ring.put(&packet(sent, 144).encode()), Ok(()));
    }

    #[test]
    fn descriptor_that_claims_more_than_the_ring_holds_is_refused() {
        let mut ring = Ring::new();
        let mut bytes = packet(1, 16).encode();
        bytes[4] = 200;
        ring.put(&bytes).expect("room for one");
        assert_eq!(ring.take(), Err(PacketError::Length));
    }

    #[test]
    fn bytes_too_few_for_a_descriptor_are_refused() {
        let mut ring = Ring::new();
        ring.put(&[0; 8]).expect("room for one");
        assert_eq!(ring.take(), Err(PacketError::Length));
    }
}
