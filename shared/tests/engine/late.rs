//! Handlers that take too long, and handlers that answer later.

use std::sync::Mutex;

use backchannel::{
    BlockHandler, BlockId, Call, MILLISECOND, NtStatus, Refusal, SECOND, Schema, Ticket, TooLate,
};

use super::host::{Blocking, World};

fn block(id: u32) -> Schema {
    Schema::written(BlockId::new(id)).length(4).build().unwrap()
}

fn deferred(id: u32) -> Schema {
    Schema::written(BlockId::new(id)).length(4).deferred().build().unwrap()
}

/// Takes every write and hands its ticket to the test.
#[derive(Default)]
struct Later {
    tickets: Mutex<Vec<Ticket>>,
}

impl Later {
    fn ticket(&self) -> Ticket {
        loop {
            if let Some(ticket) = self.tickets.lock().unwrap().pop() {
                return ticket;
            }
            std::thread::yield_now();
        }
    }
}

impl BlockHandler for Later {
    fn write(&self, call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
        self.tickets.lock().unwrap().push(call.ticket().expect("the block is deferred"));
        Err(NtStatus::PENDING)
    }
}

fn later() -> (World, &'static Later) {
    let later: &'static Later = Box::leak(Box::default());
    (World::start(1, &[(deferred(1), Some(later))]), later)
}

#[test]
fn block_of_a_late_handler_is_out_of_service_for_other_vfs_until_it_returns() {
    let blocking = Blocking::leak();
    let world = World::start(2, &[(block(1), Some(blocking)), (block(2), None)]);
    std::thread::scope(|scope| {
        let late = scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        assert_eq!(world.pf.blame_late_handlers(&world.host), 0, "its time is not over");
        world.host.advance(SECOND);
        assert_eq!(world.pf.blame_late_handlers(&world.host), 1);
        assert_eq!(world.pf.blame_late_handlers(&world.host), 0, "one call is blamed once");
        assert!(world.pf.is_stuck(BlockId::new(1)));
        assert_eq!(world.write(1, 1, &[2; 4]), NtStatus::DEVICE_NOT_READY);
        assert_eq!(world.pf.vf_refusals(world.vf(1), Refusal::Stuck), 1);
        assert_eq!(world.write(1, 2, &[2; 4]), NtStatus::SUCCESS, "another block is served");
        blocking.open();
        assert_eq!(late.join().unwrap(), NtStatus::SUCCESS);
    });
    assert!(!world.pf.is_stuck(BlockId::new(1)));
    assert_eq!(world.write(1, 1, &[3; 4]), NtStatus::SUCCESS, "it recovered");
    assert_eq!(blocking.writes(), [vec![1; 4], vec![3; 4]]);
}

#[test]
fn call_of_another_vf_that_was_not_blamed_puts_no_late_handler_back_into_service() {
    let blocking = Blocking::leak();
    let world = World::start(2, &[(block(1), Some(blocking))]);
    std::thread::scope(|scope| {
        blocking.open();
        assert_eq!(world.write(1, 1, &[0; 4]), NtStatus::SUCCESS);
        blocking.close();
        let late = scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        world.host.advance(SECOND);
        assert_eq!(world.pf.blame_late_handlers(&world.host), 1);
        for _ in 0..3 {
            assert_eq!(world.write(1, 1, &[2; 4]), NtStatus::DEVICE_NOT_READY);
            assert!(world.pf.is_stuck(BlockId::new(1)));
        }
        blocking.open();
        assert_eq!(late.join().unwrap(), NtStatus::SUCCESS);
    });
}

#[test]
fn caller_that_gives_up_waiting_blames_the_handler() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking))]);
    std::thread::scope(|scope| {
        scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        assert_eq!(world.out_of_time(|| world.write(0, 1, &[2; 4])), NtStatus::IO_TIMEOUT);
        assert!(world.pf.is_stuck(BlockId::new(1)));
        blocking.open();
    });
    assert!(!world.pf.is_stuck(BlockId::new(1)));
}

#[test]
fn block_with_two_late_calls_comes_back_when_the_second_returns() {
    struct Both(&'static Blocking, &'static Blocking);
    impl BlockHandler for Both {
        fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
            if call.vf().index.value() == 0 { self.0.write(call, block) } else { self.1.write(call, block) }
        }
    }
    let (first, second) = (Blocking::leak(), Blocking::leak());
    let world = World::start(2, &[(block(1), Some(Box::leak(Box::new(Both(first, second)))))]);
    std::thread::scope(|scope| {
        let one = scope.spawn(|| world.write(0, 1, &[1; 4]));
        let _two = scope.spawn(|| world.write(1, 1, &[1; 4]));
        first.await_inside(1);
        second.await_inside(1);
        world.host.advance(SECOND);
        assert_eq!(world.pf.blame_late_handlers(&world.host), 2);
        first.open();
        assert_eq!(one.join().unwrap(), NtStatus::SUCCESS);
        assert!(world.pf.is_stuck(BlockId::new(1)));
        second.open();
    });
    assert!(!world.pf.is_stuck(BlockId::new(1)));
}

#[test]
fn deferred_write_is_answered_when_its_ticket_is_completed() {
    let (world, later) = later();
    for status in [NtStatus::SUCCESS, NtStatus::REVISION_MISMATCH] {
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| world.write(0, 1, &[1; 4]));
            assert_eq!(world.pf.complete(later.ticket(), status, &world.host), Ok(()));
            assert_eq!(caller.join().unwrap(), status);
        });
    }
    assert_eq!(world.pf.block_statistics(world.vf(0), BlockId::new(1)).unwrap().served, 1);
}

#[test]
fn ticket_can_be_completed_once() {
    let (world, later) = later();
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[1; 4]));
        let ticket = later.ticket();
        assert_eq!(world.pf.complete(ticket, NtStatus::SUCCESS, &world.host), Ok(()));
        assert_eq!(world.pf.complete(ticket, NtStatus::SUCCESS, &world.host), Err(TooLate));
        assert_eq!(caller.join().unwrap(), NtStatus::SUCCESS);
    });
    assert_eq!(world.pf.late_completions(world.vf(0)), 1);
}

#[test]
fn handler_that_has_returned_is_not_late_while_its_answer_is_awaited() {
    let (world, later) = later();
    let block = BlockId::new(1);
    let (late, is_stuck, answer) = std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[1; 4]));
        world.host.await_waiters(1);
        // From here on a call that runs for so long is late; the answer is still awaited for as long as before.
        world.pf.set_time_budget(MILLISECOND);
        world.host.advance(2 * MILLISECOND);
        let (late, is_stuck) = (world.pf.blame_late_handlers(&world.host), world.pf.is_stuck(block));
        world.pf.complete(later.ticket(), NtStatus::SUCCESS, &world.host).unwrap();
        (late, is_stuck, caller.join().unwrap())
    });
    assert_eq!((late, is_stuck, answer), (0, false, NtStatus::SUCCESS));
    assert_eq!(world.pf.blames(block), Some((0, 0)));
}

#[test]
fn completion_after_the_time_budget_is_dropped_and_counted() {
    let (world, later) = later();
    assert_eq!(world.out_of_time(|| world.write(0, 1, &[1; 4])), NtStatus::IO_TIMEOUT);
    let late = later.ticket();
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[2; 4]));
        let ticket = later.ticket();
        assert_eq!(world.pf.complete(late, NtStatus::ACCESS_DENIED, &world.host), Err(TooLate));
        assert_eq!(world.pf.complete(ticket, NtStatus::SUCCESS, &world.host), Ok(()));
        assert_eq!(caller.join().unwrap(), NtStatus::SUCCESS, "the late answer was for another write");
    });
    assert_eq!(world.pf.late_completions(world.vf(0)), 1);
}

#[test]
fn answer_that_arrives_after_a_reset_is_dropped() {
    let (world, later) = later();
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[1; 4]));
        let ticket = later.ticket();
        world.pf.reset_vf(0, &world.host).unwrap();
        assert_eq!(world.pf.complete(ticket, NtStatus::SUCCESS, &world.host), Ok(()));
        assert_eq!(caller.join().unwrap(), NtStatus::DEVICE_NOT_READY);
    });
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::Reset), 1);
}

#[test]
fn completion_with_no_error_and_no_success_blames_the_handler() {
    let (world, later) = later();
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[1; 4]));
        assert_eq!(world.pf.complete(later.ticket(), NtStatus::PENDING, &world.host), Ok(()));
        assert_eq!(caller.join().unwrap(), NtStatus::INTERNAL_ERROR);
    });
}

#[test]
fn handler_of_a_deferred_block_may_answer_at_once_but_not_twice() {
    struct Twice(std::sync::OnceLock<World>);
    static TWICE: Twice = Twice(std::sync::OnceLock::new());
    impl BlockHandler for Twice {
        fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
            if block == [2; 4] {
                let world = self.0.get().unwrap();
                world.pf.complete(call.ticket().unwrap(), NtStatus::SUCCESS, &world.host).unwrap();
            }
            Ok(())
        }
    }
    let world = TWICE.0.get_or_init(|| World::start(1, &[(deferred(1), Some(&TWICE))]));
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 1, &[2; 4]), NtStatus::INTERNAL_ERROR);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
}

#[test]
fn block_that_is_not_deferred_has_no_ticket() {
    struct Looking;
    impl BlockHandler for Looking {
        fn write(&self, call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
            assert_eq!(call.ticket(), None);
            Err(NtStatus::PENDING)
        }
    }
    let world = World::start(1, &[(block(1), Some(&Looking))]);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::INTERNAL_ERROR);
}
