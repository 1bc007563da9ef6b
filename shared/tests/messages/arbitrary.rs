//! Arbitrary bytes in arbitrary order: held against a model that keeps every piece it has seen.

use std::collections::BTreeMap;

use backchannel::{MessageLimits, NtStatus};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::way::{LARGE, world};

const LIMITS: MessageLimits = MessageLimits { to_pf: 600, to_vf: 600, ..LARGE };

/// Blocks that are nearly right, and some that are nothing.
fn block() -> impl Strategy<Value = (u32, Vec<u8>)> {
    let near = (10..=12_u32, 0..4_u16, 0..6_u16, 0..700_u32, any::<u8>()).prop_map(
        |(id, sequence, piece, length, fill)| {
            let mut block = vec![fill; if id == 10 { 32 } else { 128 }];
            block[..2].copy_from_slice(&sequence.wrapping_sub(2).to_le_bytes());
            block[2..4].copy_from_slice(&piece.to_le_bytes());
            block[4..8].copy_from_slice(&length.to_le_bytes());
            (id, block)
        },
    );
    // Few lengths and one content for each message, so that some become whole.
    let good = (0..3_u16, 0..3_u16).prop_map(|(sequence, piece)| {
        let mut block = vec![sequence.to_le_bytes()[0]; 128];
        block[..2].copy_from_slice(&sequence.to_le_bytes());
        block[2..4].copy_from_slice(&piece.to_le_bytes());
        block[4..8].copy_from_slice(&360_u32.to_le_bytes());
        (11, block)
    });
    let any = (10..=12_u32, vec(any::<u8>(), 1..=128));
    prop_oneof![2 => near, 6 => good, 1 => any]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_taken_was_sent_piece_by_piece_under_one_number(blocks in vec(block(), 0..200)) {
        let (world, echo) = world(LIMITS);
        let mut hello = vec![0; 32];
        [hello[0], hello[2]] = [1, 1];
        let _agreed = world.write(0, 10, &hello);
        let mut seen: BTreeMap<([u8; 2], u32, usize), Vec<Vec<u8>>> = BTreeMap::new();
        for (id, block) in blocks {
            if id == 11 && block.len() == 128 {
                let length = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
                let number = usize::from(u16::from_le_bytes([block[2], block[3]]));
                seen.entry(([block[0], block[1]], length, number)).or_default().push(block[8..].to_vec());
            }
            let _status = world.write(0, id, &block);
            for taken in echo.taken() {
                let length = u32::try_from(taken.len()).unwrap();
                prop_assert!((1..=600).contains(&length));
                let sequence = [block[0], block[1]];
                for (number, bytes) in taken.chunks(120).enumerate() {
                    let sent = seen.get(&(sequence, length, number));
                    prop_assert!(sent.is_some_and(|sent| sent.iter().any(|piece| piece.starts_with(bytes))));
                }
            }
            for id in 11..=12 {
                prop_assert_eq!(world.read(0, id, 128).0, NtStatus::SUCCESS);
            }
            prop_assert_eq!(world.read(1, 11, 128).1, vec![0; 128], "the other VF has said nothing");
        }
    }
}
