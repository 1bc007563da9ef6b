//! What handlers keep about a VF is their own, that VF's own, and gone when the VF changes hands.

use std::sync::Mutex;

use backchannel::{
    BlockHandler, BlockId, Call, HandlerTable, NtStatus, Output, Owner, PhysicalFunction, Schema, Service,
    VfCount, VirtualFunction,
};

use super::host::{Pf, Room, Table, ThreadHost, World};

/// Keeps the bytes written last, and answers with them.
struct Keeping(usize);

impl BlockHandler for Keeping {
    fn memory(&self) -> usize {
        self.0
    }

    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let kept = call.with_memory(|memory| {
            assert_eq!(memory.len(), self.0);
            assert_eq!(memory.as_ptr().align_offset(16), 0);
            memory.copy_from_slice(block);
        });
        kept.ok_or(NtStatus::INSUFFICIENT_RESOURCES)
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        call.with_memory(|memory| out.fill(memory)).unwrap_or(Err(NtStatus::INSUFFICIENT_RESOURCES))
    }
}

fn block(id: u32, length: u8) -> Schema {
    let block = Schema::exchanged(BlockId::new(id), backchannel::ReadSource::Handler);
    block.length(length).build().unwrap()
}

#[test]
fn what_a_handler_keeps_about_a_vf_is_kept_apart_from_all_else() {
    let world = World::start(2, &[(block(1, 7), Some(&Keeping(7))), (block(2, 100), Some(&Keeping(100)))]);
    for (vf, id, length, fill) in [(0, 1, 7, 1), (0, 2, 100, 2), (1, 1, 7, 3), (1, 2, 100, 4)] {
        assert_eq!(world.write(vf, id, &vec![fill; length]), NtStatus::SUCCESS);
    }
    for (vf, id, length, fill) in [(0, 1, 7, 1), (0, 2, 100, 2), (1, 1, 7, 3), (1, 2, 100, 4)] {
        assert_eq!(world.read(vf, id, length), (NtStatus::SUCCESS, vec![fill; length]));
    }
}

#[test]
fn handler_that_does_not_say_so_keeps_nothing() {
    struct Silent;
    impl BlockHandler for Silent {}
    assert_eq!(Table::new(&[&Silent]).memory(), 0);
    assert!(Table::new(&[&Silent, &Keeping(7)]).memory() >= 7);
}

#[test]
fn next_tenant_finds_nothing_in_what_a_handler_kept_and_forgot_to_forget() {
    let world = World::start(2, &[(block(1, 64), Some(&Keeping(64)))]);
    for vf in 0..2 {
        assert_eq!(world.write(vf, 1, &[0xEE; 64]), NtStatus::SUCCESS);
    }
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(world.read(0, 1, 64), (NtStatus::SUCCESS, vec![0; 64]));
    assert_eq!(world.read(1, 1, 64), (NtStatus::SUCCESS, vec![0xEE; 64]), "the other VF was not reset");
}

#[test]
fn restart_with_as_many_vfs_keeps_what_handlers_keep_and_another_number_wipes_it() {
    let world = World::start(2, &[(block(1, 4), Some(&Keeping(4)))]);
    assert_eq!(world.write(0, 1, &[7; 4]), NtStatus::SUCCESS);
    let restart = |count| {
        assert!(world.pf.stop(u64::MAX, &world.host));
        world.pf.start(VfCount::new(count), &world.host).unwrap();
    };
    restart(2);
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![7; 4]));
    restart(1);
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![0; 4]));
}

/// Resets its VF in the middle of a write, and keeps the bytes all the same.
struct ResettingItself(Mutex<Option<&'static World>>);

impl BlockHandler for ResettingItself {
    fn memory(&self) -> usize {
        4
    }

    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        call.with_memory(|memory| {
            if let Some(world) = *self.0.lock().unwrap() {
                world.pf.reset_vf(0, &world.host).unwrap();
            }
            memory.copy_from_slice(block);
        });
        Ok(())
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        call.with_memory(|memory| out.fill(memory)).unwrap_or(Ok(()))
    }
}

#[test]
fn reset_in_the_middle_of_a_call_wipes_what_that_call_keeps() {
    let handler: &'static ResettingItself = Box::leak(Box::new(ResettingItself(Mutex::new(None))));
    let world: &'static World = Box::leak(Box::new(World::start(1, &[(block(1, 4), Some(handler))])));
    assert_eq!(world.write(0, 1, &[9; 4]), NtStatus::SUCCESS);
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![9; 4]));
    *handler.0.lock().unwrap() = Some(world);
    assert_eq!(world.write(0, 1, &[9; 4]), NtStatus::DEVICE_NOT_READY);
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![0; 4]));
}

/// Asks for its memory while it has it.
struct Greedy;

impl BlockHandler for Greedy {
    fn memory(&self) -> usize {
        4
    }

    fn write(&self, call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
        let lent = call.with_memory(|_| call.with_memory(|_| ()).is_some());
        assert_eq!(lent, Some(false));
        assert_eq!(call.with_memory(|memory| memory.len()), Some(4));
        Ok(())
    }
}

#[test]
fn memory_is_lent_once_at_a_time() {
    let world = World::start(1, &[(block(1, 4), Some(&Greedy))]);
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
}

#[test]
fn host_that_brings_no_memory_lends_none() {
    let table = Box::leak(Box::new(HandlerTable::new(&[&Keeping(4)])));
    let pf: Pf = PhysicalFunction::new(Vec::leak(vec![VirtualFunction::new(Room::new())]), table);
    let host = ThreadHost::new();
    pf.register(&block(1, 4), Service::Handler(0)).unwrap();
    pf.start(VfCount::new(1), &host).unwrap();
    assert_eq!(pf.write(0, 1, &&[1; 4][..], &host), NtStatus::INSUFFICIENT_RESOURCES);
}

/// Answers with what the operator published of block 2, and how long it is.
struct Operators;

impl BlockHandler for Operators {
    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        let mut bytes = [0xA5; 6];
        let length = call.published(BlockId::new(2), &mut bytes);
        assert_eq!(call.published(BlockId::new(3), &mut []), 0, "there is no such block");
        assert_eq!(call.published(BlockId::new(1), &mut []), 0, "it is not published");
        out.fill(&[&[length][..], &bytes].concat())
    }
}

#[test]
fn handler_reads_what_the_operator_set_for_the_calling_vf() {
    let set = Schema::published(BlockId::new(2)).lengths(2, 6, 1).owner(Owner::Operator).build().unwrap();
    let world = World::start(2, &[(block(1, 7), Some(&Operators)), (set, None)]);
    world.publish(1, 2, &[1, 2, 3]).unwrap();
    assert_eq!(world.read(0, 1, 7).1, [0; 7]);
    assert_eq!(world.read(1, 1, 7).1, [3, 1, 2, 3, 0, 0, 0]);
}
