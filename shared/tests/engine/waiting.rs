//! Stop, and what waits for what.

use backchannel::{BlockId, NtStatus, Schema, StartError, VfCount};

use super::host::{Blocking, Recording, ThreadHost, World};

fn block(id: u32) -> Schema {
    Schema::written(BlockId::new(id)).length(4).build().unwrap()
}

#[test]
fn stop_sends_waiting_callers_away_and_awaits_the_one_inside() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking))]);
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| world.write(0, 1, &[2; 4]))).collect();
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!world.pf.stop(0, &world.host), "one call is inside");
        for caller in waiting {
            assert_eq!(caller.join().unwrap(), NtStatus::DEVICE_NOT_READY);
        }
        blocking.open();
        assert!(world.pf.stop(u64::MAX, &world.host));
        assert_eq!(inside.join().unwrap(), NtStatus::SUCCESS);
    });
    assert_eq!(blocking.writes(), [vec![1; 4]]);
}

#[test]
fn start_is_refused_when_started_and_for_more_vfs_than_there_is_memory_for() {
    let world = World::stopped(2, &[]);
    assert_eq!(world.pf.start(VfCount::new(3), &world.host), Err(StartError::TooManyVfs));
    assert_eq!(world.pf.vf_count(), VfCount::new(0));
    assert_eq!(world.pf.start(VfCount::new(2), &world.host), Ok(()));
    assert_eq!(world.pf.start(VfCount::new(2), &world.host), Err(StartError::Started));
    assert_eq!(world.pf.vf_count(), VfCount::new(2));
}

#[test]
fn blocked_vf_does_not_hold_up_another() {
    let blocking = Blocking::leak();
    let world = World::start(2, &[(block(1), Some(blocking)), (block(2), Some(Recording::leak()))]);
    std::thread::scope(|scope| {
        scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        assert_eq!(world.write(1, 2, &[2; 4]), NtStatus::SUCCESS);
        world.pf.reset_vf(0, &world.host).unwrap();
        blocking.open();
    });
}

#[test]
fn every_way_out_leaves_the_critical_region() {
    let world = World::start(1, &[(block(1), None)]);
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 2, &[0; 4]), NtStatus::INVALID_PARAMETER);
    assert_eq!(world.read(0, 1, 4).0, NtStatus::NOT_SUPPORTED);
    world.pf.reset_vf(0, &world.host).unwrap();
    assert!(world.pf.stop(u64::MAX, &world.host));
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::DEVICE_NOT_READY);
    assert!(ThreadHost::is_outside());
}
