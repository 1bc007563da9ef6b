//! Invalidations: merged, never lost, each VF in its turn.

use backchannel::{BlockMask, InvalidationStatistics, InvalidationTarget};

use super::host::World;

fn post(world: &World, vf: u16, bits: u64) {
    world.pf.invalidate(InvalidationTarget::Vf(world.vf(vf)), BlockMask::new(bits));
}

/// Takes the next, tells it, and gives VF and mask.
fn tell(world: &World) -> Option<(u16, u64)> {
    let taken = world.pf.take_invalidation(None)?;
    let told = (taken.vf().index.value(), taken.blocks().bits());
    world.pf.told(taken);
    Some(told)
}

#[test]
fn masks_of_one_vf_merge_and_are_told_once() {
    let world = World::start(2, &[]);
    assert!(!world.pf.has_invalidations());
    post(&world, 1, 1);
    post(&world, 1, 1 << 63);
    assert!(world.pf.has_invalidations());
    assert_eq!(tell(&world), Some((1, 1 | 1 << 63)));
    assert_eq!(tell(&world), None);
    assert!(!world.pf.has_invalidations());
}

#[test]
fn vfs_are_told_in_turn_however_often_one_is_posted_to() {
    let world = World::start(4, &[]);
    world.pf.invalidate(InvalidationTarget::AllVfs, BlockMask::new(1));
    let mut order = Vec::new();
    for _ in 0..8 {
        order.push(tell(&world).unwrap().0);
        post(&world, 0, 2);
        post(&world, 3, 2);
    }
    assert_eq!(order, [0, 1, 2, 3, 0, 3, 0, 3]);
}

#[test]
fn mask_whose_request_was_cancelled_is_put_back_and_merged() {
    let world = World::start(1, &[]);
    post(&world, 0, 1);
    let taken = world.pf.take_invalidation(None).unwrap();
    post(&world, 0, 2);
    world.pf.put_back(taken);
    assert!(world.pf.has_invalidations());
    assert_eq!(tell(&world), Some((0, 3)));
    let counted = InvalidationStatistics { posted: 2, told: 1, put_back: 1 };
    assert_eq!(world.pf.invalidation_statistics(world.vf(0)), counted);
}

#[test]
fn mask_of_an_earlier_life_is_not_put_back() {
    let world = World::start(1, &[]);
    post(&world, 0, 1);
    let taken = world.pf.take_invalidation(None).unwrap();
    world.pf.reset_vf(0, &world.host).unwrap();
    world.pf.put_back(taken);
    assert_eq!(tell(&world), None);
}

#[test]
fn request_for_one_vf_takes_only_its_mask() {
    let world = World::start(2, &[]);
    world.pf.invalidate(InvalidationTarget::AllVfs, BlockMask::new(4));
    let taken = world.pf.take_invalidation(Some(world.vf(1))).unwrap();
    assert_eq!(taken.vf().index.value(), 1);
    world.pf.told(taken);
    assert_eq!(tell(&world), Some((0, 4)));
}

#[test]
fn detach_drops_everything() {
    let world = World::start(2, &[]);
    world.pf.invalidate(InvalidationTarget::AllVfs, BlockMask::ALL);
    world.pf.drop_invalidations();
    assert_eq!(tell(&world), None);
}
