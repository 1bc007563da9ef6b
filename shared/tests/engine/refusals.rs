//! One test for each refusal: its status, its counter, and that it has changed nothing.

use backchannel::{BlockId, NtStatus, Refusal, Schema, VfCount};

use super::host::{Blocking, Buffer, Recording, Refusing, World};

fn block(id: u32) -> Schema {
    Schema::written(BlockId::new(id)).lengths(4, 128, 4).build().unwrap()
}

/// A PF with two VFs whose block 1 is recorded.
fn world() -> (World, &'static Recording) {
    let recording = Recording::leak();
    let world = World::start(2, &[(block(1), Some(recording))]);
    recording.take();
    (world, recording)
}

/// Writes a stated length to VF 0 and checks status, counter, and that no byte was looked at.
fn refused(world: &World, id: u32, buffer: &Buffer, cause: Refusal, status: NtStatus) {
    let before = world.pf.vf_refusals(world.vf(0), cause);
    assert_eq!(world.pf.write(0, id, buffer, &world.host), status);
    assert_eq!(world.pf.vf_refusals(world.vf(0), cause), before + 1, "{cause:?} is counted");
    assert_eq!(buffer.copies.get(), 0, "no byte was copied");
}

#[test]
fn write_before_the_start_is_not_ready() {
    let world = World::stopped(1, &[]);
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::DEVICE_NOT_READY);
    assert_eq!(world.pf.refusals(Refusal::NotStarted), 1);
}

#[test]
fn write_after_the_stop_is_not_ready() {
    let (world, recording) = world();
    assert!(world.pf.stop(u64::MAX, &world.host));
    recording.take();
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::DEVICE_NOT_READY);
    assert_eq!(recording.take(), []);
}

#[test]
fn not_ready_comes_before_every_other_cause() {
    let world = World::stopped(1, &[]);
    assert_eq!(world.pf.write(0xFFFF, 9, &Buffer::null(0), &world.host), NtStatus::DEVICE_NOT_READY);
}

#[test]
fn write_from_a_null_buffer_is_refused() {
    let (world, recording) = world();
    refused(&world, 1, &Buffer::null(4), Refusal::NullBuffer, NtStatus::INVALID_PARAMETER);
    assert_eq!(recording.take(), []);
}

#[test]
fn vf_index_equal_to_the_count_is_refused() {
    let (world, _) = world();
    assert_eq!(world.write(2, 1, &[0; 4]), NtStatus::INVALID_PARAMETER);
    assert_eq!(world.pf.refusals(Refusal::NoSuchVf), 1);
}

#[test]
fn vf_index_that_stands_for_all_vfs_is_refused() {
    let (world, _) = world();
    assert_eq!(world.write(0xFFFF, 1, &[0; 4]), NtStatus::INVALID_PARAMETER);
    assert_eq!(world.pf.refusals(Refusal::NoSuchVf), 1);
}

#[test]
fn vf_above_the_active_count_is_refused_although_there_is_memory_for_it() {
    let world = World::stopped(2, &[(block(1), None)]);
    world.pf.start(VfCount::new(1), &world.host).unwrap();
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(1, 1, &[0; 4]), NtStatus::INVALID_PARAMETER);
}

#[test]
fn write_of_no_bytes_is_refused() {
    let (world, _) = world();
    refused(&world, 1, &Buffer::of_length(0), Refusal::Length, NtStatus::INVALID_PARAMETER);
}

#[test]
fn write_of_129_bytes_is_refused() {
    let (world, _) = world();
    refused(&world, 1, &Buffer::of_length(129), Refusal::Length, NtStatus::INVALID_PARAMETER);
}

#[test]
fn write_of_the_largest_length_is_refused() {
    let (world, _) = world();
    refused(&world, 1, &Buffer::of_length(u32::MAX), Refusal::Length, NtStatus::INVALID_PARAMETER);
}

#[test]
fn write_of_128_bytes_is_served() {
    let (world, recording) = world();
    assert_eq!(world.write(0, 1, &[7; 128]), NtStatus::SUCCESS);
    assert_eq!(recording.writes(), [vec![7; 128]]);
}

#[test]
fn write_of_a_vf_in_d3_is_refused_until_it_is_back_in_d0() {
    let (world, _) = world();
    world.pf.set_vf_power(0, 4, &world.host).unwrap();
    refused(&world, 1, &Buffer::of_length(4), Refusal::VfOff, NtStatus::INVALID_DEVICE_STATE);
    assert_eq!(world.write(1, 1, &[0; 4]), NtStatus::SUCCESS, "the other VF is on");
    world.pf.set_vf_power(0, 1, &world.host).unwrap();
    assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::SUCCESS);
}

#[test]
fn unknown_block_is_refused() {
    let (world, _) = world();
    refused(&world, 2, &Buffer::of_length(4), Refusal::UnknownBlock, NtStatus::INVALID_PARAMETER);
    refused(&world, u32::MAX, &Buffer::of_length(4), Refusal::UnknownBlock, NtStatus::INVALID_PARAMETER);
}

#[test]
fn write_to_a_block_that_is_only_read_is_not_supported() {
    let world = World::start(1, &[(Schema::published(BlockId::new(3)).length(4).build().unwrap(), None)]);
    refused(&world, 3, &Buffer::of_length(4), Refusal::Direction, NtStatus::NOT_SUPPORTED);
}

#[test]
fn write_of_a_length_that_the_schema_does_not_allow_is_refused() {
    let (world, recording) = world();
    refused(&world, 1, &Buffer::of_length(3), Refusal::WriteLength, NtStatus::INVALID_BUFFER_SIZE);
    refused(&world, 1, &Buffer::of_length(6), Refusal::WriteLength, NtStatus::INVALID_BUFFER_SIZE);
    assert_eq!(recording.take(), []);
}

#[test]
fn error_of_the_handler_reaches_the_guest_and_changes_nothing() {
    let echo = Schema::exchanged(BlockId::new(5), backchannel::ReadSource::Echo).length(4).build().unwrap();
    let world = World::start(1, &[(echo, Some(&Refusing(NtStatus::REVISION_MISMATCH)))]);
    assert_eq!(world.write(0, 5, &[9; 4]), NtStatus::REVISION_MISMATCH);
    assert_eq!(world.read(0, 5, 4), (NtStatus::SUCCESS, vec![0; 4]), "the write was not stored");
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::Handler(NtStatus::UNSUCCESSFUL)), 1);
}

#[test]
fn handler_that_answers_with_no_error_is_to_blame() {
    for answer in [NtStatus::PENDING, NtStatus::SUCCESS, NtStatus::from_raw(0x4000_0001)] {
        let refusing: &'static Refusing = Box::leak(Box::new(Refusing(answer)));
        let world = World::start(1, &[(block(1), Some(refusing))]);
        assert_eq!(world.write(0, 1, &[0; 4]), NtStatus::INTERNAL_ERROR);
        assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::HandlerAnswer), 1);
    }
}

#[test]
fn ninth_waiter_is_refused_and_the_eight_are_served_in_order() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking))]);
    std::thread::scope(|scope| {
        for caller in 0..9_u8 {
            scope.spawn({
                let world = &world;
                move || assert_eq!(world.write(0, 1, &[caller; 4]), NtStatus::SUCCESS)
            });
            if caller == 0 {
                blocking.await_inside(1);
            }
            world.host.await_waiters(u32::from(caller));
        }
        refused(&world, 1, &Buffer::of_length(4), Refusal::Crowded, NtStatus::IO_TIMEOUT);
        refused(&world, 1, &Buffer::of_length(0), Refusal::Length, NtStatus::INVALID_PARAMETER);
        refused(&world, 8, &Buffer::of_length(4), Refusal::UnknownBlock, NtStatus::INVALID_PARAMETER);
        blocking.open();
    });
    let order: Vec<u8> = blocking.writes().iter().map(|bytes| bytes[0]).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn caller_whose_time_runs_out_while_it_waits_is_told_so() {
    let blocking = Blocking::leak();
    let world = World::start(1, &[(block(1), Some(blocking))]);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS));
        blocking.await_inside(1);
        let buffer = Buffer::of_length(4);
        world.out_of_time(|| refused(&world, 1, &buffer, Refusal::TimedOut, NtStatus::IO_TIMEOUT));
        blocking.open();
    });
    assert_eq!(blocking.writes(), [vec![1; 4]], "the one that gave up never reached the handler");
}
