//! Negotiation as a VF sees it: write, read, and everything gone after a reset.

use backchannel::{Agreement, BlockId, Negotiation, NegotiationRecord, NtStatus, Offer};

use super::host::World;

fn request(lowest: u8, highest: u8, features: u8) -> [u8; 32] {
    let mut block = [0; 32];
    block[0] = lowest;
    block[2] = highest;
    block[8] = features;
    block
}

fn world() -> (World, &'static Negotiation<'static>) {
    let records: &'static [NegotiationRecord] =
        Vec::leak(vec![NegotiationRecord::new(), NegotiationRecord::new()]);
    let offer = Offer { lowest: 1, highest: 3, features: 0b101 };
    let control: &'static Negotiation<'static> = Box::leak(Box::new(Negotiation::new(offer, records)));
    (World::start(2, &[(Negotiation::schema(BlockId::new(9)), Some(control))]), control)
}

#[test]
fn vf_reads_what_was_agreed_and_the_other_vf_does_not() {
    let (world, control) = world();
    assert_eq!(world.write(0, 9, &request(2, 7, 0b110)), NtStatus::SUCCESS);
    let mut answer = [0; 32];
    [answer[0], answer[2], answer[4], answer[8], answer[16]] = [1, 3, 3, 0b101, 0b100];
    assert_eq!(world.read(0, 9, 32), (NtStatus::SUCCESS, answer.to_vec()));
    [answer[4], answer[16]] = [0, 0];
    assert_eq!(world.read(1, 9, 32), (NtStatus::SUCCESS, answer.to_vec()));
    let vf = world.pf.vf_identity(world.vf(0)).unwrap();
    assert_eq!(control.agreement(vf), Some(Agreement { version: 3, features: 0b100 }));
    assert!(control.has(vf, 0b100) && !control.has(vf, 0b101));
}

#[test]
fn reset_ends_the_agreement() {
    let (world, control) = world();
    assert_eq!(world.write(0, 9, &request(1, 1, 1)), NtStatus::SUCCESS);
    let before = world.pf.vf_identity(world.vf(0)).unwrap();
    world.pf.reset_vf(0, &world.host).unwrap();
    let after = world.pf.vf_identity(world.vf(0)).unwrap();
    assert_eq!((control.agreement(before), control.agreement(after)), (None, None));
}

#[test]
fn failed_attempt_leaves_nothing_agreed() {
    let (world, control) = world();
    let vf = world.pf.vf_identity(world.vf(0)).unwrap();
    assert_eq!(world.write(0, 9, &request(1, 1, 1)), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 9, &request(4, 9, 1)), NtStatus::REVISION_MISMATCH);
    assert_eq!(control.agreement(vf), None);
}
