//! Handlers come, are replaced and go, while VFs use them.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use backchannel::{
    BlockHandler, BlockId, Call, HandlerTable, NtStatus, ReadSource, Refusal, RegisterError, SECOND, Schema,
    Service, UnregisterError,
};

use super::host::{BLOCKS, Blocking, LeafLock, Recording, Table, World};

fn block(id: u32) -> Schema {
    Schema::written(BlockId::new(id)).length(4).build().unwrap()
}

const FOREVER: u64 = u64::MAX;

#[test]
fn block_is_registered_once() {
    let table: Table = HandlerTable::new(&[]);
    assert_eq!(table.register(&block(1), Service::StoreOnly), Ok(()));
    assert_eq!(table.register(&block(1), Service::StoreOnly), Err(RegisterError::Taken));
}

#[test]
fn sixty_fifth_block_finds_the_table_full() {
    let table: Table = HandlerTable::new(&[]);
    for id in 0..64 {
        assert_eq!(table.register(&block(id), Service::StoreOnly), Ok(()));
    }
    assert_eq!(table.register(&block(64), Service::StoreOnly), Err(RegisterError::Full));
    assert_eq!(table.len(), BLOCKS);
}

#[test]
fn block_whose_content_has_no_room_is_refused_when_it_is_registered() {
    let table: Table = HandlerTable::new(&[]);
    let both = |id| Schema::exchanged(BlockId::new(id), ReadSource::Published).length(4).build().unwrap();
    for id in 0..32 {
        assert_eq!(table.register(&both(id), Service::StoreOnly), Ok(()), "two slots each");
    }
    assert_eq!(table.register(&both(32), Service::StoreOnly), Err(RegisterError::StoreFull));
}

#[test]
fn both_slots_of_an_unregistered_block_are_free() {
    let both = |id| Schema::exchanged(BlockId::new(id), ReadSource::Published).length(4).build().unwrap();
    let world = World::start(1, &[]);
    for _ in 0..2 {
        for id in 0..32 {
            assert_eq!(world.pf.register(&both(id), Service::StoreOnly), Ok(()), "block {id}");
        }
        for id in 0..32 {
            assert_eq!(world.pf.unregister(BlockId::new(id), FOREVER, &world.host), Ok(()));
        }
    }
}

#[test]
fn handler_that_is_not_there_cannot_serve() {
    let table: Table = HandlerTable::new(&[]);
    assert_eq!(table.register(&block(1), Service::Handler(0)), Err(RegisterError::NoSuchHandler));
    assert_eq!(table.register(&block(1), Service::Handler(255)), Err(RegisterError::NoSuchHandler));
    let answered = Schema::answered(BlockId::new(1)).length(4).build().unwrap();
    assert_eq!(table.register(&answered, Service::StoreOnly), Err(RegisterError::NeedsHandler));
    assert!(table.is_empty());
}

#[test]
fn unregistered_block_is_unknown_and_its_place_is_free() {
    let recording = Recording::leak();
    let world = World::start(1, &[(block(1), Some(recording))]);
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
    assert_eq!(world.pf.unregister(BlockId::new(1), FOREVER, &world.host), Ok(()));
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::INVALID_PARAMETER);
    assert_eq!(
        world.pf.unregister(BlockId::new(1), FOREVER, &world.host),
        Err(UnregisterError::NotRegistered)
    );
    assert_eq!(world.pf.register(&block(1), Service::Handler(0)), Ok(()));
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
    assert_eq!(world.pf.block_statistics(world.vf(0), BlockId::new(1)).unwrap().served, 1, "counted anew");
}

#[test]
fn content_of_an_unregistered_block_is_not_the_next_blocks() {
    let echo = |id| Schema::exchanged(BlockId::new(id), ReadSource::Echo).length(4).build().unwrap();
    let world = World::start(1, &[(echo(1), None)]);
    assert_eq!(world.write(0, 1, &[0xEE; 4]), NtStatus::SUCCESS);
    assert_eq!(world.pf.unregister(BlockId::new(1), FOREVER, &world.host), Ok(()));
    assert_eq!(world.pf.register(&echo(2), Service::StoreOnly), Ok(()));
    assert_eq!(world.read(0, 2, 4), (NtStatus::SUCCESS, vec![0; 4]));
}

#[test]
fn unregister_never_succeeds_while_a_call_is_inside() {
    let blocking = Blocking::leak();
    let world = World::start(2, &[(block(1), Some(blocking))]);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(world.write(1, 1, &[1; 4]), NtStatus::SUCCESS));
        blocking.await_inside(1);
        assert_eq!(world.pf.unregister(BlockId::new(1), 0, &world.host), Err(UnregisterError::StillInUse));
        assert_eq!(world.write(0, 1, &[2; 4]), NtStatus::DEVICE_NOT_READY, "it is draining");
        assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::Draining), 1);
        assert_eq!(world.pf.register(&block(1), Service::StoreOnly), Err(RegisterError::Taken));
        blocking.open();
        assert_eq!(world.pf.unregister(BlockId::new(1), FOREVER, &world.host), Ok(()));
    });
    assert_eq!(blocking.writes(), [vec![1; 4]]);
}

#[test]
fn call_inside_one_handler_does_not_hold_up_the_drain_of_another() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking)), (block(2), Some(Recording::leak()))]);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS));
        blocking.await_inside(1);
        assert_eq!(world.pf.unregister(BlockId::new(2), 0, &world.host), Ok(()));
        blocking.open();
    });
}

#[test]
fn drain_from_outside_all_callbacks_waits_as_long_as_it_was_told() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking))]);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        let drain = scope.spawn(|| world.pf.unregister(BlockId::new(1), FOREVER, &world.host));
        world.host.await_sleeper();
        world.host.advance(3 * SECOND);
        std::thread::sleep(std::time::Duration::from_millis(5));
        blocking.open();
        drain.join().unwrap()
    });
    assert_eq!(ended, Ok(()), "the time budget is for drains inside a callback");
}

#[test]
fn handler_cannot_unregister_itself_from_inside_its_callback() {
    struct Suicidal;
    static WORLD: std::sync::OnceLock<World> = std::sync::OnceLock::new();
    impl BlockHandler for Suicidal {
        fn write(&self, call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
            let world = WORLD.get().unwrap();
            let refused = world.pf.unregister(call.block(), FOREVER, &world.host);
            assert_eq!(refused, Err(UnregisterError::InsideCallback));
            let refused = world.pf.replace(call.block(), Service::StoreOnly, FOREVER, &world.host);
            assert_eq!(refused, Err(UnregisterError::InsideCallback));
            Ok(())
        }
    }
    let world = WORLD.get_or_init(|| World::start(1, &[(block(1), Some(&Suicidal))]));
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS, "it still serves");
}

#[test]
fn replaced_handler_finishes_its_call_and_gets_no_other() {
    let (blocking, recording) = (Blocking::leak(), Recording::leak());
    let world = World::start(2, &[(block(1), Some(blocking)), (block(2), Some(recording))]);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS));
        blocking.await_inside(1);
        let refused = world.pf.replace(BlockId::new(1), Service::Handler(1), 0, &world.host);
        assert_eq!(refused, Err(UnregisterError::StillInUse));
        assert_eq!(world.write(1, 1, &[2; 4]), NtStatus::SUCCESS, "the new one serves already");
        blocking.open();
    });
    assert_eq!(blocking.writes(), [vec![1; 4]]);
    assert_eq!(recording.writes(), [vec![2; 4]]);
}

#[test]
fn no_write_is_lost_or_seen_twice_while_handlers_are_replaced() {
    struct Counting(AtomicU32);
    impl BlockHandler for Counting {
        fn write(&self, _call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }
    let handlers: [&'static Counting; 2] = [0, 1].map(|_| &*Box::leak(Box::new(Counting(AtomicU32::new(0)))));
    let unlimited =
        Schema::written(BlockId::new(1)).length(4).rate(backchannel::RateClass::Unlimited).build().unwrap();
    let world = World::start(4, &[(unlimited, Some(handlers[0])), (block(2), Some(handlers[1]))]);
    let done = AtomicBool::new(false);
    let (mut sent, mut replaced) = (0, 0);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|vf| {
                let (world, done) = (&world, &done);
                scope.spawn(move || {
                    let mut sent = 0;
                    while !done.load(Ordering::Relaxed) {
                        assert_eq!(world.write(vf, 1, &[0; 4]), NtStatus::SUCCESS);
                        sent += 1;
                    }
                    sent
                })
            })
            .collect();
        let served = || handlers.iter().map(|handler| handler.0.load(Ordering::Relaxed)).sum::<u32>();
        while replaced < 2_000 || served() < 2_000 {
            let service = Service::Handler(u8::try_from(replaced % 2).unwrap());
            assert_eq!(world.pf.replace(BlockId::new(1), service, FOREVER, &world.host), Ok(()));
            replaced += 1;
        }
        done.store(true, Ordering::Relaxed);
        sent = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
    });
    assert!(sent > 0);
    assert_eq!(handlers[0].0.load(Ordering::Relaxed) + handlers[1].0.load(Ordering::Relaxed), sent);
}

#[test]
fn table_is_a_constant() {
    static TABLE: HandlerTable<'static, LeafLock, BLOCKS> = HandlerTable::new(&[]);
    assert!(TABLE.is_empty());
    assert!(TABLE.schema(BlockId::new(1)).is_none());
}
