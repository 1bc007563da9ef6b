//! The models, one for each promise that two threads could break.

use backchannel::{BlockMask, InvalidationTarget, NtStatus, Service, UnregisterError};

use super::host::{Arc, BLOCK, World, check, thread};

const FOREVER: u64 = u64::MAX;

#[test]
fn gate_lets_one_caller_in_and_wakes_the_next() {
    check(|| {
        let world = World::start(false);
        let other = Arc::clone(&world);
        let caller = thread::spawn(move || other.write());
        assert_eq!(world.write(), NtStatus::SUCCESS);
        assert_eq!(caller.join().expect("the model holds"), NtStatus::SUCCESS);
        assert_eq!(world.handlers[0].calls(), 2);
    });
}

#[test]
fn caller_that_gives_up_is_not_handed_the_gate() {
    check(|| {
        let world = World::start(true);
        let other = Arc::clone(&world);
        let caller = thread::spawn(move || other.write());
        let mine = world.write();
        let others = caller.join().expect("the model holds");
        let served = [mine, others].iter().filter(|status| status.is_success()).count();
        assert_eq!(u32::try_from(served), Ok(world.handlers[0].calls()));
        assert!([mine, others].iter().all(|status| status.is_success() || *status == NtStatus::IO_TIMEOUT));
        assert_eq!(world.write(), NtStatus::SUCCESS, "the gate is free");
    });
}

#[test]
fn nobody_is_inside_after_the_rundown() {
    check(|| {
        let world = World::start(false);
        let other = Arc::clone(&world);
        let caller = thread::spawn(move || other.write());
        assert!(world.pf.stop(FOREVER, &world.host));
        world.handlers[0].poison();
        let status = caller.join().expect("the model holds");
        assert!(status.is_success() || status == NtStatus::DEVICE_NOT_READY, "{status:?}");
    });
}

#[test]
fn handler_is_not_called_after_it_was_unregistered() {
    check(|| {
        let world = World::start(false);
        let other = Arc::clone(&world);
        let caller = thread::spawn(move || other.write());
        assert_eq!(world.pf.unregister(BLOCK, FOREVER, &world.host), Ok(()));
        world.handlers[0].poison();
        let status = caller.join().expect("the model holds");
        let refused = [NtStatus::DEVICE_NOT_READY, NtStatus::INVALID_PARAMETER];
        assert!(status.is_success() || refused.contains(&status), "{status:?}");
    });
}

#[test]
fn drain_that_gives_up_has_not_released_the_handler() {
    check(|| {
        let world = World::start(false);
        let other = Arc::clone(&world);
        let caller = thread::spawn(move || other.write());
        match world.pf.unregister(BLOCK, 0, &world.host) {
            Ok(()) => world.handlers[0].poison(),
            Err(refused) => assert_eq!(refused, UnregisterError::StillInUse),
        }
        let _status = caller.join().expect("the model holds");
    });
}

#[test]
fn replaced_handler_is_not_called_again_and_no_write_is_lost() {
    check(|| {
        let world = World::start(false);
        let other = Arc::clone(&world);
        let caller = thread::spawn(move || other.write());
        assert_eq!(world.pf.replace(BLOCK, Service::Handler(1), FOREVER, &world.host), Ok(()));
        world.handlers[0].poison();
        assert_eq!(caller.join().expect("the model holds"), NtStatus::SUCCESS);
        assert_eq!(world.handlers[0].calls() + world.handlers[1].calls(), 1);
    });
}

#[test]
fn event_told_on_the_way_out_does_not_reach_an_unregistered_handler() {
    check(|| {
        let world = World::start(false);
        world.reset_in_calls_of_the_other();
        let other = Arc::clone(&world);
        // The drain sees the writer inside the other handler, and does not wait for it.
        let writer = thread::spawn(move || other.write_other());
        assert_eq!(world.pf.unregister(BLOCK, FOREVER, &world.host), Ok(()));
        world.handlers[0].poison();
        assert_eq!(writer.join().expect("the model holds"), NtStatus::DEVICE_NOT_READY);
    });
}

#[test]
fn nothing_written_before_a_reset_is_read_after_it() {
    check(|| {
        let world = World::start(false);
        let other = Arc::clone(&world);
        let caller = thread::spawn(move || other.write());
        world.pf.reset_vf(0, &world.host).expect("it is started");
        let status = caller.join().expect("the model holds");
        let bytes = world.read();
        let vf = world.pf.index(0).expect("there is one VF");
        let life = world.pf.vf_identity(vf).expect("there is one VF").generation.value();
        let written_in = world.handlers[0].generation.load(std::sync::atomic::Ordering::SeqCst);
        let is_of_this_life = status.is_success() && written_in == life;
        assert_eq!(bytes, if is_of_this_life { [7; 8] } else { [0; 8] }, "{status:?} in life {written_in}");
    });
}

#[test]
fn invalidation_is_told_or_pending_whatever_the_request_does() {
    check(|| {
        let world = World::start(false);
        let parked = Arc::new(checker_mutex(false));
        let (other, its_parked) = (Arc::clone(&world), Arc::clone(&parked));
        // Whoever posts looks for a parked request afterwards; whoever parks one looks for a mask afterwards.
        let poster = thread::spawn(move || {
            other.pf.invalidate(InvalidationTarget::AllVfs, BlockMask::new(2));
            pump(&other, &its_parked)
        });
        *parked.lock().expect("nothing fails under it") = true;
        let told_here = pump(&world, &parked);
        // The request is cancelled if it is still parked.
        let cancelled = std::mem::take(&mut *parked.lock().expect("nothing fails under it"));
        let told_there = poster.join().expect("the model holds");
        assert!(!(told_here && told_there), "one request is completed once");
        let pending = world.pf.take_invalidation(None).map(|taken| taken.blocks());
        if told_here || told_there {
            assert_eq!(pending, None);
            assert!(!cancelled);
        } else {
            assert_eq!(pending, Some(BlockMask::new(2)), "it is lost");
        }
    });
}

#[test]
fn no_invalidation_waits_while_a_request_does() {
    check(|| {
        let world = World::start(false);
        let parked = Arc::new(checker_mutex(false));
        let (other, its_parked) = (Arc::clone(&world), Arc::clone(&parked));
        let poster = thread::spawn(move || {
            other.pf.invalidate(InvalidationTarget::AllVfs, BlockMask::new(2));
            pump(&other, &its_parked)
        });
        *parked.lock().expect("nothing fails under it") = true;
        let told_here = pump(&world, &parked);
        let told_there = poster.join().expect("the model holds");
        assert!(told_here ^ told_there, "told here {told_here}, there {told_there}");
    });
}

#[cfg(loom)]
fn checker_mutex(value: bool) -> loom::sync::Mutex<bool> {
    loom::sync::Mutex::new(value)
}

#[cfg(shuttle)]
fn checker_mutex(value: bool) -> shuttle::sync::Mutex<bool> {
    shuttle::sync::Mutex::new(value)
}

#[cfg(loom)]
type Parked = loom::sync::Mutex<bool>;
#[cfg(shuttle)]
type Parked = shuttle::sync::Mutex<bool>;

/// Completes the parked request with what is pending, as a driver does: under the lock of its queue. Says whether it did.
fn pump(world: &World, parked: &Parked) -> bool {
    let mut parked = parked.lock().expect("nothing fails under it");
    if !*parked || !world.pf.has_invalidations() {
        return false;
    }
    let Some(taken) = world.pf.take_invalidation(None) else { return false };
    *parked = false;
    world.pf.told(taken);
    true
}
