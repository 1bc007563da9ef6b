//! A VF changes hands: nothing of the last tenant remains, and nothing of it arrives late.

use backchannel::{
    BlockHandler, BlockId, BlockMask, Call, InvalidationTarget, NtStatus, Owner, PublishError, ReadSource,
    Refusal, Schema, Service, VfCount, VfError, VfEvent,
};

use super::host::{Blocking, Log, Recording, World};

fn pending(world: &World, vf: u16) -> BlockMask {
    world.pf.take_invalidation(Some(world.vf(vf))).map_or(BlockMask::NONE, |taken| taken.blocks())
}

#[test]
fn content_published_for_the_next_life_is_not_wiped_with_the_last() {
    let blocking = Blocking::leak();
    let written = Schema::written(BlockId::new(1)).length(4).build().unwrap();
    let published = Schema::published(BlockId::new(2)).length(4).build().unwrap();
    let world = World::start(1, &[(written, Some(blocking)), (published, None)]);
    world.publish(0, 2, b"last").unwrap();
    std::thread::scope(|scope| {
        let overtaken = scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        world.pf.reset_vf(0, &world.host).unwrap();
        world.publish(0, 2, b"next").unwrap();
        blocking.open();
        assert_eq!(overtaken.join().unwrap(), NtStatus::DEVICE_NOT_READY);
    });
    assert_eq!(world.read(0, 2, 4), (NtStatus::SUCCESS, b"next".to_vec()));
}

#[test]
fn next_tenant_reads_nothing_of_the_last_in_any_block_at_any_length() {
    let echo = |id| {
        (Schema::exchanged(BlockId::new(id), ReadSource::Echo).lengths(1, 128, 1).build().unwrap(), None)
    };
    let published =
        |id| (Schema::published(BlockId::new(id)).lengths(1, 128, 1).truncatable().build().unwrap(), None);
    let blocks: Vec<_> = (0..32).map(echo).chain((32..64).map(published)).collect();
    let world = World::start(2, &blocks);
    for vf in 0..2 {
        for id in 0..32 {
            assert_eq!(world.write(vf, id, &[0xEE; 128]), NtStatus::SUCCESS);
        }
        for id in 32..64 {
            world.publish(vf, id, &[0xEE; 128]).unwrap();
        }
    }
    world.pf.reset_vf(0, &world.host).unwrap();
    for id in 0..64 {
        for length in 1..=128 {
            assert_eq!(world.read(0, id, length), (NtStatus::SUCCESS, vec![0; length]), "block {id}");
        }
        assert_eq!(
            world.read(1, id, 128),
            (NtStatus::SUCCESS, vec![0xEE; 128]),
            "the other VF was not reset"
        );
    }
}

#[test]
fn operators_content_survives_a_reset_if_its_schema_says_so() {
    let kept =
        Schema::published(BlockId::new(1)).length(6).owner(Owner::Operator).keep_on_reset().build().unwrap();
    let wiped = Schema::published(BlockId::new(2)).length(6).owner(Owner::Operator).build().unwrap();
    let world = World::start(1, &[(kept, None), (wiped, None)]);
    world.publish(0, 1, &[1; 6]).unwrap();
    world.publish(0, 2, &[2; 6]).unwrap();
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(world.read(0, 1, 6), (NtStatus::SUCCESS, vec![1; 6]));
    assert_eq!(world.read(0, 2, 6), (NtStatus::SUCCESS, vec![0; 6]));
}

#[test]
fn handler_hears_of_a_reset_before_the_next_call_and_with_the_new_generation() {
    let recording = Recording::leak();
    let block = Schema::written(BlockId::new(1)).length(1).build().unwrap();
    let world = World::start(1, &[(block, Some(recording))]);
    assert_eq!(world.write(0, 1, &[1]), NtStatus::SUCCESS);
    let first = world.pf.vf_identity(world.vf(0)).unwrap();
    recording.take();
    world.pf.reset_vf(0, &world.host).unwrap();
    let second = world.pf.vf_identity(world.vf(0)).unwrap();
    assert_ne!(first, second);
    assert_eq!(world.write(0, 1, &[2]), NtStatus::SUCCESS);
    let write = Log::Write { vf: second, block: BlockId::new(1), bytes: vec![2] };
    assert_eq!(recording.take(), [Log::Event { vf: second, event: VfEvent::Reset }, write]);
}

#[test]
fn call_that_a_reset_overtakes_is_dropped_and_counted() {
    let blocking = Blocking::leak();
    let echo = Schema::exchanged(BlockId::new(1), ReadSource::Echo).length(4).build().unwrap();
    let world = World::start(1, &[(echo, Some(blocking))]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| world.write(0, 1, &[0xEE; 4]));
        blocking.await_inside(1);
        world.pf.reset_vf(0, &world.host).unwrap();
        blocking.open();
        assert_eq!(call.join().unwrap(), NtStatus::DEVICE_NOT_READY);
    });
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::Reset), 1);
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![0; 4]));
}

#[test]
fn handler_cannot_publish_into_a_life_that_is_over() {
    struct Late(&'static Blocking);
    impl BlockHandler for Late {
        fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
            self.0.write(call, block)?;
            assert_eq!(call.publish(BlockId::new(2), &[0xEE; 4]), Err(PublishError::Stale));
            Ok(())
        }
    }
    let blocking = Blocking::leak();
    let write = Schema::written(BlockId::new(1)).length(4).build().unwrap();
    let published = Schema::published(BlockId::new(2)).length(4).build().unwrap();
    let world = World::start(1, &[(write, Some(Box::leak(Box::new(Late(blocking))))), (published, None)]);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::DEVICE_NOT_READY));
        blocking.await_inside(1);
        world.pf.reset_vf(0, &world.host).unwrap();
        blocking.open();
    });
    assert_eq!(world.read(0, 2, 4), (NtStatus::SUCCESS, vec![0; 4]));
}

#[test]
fn reset_drops_the_invalidations_of_its_vf_only() {
    let world = World::start(2, &[]);
    world.pf.invalidate(InvalidationTarget::AllVfs, BlockMask::new(6));
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(pending(&world, 0), BlockMask::NONE);
    assert_eq!(pending(&world, 1), BlockMask::new(6));
}

#[test]
fn reset_of_a_vf_that_does_not_exist_is_refused() {
    let world = World::stopped(1, &[]);
    assert_eq!(world.pf.reset_vf(0, &world.host), Err(VfError::NotStarted));
    world.pf.start(VfCount::new(1), &world.host).unwrap();
    assert_eq!(world.pf.reset_vf(1, &world.host), Err(VfError::NoSuchVf));
    assert_eq!(world.pf.reset_vf(0xFFFF, &world.host), Err(VfError::NoSuchVf));
}

#[test]
fn restart_with_as_many_vfs_keeps_stores_generations_and_masks() {
    let echo = Schema::exchanged(BlockId::new(1), ReadSource::Echo).length(4).build().unwrap();
    let world = World::start(2, &[(echo, None)]);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    world.pf.invalidate(InvalidationTarget::Vf(world.vf(0)), BlockMask::new(2));
    let before = world.pf.vf_identity(world.vf(0));
    assert!(world.pf.stop(u64::MAX, &world.host));
    world.pf.start(VfCount::new(2), &world.host).unwrap();
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![1; 4]));
    assert_eq!(world.pf.vf_identity(world.vf(0)), before);
    assert_eq!(pending(&world, 0), BlockMask::new(2));
}

#[test]
fn restart_with_another_number_resets_every_vf_and_tells_all_to_read_again() {
    let echo = Schema::exchanged(BlockId::new(1), ReadSource::Echo).length(4).build().unwrap();
    let world = World::start(2, &[(echo, None)]);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    assert!(world.pf.stop(u64::MAX, &world.host));
    world.pf.start(VfCount::new(1), &world.host).unwrap();
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![0; 4]));
    assert_eq!(pending(&world, 0), BlockMask::ALL);
}

#[test]
fn handlers_hear_of_start_power_and_stop() {
    let recording = Recording::leak();
    let block = Schema::written(BlockId::new(1)).length(1).build().unwrap();
    let world = World::start(1, &[(block, Some(recording))]);
    world.pf.set_vf_power(0, 4, &world.host).unwrap();
    world.pf.set_vf_power(0, 4, &world.host).unwrap();
    world.pf.set_vf_power(0, 1, &world.host).unwrap();
    assert!(world.pf.stop(u64::MAX, &world.host));
    let expected = [VfEvent::Enabled, VfEvent::PowerChanged, VfEvent::PowerChanged, VfEvent::Disabled];
    assert_eq!(recording.events(), expected.map(|event| (0, event)));
}

#[test]
fn handlers_hear_nothing_of_a_vf_that_is_not_turned_on() {
    let recording = Recording::leak();
    let block = Schema::written(BlockId::new(1)).length(1).build().unwrap();
    let world = World::stopped(2, &[(block, Some(recording))]);
    assert!(world.pf.stop(u64::MAX, &world.host));
    assert_eq!(recording.events(), [], "nothing was on");
    world.pf.start(VfCount::new(1), &world.host).unwrap();
    assert!(world.pf.stop(u64::MAX, &world.host));
    assert_eq!(recording.events(), [(0, VfEvent::Enabled), (0, VfEvent::Disabled)]);
}

#[test]
fn handler_of_two_blocks_hears_of_an_event_once() {
    let recording = Recording::leak();
    let block = |id| Schema::written(BlockId::new(id)).length(4).build().unwrap();
    let world = World::start(1, &[(block(1), Some(recording))]);
    world.pf.register(&block(2), Service::Handler(0)).unwrap();
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(recording.events(), [(0, VfEvent::Enabled), (0, VfEvent::Reset)]);
}

#[test]
fn only_d0_to_d3_are_power_states() {
    let world = World::start(1, &[]);
    assert_eq!(world.pf.set_vf_power(0, 0, &world.host), Err(VfError::NoSuchPowerState));
    assert_eq!(world.pf.set_vf_power(0, 5, &world.host), Err(VfError::NoSuchPowerState));
    assert_eq!(world.pf.set_vf_power(1, 4, &world.host), Err(VfError::NoSuchVf));
}
