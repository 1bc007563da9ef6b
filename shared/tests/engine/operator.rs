//! What the operator sees and decides, and when the handlers hear of it.

use backchannel::{
    BlockHandler, BlockId, HandlerTable, NtStatus, Override, Owner, Permission, PhysicalFunction,
    PublishError, ReadSource, Refusal, SECOND, Schema, Service, VfCount, VfEvent, VirtualFunction,
};

use super::host::{Blocking, Recording, Room, Table, ThreadHost, World};

fn block(id: u32) -> Schema {
    Schema::written(BlockId::new(id)).length(4).build().unwrap()
}

#[test]
fn table_tells_what_is_registered() {
    let table: Table = HandlerTable::new(&[]);
    assert!(table.is_empty());
    assert_eq!(table.schema(BlockId::new(1)), None);
    table.register(&block(1), Service::StoreOnly).unwrap();
    assert!(!table.is_empty());
    assert_eq!(table.schema(BlockId::new(1)), Some(block(1)));
}

#[test]
fn refusals_are_read_by_cause_of_a_vf_and_of_none() {
    let world = World::start(1, &[(block(1), None)]);
    assert_eq!(world.pf.refusals(Refusal::NoSuchVf), 0);
    assert_eq!(world.write(7, 1, &[0; 4]), NtStatus::INVALID_PARAMETER);
    assert_eq!(world.write(7, 1, &[0; 4]), NtStatus::INVALID_PARAMETER);
    assert_eq!(world.write(0, 1, &[0; 3]), NtStatus::INVALID_BUFFER_SIZE);
    let (mut of_none, mut of_vf) = ([9; Refusal::COUNT], [9; Refusal::COUNT]);
    world.pf.read_refusals(None, &mut of_none);
    world.pf.read_refusals(Some(world.vf(0)), &mut of_vf);
    assert_eq!((of_none.iter().sum::<u64>(), of_none[usize::from(Refusal::NoSuchVf.index())]), (2, 2));
    assert_eq!((of_vf.iter().sum::<u64>(), of_vf[usize::from(Refusal::WriteLength.index())]), (1, 1));
    assert_eq!((world.pf.refusals(Refusal::NoSuchVf), world.pf.late_completions(world.vf(0))), (2, 0));
}

#[test]
fn operator_permits_reads_and_writes_apart_and_no_more_than_the_schema() {
    let table: &'static Table = Box::leak(Box::new(HandlerTable::new(&[])));
    let vfs = Vec::leak(vec![VirtualFunction::new(Room::new())]);
    let world = World { pf: Box::leak(Box::new(PhysicalFunction::new(vfs, table))), host: ThreadHost::new() };
    let echo = Schema::exchanged(BlockId::new(1), ReadSource::Echo).length(4).build().unwrap();
    let read = Schema::published(BlockId::new(3)).length(4).build().unwrap();
    for schema in [echo, block(2), read] {
        table.register(&schema, Service::StoreOnly).unwrap();
    }
    world.pf.start(VfCount::new(1), &world.host).unwrap();
    let answer = |allowed| if allowed { NtStatus::SUCCESS } else { NtStatus::NOT_SUPPORTED };
    for (reads, writes) in [(false, false), (true, false), (false, true), (true, true)] {
        let permission = Permission { reads, writes };
        assert!(!table.permit(BlockId::new(9), permission), "there is no such block");
        for (id, is_read, is_written) in [(1, true, true), (2, false, true), (3, true, false)] {
            assert!(table.permit(BlockId::new(id), permission));
            assert_eq!(
                world.write(0, id, &[7; 4]),
                answer(is_written && writes),
                "block {id}, {permission:?}"
            );
            assert_eq!(world.read(0, id, 4).0, answer(is_read && reads), "block {id}, {permission:?}");
        }
    }
}

#[test]
fn operator_publishes_its_own_blocks_and_no_other() {
    let published = |id| Schema::published(BlockId::new(id)).length(4);
    let own = published(1).owner(Owner::Operator).build().unwrap();
    let world = World::start(1, &[(own, None), (published(2).build().unwrap(), None)]);
    let publish = |block| world.pf.publish_as_operator(world.vf(0), BlockId::new(block), b"here", 0);
    assert_eq!(publish(1), Ok(()));
    assert_eq!(publish(2), Err(PublishError::NotPublished));
    assert_eq!(publish(3), Err(PublishError::UnknownBlock));
    assert_eq!(world.read(0, 1, 4).1, b"here");
    assert_eq!(world.read(0, 2, 4).1, [0; 4]);
}

#[test]
fn handlers_hear_of_an_isolation_by_the_operator_and_not_of_its_other_decisions() {
    let recording = Recording::leak();
    let world = World::start(1, &[(block(1), Some(recording))]);
    recording.take();
    world.pf.decide(world.vf(0), Override::Exempt);
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
    assert_eq!(recording.events(), []);
    world.pf.decide(world.vf(0), Override::Isolated);
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::ACCESS_DENIED);
    assert_eq!(recording.events(), [(0, VfEvent::Quarantined)]);
}

#[test]
fn reset_during_a_call_is_told_before_the_gate_is_left() {
    let (blocking, recording) = (Blocking::leak(), Recording::leak());
    let handlers: [&'static dyn BlockHandler; 2] = [blocking, recording];
    let world = World::start(1, &[(block(1), Some(handlers[0])), (block(2), Some(handlers[1]))]);
    recording.take();
    std::thread::scope(|scope| {
        let overtaken = scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        world.pf.reset_vf(0, &world.host).unwrap();
        assert_eq!(recording.events(), [], "the call is still inside");
        blocking.open();
        assert_eq!(overtaken.join().unwrap(), NtStatus::DEVICE_NOT_READY);
    });
    assert_eq!(recording.events(), [(0, VfEvent::Reset)], "without another call");
}

#[test]
fn handler_is_not_late_because_the_machine_has_run_for_long() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking))]);
    world.host.advance(1_000 * SECOND);
    std::thread::scope(|scope| {
        scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        world.host.advance(SECOND - 1);
        assert_eq!(world.pf.blame_late_handlers(&world.host), 0, "one unit is left");
        world.host.advance(1);
        assert_eq!(world.pf.blame_late_handlers(&world.host), 1);
        blocking.open();
    });
}
