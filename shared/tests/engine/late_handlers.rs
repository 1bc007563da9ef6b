//! Handlers that come at run time, leave in two steps, and are blamed for what they do wrong.

use std::sync::{Mutex, OnceLock};

use backchannel::{
    Blame, BlockHandler, BlockId, Call, HandlerTable, LateHandlers, MILLISECOND, NtStatus, PhysicalFunction,
    Platform, PublishError, Schema, Service, Ticket, TooLate, UnregisterError, VfCount, VirtualFunction,
};

use super::host::{Blocking, Pf, Recording, Room, Table, ThreadHost, Vf, World};

fn block(id: u32) -> Schema {
    Schema::written(BlockId::new(id)).length(4).build().unwrap()
}

const FOREVER: u64 = u64::MAX;
const BLOCK: BlockId = BlockId::new(1);

/// Two places, of which the first is empty.
struct Second(&'static Recording);

impl LateHandlers for Second {
    fn handler(&self, place: u8) -> Option<&dyn BlockHandler> {
        (place == 1).then_some(self.0)
    }
}

#[test]
fn late_handlers_are_counted_after_the_others() {
    let (early, late) = (Recording::leak(), Recording::leak());
    let handlers: Vec<&'static dyn BlockHandler> = vec![early];
    let handlers = Vec::leak(handlers);
    let mut table: Table = HandlerTable::new(handlers);
    assert_eq!(
        table.register(&block(1), Service::Handler(2)),
        Err(backchannel::RegisterError::NoSuchHandler)
    );
    table.set_late_handlers(Box::leak(Box::new(Second(late))));
    assert_eq!(table.first_late_handler(), 1);
    assert_eq!(
        table.register(&block(1), Service::Handler(1)),
        Err(backchannel::RegisterError::NoSuchHandler)
    );
    assert_eq!(table.register(&block(1), Service::Handler(2)), Ok(()));
    let vfs: &'static [Vf] = Vec::leak(vec![VirtualFunction::new(Room::new())]);
    let pf: Pf = PhysicalFunction::new(vfs, Box::leak(Box::new(table)));
    let host = ThreadHost::new();
    pf.start(VfCount::new(1), &host).unwrap();
    assert_eq!(pf.write(0, 1, &&[7; 4][..], &host), NtStatus::SUCCESS);
    assert_eq!((late.writes(), early.writes()), (vec![vec![7; 4]], vec![]));
}

/// A handler at every place.
struct Everywhere(&'static Recording);

impl LateHandlers for Everywhere {
    fn handler(&self, _place: u8) -> Option<&dyn BlockHandler> {
        Some(self.0)
    }
}

#[test]
fn number_255_is_no_handlers() {
    let mut table = Table::new(&[]);
    table.set_late_handlers(Box::leak(Box::new(Everywhere(Recording::leak()))));
    assert_eq!(table.first_late_handler(), 0);
    assert_eq!(
        table.register(&block(1), Service::Handler(255)),
        Err(backchannel::RegisterError::NoSuchHandler)
    );
    assert_eq!(table.register(&block(1), Service::Handler(254)), Ok(()));
}

/// Does something in each write, with the world that it is part of.
struct Acting {
    world: OnceLock<World>,
    act: fn(&World, &Call<'_>) -> Result<(), NtStatus>,
}

impl BlockHandler for Acting {
    fn write(&self, call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
        (self.act)(self.world.get().expect("the test made it"), call)
    }
}

impl Acting {
    fn start(blocks: &[Schema], act: fn(&World, &Call<'_>) -> Result<(), NtStatus>) -> &'static World {
        let acting: &'static Self = Box::leak(Box::new(Self { world: OnceLock::new(), act }));
        let handler: &'static dyn BlockHandler = acting;
        let blocks: Vec<_> = blocks.iter().map(|schema| (*schema, Some(handler))).collect();
        acting.world.get_or_init(|| World::start(2, &blocks))
    }
}

#[test]
fn handler_leaves_from_inside_its_own_callback_without_being_awaited() {
    static LEFT: Mutex<Option<backchannel::Leaving>> = Mutex::new(None);
    let world = Acting::start(&[block(1)], |world, call| {
        assert!(world.pf.is_own_callback(call.block(), &world.host));
        assert_eq!(
            world.pf.unregister(call.block(), FOREVER, &world.host),
            Err(UnregisterError::InsideCallback)
        );
        let leaving = world.pf.begin_unregister(call.block()).unwrap();
        assert_eq!(world.pf.finish(leaving, 0, &world.host), Err(UnregisterError::StillInUse));
        *LEFT.lock().unwrap() = Some(leaving);
        Ok(())
    });
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS, "the call that was inside ends as it would");
    assert!(!world.pf.is_own_callback(BLOCK, &world.host));
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::DEVICE_NOT_READY, "no other gets in");
    let leaving = LEFT.lock().unwrap().take().unwrap();
    assert_eq!(world.pf.finish(leaving, 0, &world.host), Ok(()));
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::INVALID_PARAMETER);
    assert_eq!(world.pf.register(&block(1), Service::Handler(0)), Ok(()), "its place is free");
}

#[test]
fn callbacks_that_wait_for_each_others_handlers_both_go_on() {
    let world = Acting::start(&[block(1), block(2)], |world, call| {
        static BOTH: std::sync::Barrier = std::sync::Barrier::new(2);
        BOTH.wait();
        let other = BlockId::new(3 - call.block().value());
        let ended = world.pf.unregister(other, FOREVER, &world.host);
        BOTH.wait();
        ended.map_err(|error| {
            if error == UnregisterError::StillInUse { NtStatus::IO_TIMEOUT } else { error.status() }
        })
    });
    world.pf.set_time_budget(5 * MILLISECOND);
    world.host.run();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| world.write(0, 1, &[1; 4]));
        let two = scope.spawn(|| world.write(1, 2, &[1; 4]));
        assert_eq!((one.join().unwrap(), two.join().unwrap()), (NtStatus::IO_TIMEOUT, NtStatus::IO_TIMEOUT));
    });
    for block in [BlockId::new(1), BlockId::new(2)] {
        assert_eq!(world.pf.unregister(block, FOREVER, &world.host), Ok(()), "nobody is inside any more");
    }
}

#[test]
fn handler_that_was_replaced_is_awaited_apart_from_the_new_one() {
    let (blocking, recording) = (Blocking::leak(), Recording::leak());
    let world = World::start(2, &[(block(1), Some(blocking)), (block(2), Some(recording))]);
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        let leaving = world.pf.begin_replace(BLOCK, Service::Handler(1), &world.host).unwrap();
        let soon = world.host.now();
        assert_eq!(world.pf.finish(leaving, soon, &world.host), Err(UnregisterError::StillInUse));
        assert_eq!(world.write(1, 1, &[2; 4]), NtStatus::SUCCESS, "the new one serves meanwhile");
        blocking.open();
        assert_eq!(inside.join().unwrap(), NtStatus::SUCCESS);
        assert_eq!(world.pf.finish(leaving, FOREVER, &world.host), Ok(()));
    });
    assert_eq!((blocking.writes(), recording.writes()), (vec![vec![1; 4]], vec![vec![2; 4]]));
}

#[test]
fn handler_is_blamed_by_name_and_its_successor_is_not() {
    let world = Acting::start(&[block(1)], |_, _| Err(NtStatus::PENDING));
    assert_eq!(world.pf.blames(BLOCK), Some((0, 0)));
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::INTERNAL_ERROR);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::INTERNAL_ERROR);
    assert_eq!(world.pf.blames(BLOCK), Some((2, Blame::NoAnswer.bit())));
    assert_eq!(world.pf.replace(BLOCK, Service::Handler(0), FOREVER, &world.host), Ok(()));
    assert_eq!(world.pf.blames(BLOCK), Some((0, 0)));
    assert_eq!(world.pf.blames(BlockId::new(2)), None);
}

#[test]
fn late_call_is_blamed_and_an_error_of_the_handlers_own_is_not() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking))]);
    std::thread::scope(|scope| {
        scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        assert_eq!(world.out_of_time(|| world.write(0, 1, &[2; 4])), NtStatus::IO_TIMEOUT);
        blocking.open();
    });
    assert_eq!(world.pf.blames(BLOCK), Some((1, Blame::Late.bit())));
    let refusing = Acting::start(&[block(1)], |_, _| Err(NtStatus::ACCESS_DENIED));
    assert_eq!(refusing.write(0, 1, &[1; 4]), NtStatus::ACCESS_DENIED);
    assert_eq!(refusing.pf.blames(BLOCK), Some((0, 0)));
}

#[test]
fn handler_is_blamed_for_all_that_it_did_wrong_by_bits() {
    assert_eq!([Blame::Late.bit(), Blame::NoAnswer.bit()], [1, 2], "what a debugger shows as 3 is both");
}

#[test]
fn completion_that_does_not_come_is_blamed_but_keeps_nobody_else_out() {
    static TICKET: Mutex<Option<Ticket>> = Mutex::new(None);
    let deferred = Schema::written(BLOCK).length(4).deferred().build().unwrap();
    let world = Acting::start(&[deferred], |_, call| {
        *TICKET.lock().unwrap() = call.ticket();
        Err(NtStatus::PENDING)
    });
    assert_eq!(world.out_of_time(|| world.write(0, 1, &[1; 4])), NtStatus::IO_TIMEOUT);
    assert_eq!(world.pf.blames(BLOCK), Some((1, Blame::Late.bit())));
    assert!(!world.pf.is_stuck(BLOCK), "the handler has returned");
    let late = TICKET.lock().unwrap().take().unwrap();
    let same = Ticket::from_bits(late.to_bits());
    assert_eq!(same, Some(late));
    assert_eq!(world.pf.complete(late, NtStatus::SUCCESS, &world.host), Err(TooLate));
}

#[test]
fn numbers_that_are_no_tickets_are_not_taken_for_one() {
    for bits in [0, 1, u64::MAX, 1 << 62, (1 << 63) | (0xFFFF << 32), (1 << 63) | (1 << 31)] {
        assert_eq!(Ticket::from_bits(bits), None, "{bits:#x}");
    }
    assert!(Ticket::from_bits((1 << 63) | (3 << 32) | 9).is_some());
}

#[test]
fn content_is_published_to_every_vf_or_to_none() {
    let schema = Schema::published(BLOCK).length(4).build().unwrap();
    let world = World::start(3, &[(schema, None)]);
    assert_eq!(world.pf.publish_to_all(BLOCK, &[9; 4], 0), Ok(()));
    for vf in 0..3 {
        assert_eq!(world.read(vf, 1, 4), (NtStatus::SUCCESS, vec![9; 4]));
    }
    assert_eq!(world.pf.publish_to_all(BLOCK, &[1; 3], 0), Err(PublishError::Length));
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![9; 4]));
}

#[test]
fn content_for_an_earlier_life_does_not_reach_the_next() {
    let schema = Schema::published(BLOCK).length(4).build().unwrap();
    let world = World::start(1, &[(schema, None)]);
    let life = world.pf.vf_identity(world.vf(0)).unwrap().generation.value();
    assert_eq!(world.pf.publish_in_life(world.vf(0), life, BLOCK, &[9; 4], 0), Ok(()));
    world.pf.reset_vf(0, &world.host).unwrap();
    let stale = world.pf.publish_in_life(world.vf(0), life, BLOCK, &[8; 4], 0);
    assert_eq!(stale, Err(PublishError::Stale));
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![0; 4]));
}
