//! What a handler may ask for while it is called, and what a host may ask about.

use std::sync::Mutex;

use backchannel::{
    BlockHandler, BlockId, BlockMask, Call, Gate, InvalidationTarget, NtStatus, Output, ReadSource, Refusal,
    SECOND, Schema, VfCount,
};

use super::host::{Blocking, World};

fn exchanged(id: u32, source: ReadSource) -> Schema {
    Schema::exchanged(BlockId::new(id), source).lengths(1, 128, 1).build().unwrap()
}

/// Publishes what a VF writes to the other of two VFs, and tells that one.
#[derive(Default)]
struct Mirror {
    times: Mutex<Vec<u64>>,
}

impl BlockHandler for Mirror {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        self.times.lock().unwrap().push(call.time());
        let other = VfCount::new(2).index(1 - call.vf().index.value()).unwrap();
        call.publish_to(other, call.block(), block).map_err(backchannel::PublishError::status)?;
        call.invalidate(InvalidationTarget::Vf(other), BlockMask::new(1 << 1));
        Ok(())
    }
}

#[test]
fn handler_publishes_to_another_vf_and_tells_it() {
    let mirror: &'static Mirror = Box::leak(Box::default());
    let world = World::start(2, &[(exchanged(1, ReadSource::Published), Some(mirror))]);
    assert_eq!(world.write(0, 1, b"for you"), NtStatus::SUCCESS);
    assert_eq!(world.read(1, 1, 7), (NtStatus::SUCCESS, b"for you".to_vec()));
    assert_eq!(world.read(0, 1, 7), (NtStatus::SUCCESS, vec![0; 7]));
    let told = world.pf.take_invalidation(None).map(|told| (told.vf().index.value(), told.blocks().bits()));
    assert_eq!(told, Some((1, 2)));
}

#[test]
fn handler_hears_when_its_call_began() {
    let mirror: &'static Mirror = Box::leak(Box::default());
    let world = World::start(2, &[(exchanged(1, ReadSource::Published), Some(mirror))]);
    world.host.advance(1_000 * SECOND);
    assert_eq!(world.write(0, 1, &[1]), NtStatus::SUCCESS);
    assert_eq!(*mirror.times.lock().unwrap(), [world.host.time()]);
}

#[test]
fn handler_that_implements_nothing_supports_nothing() {
    struct Nothing;
    impl BlockHandler for Nothing {}
    let world = World::start(1, &[(exchanged(1, ReadSource::Handler), Some(&Nothing))]);
    assert_eq!(world.write(0, 1, &[1]), NtStatus::NOT_SUPPORTED);
    assert_eq!(world.read(0, 1, 4), (NtStatus::NOT_SUPPORTED, vec![0; 4]));
}

/// Answers with as many bytes as its block has, and says what it saw.
struct Exact(&'static [u8], Mutex<Vec<(usize, bool, String)>>);

impl BlockHandler for Exact {
    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        let shown = format!("{out:?} {call:?}");
        self.1.lock().unwrap().push((out.len(), out.is_empty(), shown));
        out.bytes_mut().fill(0xEE);
        out.fill(self.0)
    }
}

#[test]
fn answer_that_fits_exactly_is_given_and_one_byte_less_is_refused() {
    let exact: &'static Exact = Box::leak(Box::new(Exact(b"fits", Mutex::default())));
    let answered = Schema::answered(BlockId::new(1)).lengths(1, 8, 1).build().unwrap();
    let world = World::start(1, &[(answered, Some(exact))]);
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, b"fits".to_vec()));
    assert_eq!(world.read(0, 1, 3), (NtStatus::BUFFER_TOO_SMALL, vec![0; 3]));
    assert_eq!(world.read(0, 1, 6), (NtStatus::SUCCESS, b"fits\0\0".to_vec()), "nothing else is left");
    let seen = exact.1.lock().unwrap();
    let lengths: Vec<_> = seen.iter().map(|(length, is_empty, _)| (*length, *is_empty)).collect();
    assert_eq!(lengths, [(4, false), (3, false), (6, false)]);
    assert_eq!(
        seen[0].2,
        "Output { len: 4, .. } Call { vf: Vf { index: VfIndex(0), generation: Generation(0) }, block: BlockId(1), .. }"
    );
}

#[test]
fn time_budget_is_how_long_a_caller_waits() {
    let blocking = Blocking::leak();
    let block = Schema::written(BlockId::new(1)).length(4).build().unwrap();
    let world = World::start(1, &[(block, Some(blocking))]);
    world.pf.set_time_budget(7);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS));
        blocking.await_inside(1);
        let waiting = scope.spawn(|| world.write(0, 1, &[2; 4]));
        world.host.await_waiters(1);
        world.host.advance(7);
        assert_eq!(waiting.join().unwrap(), NtStatus::IO_TIMEOUT);
        blocking.open();
    });
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::TimedOut), 1);
}

#[test]
fn pf_and_gate_show_no_content() {
    let world = World::stopped(3, &[]);
    assert_eq!(format!("{:?}", world.pf), "PhysicalFunction { vfs: 3, .. }");
    assert_eq!(format!("{:?}", super::host::Table::new(&[])), "HandlerTable { handlers: 0, .. }");
    assert_eq!(format!("{:?}", super::host::Vf::new(super::host::Room::new())), "VirtualFunction { .. }");
    assert!(!format!("{:?}", backchannel::Owned::<64>::new()).contains("staging"));
    assert_eq!(format!("{:?}", Gate::new()).matches("word").count(), 1);
}
