//! A VF that misbehaves, as the guest, the handlers and the operator see it.

use backchannel::{
    BlockId, EVENTS, Happening, MILLISECOND, NtStatus, Override, RateClass, Refusal, SECOND, Schema, Shed,
    Standing, VfEvent,
};

use super::host::{Blocking, Recording, World};

fn control(id: u32, shed: Shed) -> Schema {
    Schema::written(BlockId::new(id)).length(4).rate(RateClass::Control).shed(shed).build().unwrap()
}

fn world(shed: Shed) -> (World, &'static Recording) {
    let recording = Recording::leak();
    let world = World::start(2, &[(control(1, shed), Some(recording))]);
    recording.take();
    (world, recording)
}

/// Writes until the bucket is empty; the burst of the class is 64.
fn exhaust(world: &World) {
    for _ in 0..64 {
        assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    }
}

#[test]
fn write_over_the_rate_is_refused_and_counted() {
    let (world, recording) = world(Shed::Refuse);
    exhaust(&world);
    assert_eq!(world.write(0, 1, &[2; 4]), NtStatus::QUOTA_EXCEEDED);
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::Rate), 1);
    assert_eq!(recording.writes().len(), 64);
    assert_eq!(world.write(1, 1, &[2; 4]), NtStatus::SUCCESS, "the other VF has its own bucket");
}

#[test]
fn status_block_over_the_rate_is_dropped_with_success() {
    let (world, recording) = world(Shed::DropWithSuccess);
    exhaust(&world);
    assert_eq!(world.write(0, 1, &[2; 4]), NtStatus::SUCCESS);
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::Rate), 1);
    assert_eq!(recording.writes().len(), 64, "it never reached the handler");
    assert_eq!(world.pf.event(world.vf(0), 0).map(|event| event.code), Some(Happening::Shed.code()));
}

#[test]
fn write_that_may_be_delayed_waits_for_its_token() {
    let (world, recording) = world(Shed::Delay);
    exhaust(&world);
    // A token comes each 20 ms; the longest delay is 10.
    world.host.advance(12 * MILLISECOND);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[2; 4]));
        world.host.await_waiters(1);
        assert_eq!(recording.writes().len(), 64, "it is delayed");
        world.host.advance(8 * MILLISECOND);
        assert_eq!(caller.join().unwrap(), NtStatus::SUCCESS);
    });
    assert_eq!(world.write(0, 1, &[3; 4]), NtStatus::QUOTA_EXCEEDED, "20 ms are too long");
    assert_eq!(recording.writes().len(), 65);
}

#[test]
fn handlers_hear_of_an_isolation_and_not_of_a_throttling() {
    let (world, recording) = world(Shed::Refuse);
    recording.take();
    while world.pf.standing(world.vf(0)) != Standing::Throttled {
        assert_eq!(world.write(0, 9, &[9; 3]), NtStatus::INVALID_PARAMETER);
    }
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS, "what happened is told before");
    assert_eq!(recording.events(), []);
    while world.pf.standing(world.vf(0)) != Standing::Isolated {
        assert_eq!(world.write(0, 9, &[9; 3]), NtStatus::INVALID_PARAMETER);
    }
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::ACCESS_DENIED);
    assert_eq!(recording.events(), [(0, VfEvent::Quarantined)]);
}

#[test]
fn isolated_vf_is_refused_everything_and_the_other_is_not() {
    let (world, recording) = world(Shed::Refuse);
    for _ in 0..1_000 {
        assert_eq!(world.write(0, 9, &[9; 3]), NtStatus::INVALID_PARAMETER);
    }
    assert_eq!(world.pf.standing(world.vf(0)), Standing::Isolated);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::ACCESS_DENIED);
    assert_eq!(world.read(0, 1, 4), (NtStatus::ACCESS_DENIED, vec![0; 4]));
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::Isolated), 2);
    assert_eq!(world.write(1, 1, &[1; 4]), NtStatus::SUCCESS);
    assert_eq!(recording.events(), [(0, VfEvent::Quarantined)]);
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::ACCESS_DENIED, "a reset is no way out");
    world.host.advance(10 * SECOND);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS, "it heals by itself");
    assert_eq!(world.pf.standing(world.vf(0)), Standing::Probation);
}

#[test]
fn evidence_holds_the_call_that_cost_the_standing_until_the_vf_is_reset() {
    let world = World::start(1, &[(Schema::written(BlockId::new(1)).length(4).build().unwrap(), None)]);
    let mut bytes = [0xA5; 8];
    for n in 0..500_u16 {
        assert_eq!(world.pf.evidence(world.vf(0), &mut bytes), None);
        let [low, high] = n.to_le_bytes();
        assert_eq!(world.write(0, 1, &[low, high, 7, 7, 7]), NtStatus::INVALID_BUFFER_SIZE);
    }
    assert_eq!(world.pf.standing(world.vf(0)), Standing::Throttled);
    let evidence = world.pf.evidence(world.vf(0), &mut bytes).unwrap();
    assert_eq!((evidence.block, evidence.length, evidence.kept), (BlockId::new(1), 5, 5));
    assert_eq!(evidence.cause, Refusal::WriteLength.index());
    assert_eq!(bytes, [0xF3, 0x01, 7, 7, 7, 0xA5, 0xA5, 0xA5]);
    assert_eq!(world.pf.faults(world.vf(0)), 500);
    world.pf.reset_vf(0, &world.host).unwrap();
    assert_eq!(world.pf.evidence(world.vf(0), &mut bytes), None);
    assert_eq!(world.pf.standing(world.vf(0)), Standing::Good);
}

#[test]
fn operator_isolates_exempts_and_releases() {
    let (world, _) = world(Shed::Refuse);
    world.pf.decide(world.vf(0), Override::Isolated);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::ACCESS_DENIED);
    world.pf.decide(world.vf(0), Override::Exempt);
    for _ in 0..2_000 {
        assert_eq!(world.write(0, 9, &[9; 3]), NtStatus::INVALID_PARAMETER);
    }
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    world.pf.decide(world.vf(0), Override::None);
    for _ in 0..2 {
        assert_eq!(world.write(0, 9, &[9; 3]), NtStatus::INVALID_PARAMETER, "throttled, then isolated");
    }
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::ACCESS_DENIED);
    world.pf.release(world.vf(0));
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
}

#[test]
fn recorder_tells_what_happened_in_order() {
    let (world, _) = world(Shed::Refuse);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 1, &[1; 3]), NtStatus::INVALID_BUFFER_SIZE);
    world.pf.reset_vf(0, &world.host).unwrap();
    let codes: Vec<u16> =
        (0..EVENTS).map_while(|back| world.pf.event(world.vf(0), back)).map(|event| event.code).collect();
    let expected = [
        Happening::Told(VfEvent::Reset),
        Happening::Refused(Refusal::WriteLength),
        Happening::Wrote,
        Happening::Told(VfEvent::Enabled),
    ];
    assert_eq!(codes, expected.map(Happening::code));
    let refused = world.pf.event(world.vf(0), 1).unwrap();
    assert_eq!((refused.length, refused.status), (3, 0xC000_0206));
}

#[test]
fn statistics_count_calls_bytes_and_time() {
    let (world, _) = world(Shed::Refuse);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 1, &[1; 3]), NtStatus::INVALID_BUFFER_SIZE);
    let statistics = world.pf.block_statistics(world.vf(0), BlockId::new(1)).unwrap();
    assert_eq!((statistics.served, statistics.bytes, statistics.refused), (2, 8, 1));
    assert_eq!(statistics.handler_calls, 2);
    assert!(statistics.last > 0 && u64::from(statistics.handler_longest) <= statistics.handler_total);
    let calls: u32 =
        (0..backchannel::HISTOGRAM_PLACES).map(|place| world.pf.handler_times(world.vf(0), place)).sum();
    assert_eq!(calls, 2);
    assert_eq!(world.pf.block_statistics(world.vf(0), BlockId::new(2)), None);
}

#[test]
fn second_call_beside_a_delayed_one_is_refused_at_once() {
    let (world, _) = world(Shed::Delay);
    exhaust(&world);
    world.host.advance(12 * MILLISECOND);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[2; 4]));
        world.host.await_waiters(1);
        assert_eq!(world.write(0, 1, &[3; 4]), NtStatus::QUOTA_EXCEEDED, "the clock stands still");
        world.host.advance(8 * MILLISECOND);
        assert_eq!(caller.join().unwrap(), NtStatus::SUCCESS);
    });
}

#[test]
fn read_that_may_be_delayed_waits_for_its_token_and_a_second_is_refused_at_once() {
    let read = Schema::published(BlockId::new(1)).length(4).rate(RateClass::Control).shed(Shed::Delay);
    let world = World::start(1, &[(read.build().unwrap(), None)]);
    world.publish(0, 1, b"here").unwrap();
    for _ in 0..64 {
        assert_eq!(world.read(0, 1, 4).0, NtStatus::SUCCESS);
    }
    world.host.advance(12 * MILLISECOND);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.read(0, 1, 4));
        world.host.await_waiters(1);
        assert_eq!(world.read(0, 1, 4), (NtStatus::QUOTA_EXCEEDED, vec![0; 4]));
        world.host.advance(8 * MILLISECOND);
        assert_eq!(caller.join().unwrap(), (NtStatus::SUCCESS, b"here".to_vec()));
    });
}

#[test]
fn stop_wakes_a_delayed_caller() {
    let (world, _) = world(Shed::Delay);
    exhaust(&world);
    world.host.advance(12 * MILLISECOND);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| world.write(0, 1, &[2; 4]));
        world.host.await_waiters(1);
        assert!(!caller.is_finished(), "the clock stands still");
        assert!(world.pf.stop(u64::MAX, &world.host));
        assert_eq!(caller.join().unwrap(), NtStatus::DEVICE_NOT_READY);
    });
}

#[test]
fn flooding_vf_is_refused_at_its_own_gate_while_a_quiet_one_is_served() {
    let blocking = Blocking::leak();
    let unlimited = Schema::written(BlockId::new(2)).length(4).rate(RateClass::Unlimited).build().unwrap();
    let world = World::start(2, &[(control(1, Shed::Refuse), None), (unlimited, Some(blocking))]);
    blocking.open();
    exhaust(&world);
    for _ in 0..1_000 {
        assert_eq!(world.write(0, 1, &[2; 4]), NtStatus::QUOTA_EXCEEDED);
        assert_eq!(world.write(1, 2, &[2; 4]), NtStatus::SUCCESS);
    }
}
