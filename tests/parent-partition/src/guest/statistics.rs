//! Counters per ring, and the pieces in which a set of them travels.
//!
//! A ring's record is 32 bytes, a piece carries 120: a record can straddle two pieces, and the last piece is
//! filled up with zeros.

use bytes::BufMut;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a ring has moved since its VF was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RingCounters {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
}

/// Made-up traffic: the same seed and VF always count the same.
#[derive(Debug)]
pub struct Traffic {
    random: ChaCha8Rng,
    rings: Vec<RingCounters>,
}

impl RingCounters {
    /// The four counters in the order in which they travel.
    pub fn values(&self) -> [u64; 4] {
        [self.rx_packets, self.rx_bytes, self.tx_packets, self.tx_bytes]
    }

    /// The record as it travels.
    pub fn from_bytes(record: &[u8; RECORD]) -> Self {
        let mut values = record.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || values.next().expect("a record holds four values");
        Self { rx_packets: next(), rx_bytes: next(), tx_packets: next(), tx_bytes: next() }
    }
}

impl Traffic {
    /// Rings that have counted for a while: every byte of a counter may be set.
    pub fn new(seed: u64, vf: u16, rings: u16) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::from(vf));
        let rings = (0..rings)
            .map(|_| RingCounters {
                rx_packets: random.next_u64() / 2,
                rx_bytes: random.next_u64() / 2,
                tx_packets: random.next_u64() / 2,
                tx_bytes: random.next_u64() / 2,
            })
            .collect();
        Self { random, rings }
    }

    /// Moves some packets on every ring and returns the counters.
    pub fn advance(&mut self) -> &[RingCounters] {
        for ring in &mut self.rings {
            let (received, sent) = (u64::from(self.random.next_u32()), u64::from(self.random.next_u32()));
            ring.rx_packets += received;
            ring.rx_bytes += received * PACKET;
            ring.tx_packets += sent;
            ring.tx_bytes += sent * PACKET;
        }
        &self.rings
    }
}

/// Cuts a set of counters into blocks as they are written.
pub fn pieces(sequence: u16, rings: &[RingCounters]) -> Vec<[u8; BLOCK]> {
    let mut set = Vec::with_capacity(rings.len() * RECORD);
    for value in rings.iter().flat_map(RingCounters::values) {
        set.put_u64_le(value);
    }
    let piece = |(number, data): (usize, &[u8])| {
        let mut block = [0; BLOCK];
        let mut fields = &mut block[..];
        fields.put_u16_le(sequence);
        fields.put_u16_le(u16::try_from(number).expect("65535 rings make 17477 pieces"));
        fields.put_bytes(0, 4);
        fields.put_slice(data);
        block
    };
    set.chunks(PIECE).enumerate().map(piece).collect()
}

/// Bytes of a block, whatever it carries.
pub const BLOCK: usize = 128;
/// Bytes of a ring's record.
pub const RECORD: usize = 32;

/// Bytes of the set that one piece carries.
const PIECE: usize = 120;
/// Length of every made-up packet.
const PACKET: u64 = 1500;

#[cfg(test)]
mod tests {
    use super::{RingCounters, Traffic, pieces};

    fn ring(n: u64) -> RingCounters {
        RingCounters { rx_packets: n, rx_bytes: n + 1, tx_packets: n + 2, tx_bytes: n + 3 }
    }

    #[test]
    fn sixty_four_rings_make_eighteen_pieces() {
        let blocks = pieces(5, &vec![ring(1); 64]);
        assert_eq!(blocks.len(), 18);
        for (number, block) in blocks.iter().enumerate() {
            assert_eq!(block[..8], [5, 0, u8::try_from(number).expect("below 18"), 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn fourth_ring_straddles_two_pieces() {
        let blocks = pieces(0, &[ring(1), ring(2), ring(3), ring(0x0102_0304_0506_0708)]);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0][8 + 96..8 + 104], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(blocks[1][8..16], [0x0B, 7, 6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn last_piece_is_filled_up_with_zeros() {
        let blocks = pieces(0, &[ring(u64::MAX - 3)]);
        assert_eq!(blocks[0][8 + 32..], [0; 88]);
    }

    #[test]
    fn record_survives_the_journey() {
        let block = pieces(0, &[ring(77)])[0];
        let record = block[8..40].try_into().expect("32 bytes");
        assert_eq!(RingCounters::from_bytes(record), ring(77));
    }

    #[test]
    fn seed_and_vf_decide_the_counters() {
        let first = |seed, vf| Traffic::new(seed, vf, 4).advance().to_vec();
        assert_eq!(first(1, 0), first(1, 0));
        assert_ne!(first(1, 0), first(2, 0));
        assert_ne!(first(1, 0), first(1, 1));
    }

    #[test]
    fn counters_only_grow() {
        let mut traffic = Traffic::new(9, 0, 2);
        let before = traffic.advance().to_vec();
        let after = traffic.advance().to_vec();
        assert!(
            before.iter().zip(&after).all(|(b, a)| a.rx_packets >= b.rx_packets && a.tx_bytes >= b.tx_bytes)
        );
        assert_ne!(before, after);
    }
}
