//! Blocks that nobody registered: refused, or stored within bounds.

use backchannel::{
    BlockId, HandlerTable, NtStatus, ReadSource, Refusal, RegisterError, Schema, Service, Unclaimed,
};

use super::host::{Blocking, Buffer, Table, World};

const NEVER: u64 = u64::MAX;

fn echo(id: u32) -> Schema {
    Schema::exchanged(BlockId::new(id), ReadSource::Echo).lengths(1, 128, 1).build().unwrap()
}

fn stored(world: &World, vf: u16, block: u32) -> Option<Vec<u8>> {
    let mut bytes = [0xA5; 128];
    let content = world.pf.written_content(world.vf(vf), BlockId::new(block), &mut bytes)?;
    Some(bytes[..usize::from(content.length)].to_vec())
}

fn refusals(world: &World, vf: u16, cause: Refusal) -> u64 {
    world.pf.vf_refusals(world.vf(vf), cause)
}

#[test]
fn unclaimed_block_of_each_length_is_stored_for_the_pf_side_to_read() {
    let world = World::start_with(1, &[], Unclaimed::Store(1));
    for length in 1..=128 {
        let bytes: Vec<u8> = (0..length).map(|n| n ^ length).collect();
        assert_eq!(world.write(0, u32::MAX, &bytes), NtStatus::SUCCESS);
        assert_eq!(stored(&world, 0, u32::MAX), Some(bytes));
    }
}

#[test]
fn unclaimed_block_of_no_bytes_or_129_is_refused() {
    let world = World::start_with(1, &[], Unclaimed::Echo(1));
    assert_eq!(world.write(0, 9, &[]), NtStatus::INVALID_PARAMETER);
    assert_eq!(world.write(0, 9, &[0; 129]), NtStatus::INVALID_PARAMETER);
    assert_eq!((refusals(&world, 0, Refusal::Length), stored(&world, 0, 9)), (2, None));
}

#[test]
fn counters_of_an_unclaimed_block_tell_of_its_calls_and_of_no_handler() {
    let world = World::start_with(1, &[], Unclaimed::Store(1));
    assert_eq!(world.write(0, u32::MAX, &[7; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, u32::MAX, &[7; 5]), NtStatus::SUCCESS);
    let counted = world.pf.block_statistics(world.vf(0), BlockId::new(u32::MAX)).unwrap();
    assert_eq!((counted.served, counted.bytes), (2, 9));
    assert_eq!((counted.handler_calls, counted.handler_total, counted.handler_longest), (0, 0, 0));
}

#[test]
fn stored_block_is_never_read_by_the_vf() {
    let world = World::start_with(1, &[], Unclaimed::Store(2));
    assert_eq!(world.write(0, 9, &[7; 4]), NtStatus::SUCCESS);
    assert_eq!(world.read(0, 9, 4), (NtStatus::NOT_SUPPORTED, vec![0; 4]));
    assert_eq!(world.read(0, 10, 4), (NtStatus::NOT_SUPPORTED, vec![0; 4]), "nor one that was not written");
    assert_eq!(refusals(&world, 0, Refusal::Direction), 2);
}

#[test]
fn echoed_block_is_read_back_by_the_vf_that_wrote_it_and_by_no_other() {
    let world = World::start_with(2, &[], Unclaimed::Echo(2));
    assert_eq!(world.write(0, 9, &[7; 4]), NtStatus::SUCCESS);
    assert_eq!(world.read(0, 9, 6), (NtStatus::SUCCESS, vec![7, 7, 7, 7, 0, 0]));
    assert_eq!(world.read(0, 9, 3), (NtStatus::BUFFER_TOO_SMALL, vec![0; 3]));
    assert_eq!(world.read(1, 9, 4), (NtStatus::SUCCESS, vec![0; 4]));
}

#[test]
fn block_beyond_the_room_for_unclaimed_ones_is_refused_and_the_others_go_on() {
    let world = World::start_with(2, &[], Unclaimed::Echo(3));
    for block in [0, 64, 1 << 31] {
        assert_eq!(world.write(0, block, &[1; 4]), NtStatus::SUCCESS);
    }
    let buffer = Buffer::of_length(4);
    assert_eq!(world.pf.write(0, 5, &buffer, &world.host), NtStatus::QUOTA_EXCEEDED);
    assert_eq!((refusals(&world, 0, Refusal::StoreFull), buffer.copies.get()), (1, 0), "no byte was copied");
    assert_eq!(stored(&world, 0, 5), None);
    assert_eq!(world.write(0, 64, &[2; 128]), NtStatus::SUCCESS, "it has its room already");
    assert_eq!(world.read(0, 64, 128), (NtStatus::SUCCESS, vec![2; 128]));
    assert_eq!(world.read(0, 0, 4), (NtStatus::SUCCESS, vec![1; 4]), "it is untouched");
    assert_eq!(world.write(1, 5, &[3; 4]), NtStatus::SUCCESS, "another VF has room of its own");
}

#[test]
fn read_and_refused_write_take_no_room() {
    let world = World::start_with(1, &[], Unclaimed::Echo(1));
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![0; 4]));
    assert_eq!(world.pf.write(0, 2, &Buffer::null(4), &world.host), NtStatus::INVALID_PARAMETER);
    world.pf.set_vf_power(0, 4, &world.host).unwrap();
    assert_eq!(world.write(0, 3, &[0; 4]), NtStatus::INVALID_DEVICE_STATE);
    world.pf.set_vf_power(0, 1, &world.host).unwrap();
    assert_eq!(world.write(0, 4, &[4; 4]), NtStatus::SUCCESS, "the one place is free");
}

#[test]
fn unclaimed_write_over_the_rate_is_refused_and_takes_no_room() {
    let world = World::start_with(1, &[], Unclaimed::Store(2));
    let mut sent = 0;
    while world.write(0, 1, &[0; 4]) == NtStatus::SUCCESS {
        sent += 1;
        assert!(sent < 100_000, "no rate holds");
    }
    assert!(sent >= 64, "a burst of 64 is fine");
    assert_eq!(world.write(0, 2, &[0; 4]), NtStatus::QUOTA_EXCEEDED);
    assert!(refusals(&world, 0, Refusal::Rate) > 0);
    assert_eq!((refusals(&world, 0, Refusal::StoreFull), stored(&world, 0, 2)), (0, None));
}

#[test]
fn unclaimed_block_has_counters_of_its_own() {
    let world = World::start_with(1, &[], Unclaimed::Echo(1));
    let counters = || world.pf.block_statistics(world.vf(0), BlockId::new(9));
    assert_eq!(counters(), None);
    assert_eq!(world.write(0, 9, &[7; 4]), NtStatus::SUCCESS);
    assert_eq!(world.read(0, 9, 8).0, NtStatus::SUCCESS);
    assert_eq!(world.read(0, 9, 1).0, NtStatus::BUFFER_TOO_SMALL);
    let counted = counters().unwrap();
    assert_eq!((counted.served, counted.bytes, counted.refused), (2, 12, 1));
    assert_eq!((counted.handler_calls, counted.handler_total, counted.handler_longest), (0, 0, 0));
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(counters(), None, "the next tenant has none");
}

#[test]
fn reset_gives_the_room_back_and_nothing_of_the_last_tenant() {
    let world = World::start_with(1, &[], Unclaimed::Echo(2));
    assert_eq!(world.write(0, 1, &[0xEE; 128]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 2, &[0xEE; 128]), NtStatus::SUCCESS);
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!((stored(&world, 0, 1), stored(&world, 0, 2)), (None, None));
    assert_eq!(world.write(0, 3, &[1]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 4, &[1]), NtStatus::SUCCESS);
    assert_eq!(world.read(0, 3, 128).1[1..], [0; 127]);
    assert_eq!(world.write(0, 1, &[1]), NtStatus::QUOTA_EXCEEDED, "its room is taken");
}

#[test]
fn registration_takes_an_unclaimed_block_over_with_none_of_its_content() {
    let world = World::start_with(1, &[], Unclaimed::Echo(1));
    assert_eq!(world.write(0, 9, &[0xEE; 8]), NtStatus::SUCCESS);
    assert_eq!(world.pf.register(&echo(9), Service::StoreOnly), Ok(()));
    assert_eq!(stored(&world, 0, 9), None);
    assert_eq!(world.read(0, 9, 8), (NtStatus::SUCCESS, vec![0; 8]));
    assert_eq!(world.write(0, 10, &[1; 4]), NtStatus::SUCCESS, "the room is free again");
    assert_eq!(world.pf.unregister(BlockId::new(9), NEVER, &world.host), Ok(()));
    assert_eq!(world.read(0, 9, 8), (NtStatus::SUCCESS, vec![0; 8]), "unclaimed, and never written");
    assert_eq!(world.write(0, 9, &[2; 4]), NtStatus::QUOTA_EXCEEDED);
}

#[test]
fn registration_that_no_call_noticed_still_ends_what_was_stored_before() {
    let world = World::start_with(1, &[], Unclaimed::Echo(1));
    assert_eq!(world.write(0, 9, &[0xEE; 8]), NtStatus::SUCCESS);
    assert_eq!(world.pf.register(&echo(9), Service::StoreOnly), Ok(()));
    assert_eq!(world.pf.unregister(BlockId::new(9), NEVER, &world.host), Ok(()));
    assert_eq!(stored(&world, 0, 9), None);
    assert_eq!(world.read(0, 9, 8), (NtStatus::SUCCESS, vec![0; 8]));
}

#[test]
fn registered_blocks_never_lie_where_room_is_set_aside() {
    let table: Table = HandlerTable::new(&[]).with_unclaimed(Unclaimed::Store(4));
    let written = |id| Schema::written(BlockId::new(id)).length(4).build().unwrap();
    for id in 0..60 {
        assert_eq!(table.register(&written(id), Service::StoreOnly), Ok(()));
    }
    assert_eq!(table.register(&written(60), Service::StoreOnly), Err(RegisterError::Full));
    let table: Table = HandlerTable::new(&[]).with_unclaimed(Unclaimed::Store(4));
    let both = |id| Schema::exchanged(BlockId::new(id), ReadSource::Published).length(4).build().unwrap();
    for id in 0..30 {
        assert_eq!(table.register(&both(id), Service::StoreOnly), Ok(()), "two slots each");
    }
    assert_eq!(table.register(&both(30), Service::StoreOnly), Err(RegisterError::StoreFull));
    let table: Table = HandlerTable::new(&[]).with_unclaimed(Unclaimed::Store(255));
    assert_eq!(table.register(&written(0), Service::StoreOnly), Err(RegisterError::Full));
}

#[test]
fn crowd_at_the_gate_is_the_cause_for_an_unclaimed_block_that_would_be_stored() {
    let blocking = Blocking::leak();
    let block = Schema::written(BlockId::new(1)).length(4).build().unwrap();
    let world = World::start_with(1, &[(block, Some(blocking))], Unclaimed::Store(1));
    std::thread::scope(|scope| {
        for _ in 0..9 {
            scope.spawn(|| assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS));
        }
        world.host.await_waiters(8);
        assert_eq!(world.write(0, 2, &[0; 4]), NtStatus::IO_TIMEOUT);
        assert_eq!(world.read(0, 2, 4), (NtStatus::NOT_SUPPORTED, vec![0; 4]), "as it would be told inside");
        blocking.open();
    });
    assert_eq!((refusals(&world, 0, Refusal::Crowded), refusals(&world, 0, Refusal::UnknownBlock)), (1, 0));
}
