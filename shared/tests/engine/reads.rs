//! Reads: every byte of the buffer, on success and on refusal.

use backchannel::{BlockId, NtStatus, PublishError, ReadSource, Refusal, Schema};

use super::host::{Answering, Buffer, Recording, Refusing, World};

fn published(id: u32, length: u8) -> Schema {
    Schema::published(BlockId::new(id)).length(length).build().unwrap()
}

#[test]
fn published_content_is_read_with_zeros_behind_it() {
    let world = World::start(2, &[(published(7, 6), None)]);
    world.publish(1, 7, b"\x02\0\0\0\0\x01").unwrap();
    assert_eq!(world.read(1, 7, 8), (NtStatus::SUCCESS, b"\x02\0\0\0\0\x01\0\0".to_vec()));
    assert_eq!(world.read(0, 7, 6), (NtStatus::SUCCESS, vec![0; 6]), "the other VF has its own");
}

#[test]
fn content_never_published_reads_as_zeros() {
    let world = World::start(1, &[(published(0, 128), None)]);
    assert_eq!(world.read(0, 0, 128), (NtStatus::SUCCESS, vec![0; 128]));
}

#[test]
fn read_shorter_than_the_block_is_refused_and_zeroed() {
    let world = World::start(1, &[(published(7, 6), None)]);
    world.publish(0, 7, &[1; 6]).unwrap();
    assert_eq!(world.read(0, 7, 5), (NtStatus::BUFFER_TOO_SMALL, vec![0; 5]));
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::ReadTooShort), 1);
}

#[test]
fn read_shorter_than_the_present_content_is_refused() {
    let schema = Schema::published(BlockId::new(7)).lengths(2, 6, 1).build().unwrap();
    let world = World::start(1, &[(schema, None)]);
    world.publish(0, 7, &[1; 6]).unwrap();
    assert_eq!(world.read(0, 7, 4), (NtStatus::BUFFER_TOO_SMALL, vec![0; 4]));
    world.publish(0, 7, &[1; 4]).unwrap();
    assert_eq!(world.read(0, 7, 4), (NtStatus::SUCCESS, vec![1; 4]));
}

#[test]
fn truncatable_block_is_cut_short() {
    let schema = Schema::published(BlockId::new(7)).length(6).truncatable().build().unwrap();
    let world = World::start(1, &[(schema, None)]);
    world.publish(0, 7, &[1, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(world.read(0, 7, 2), (NtStatus::SUCCESS, vec![1, 2]));
}

#[test]
fn handler_answers_with_zeros_behind_its_bytes() {
    let schema = Schema::answered(BlockId::new(2)).lengths(1, 128, 1).build().unwrap();
    let world = World::start(1, &[(schema, Some(&Answering(b"abc")))]);
    assert_eq!(world.read(0, 2, 5), (NtStatus::SUCCESS, b"abc\0\0".to_vec()));
    assert_eq!(world.read(0, 2, 2), (NtStatus::BUFFER_TOO_SMALL, vec![0; 2]), "the answer does not fit");
    assert_eq!(world.pf.vf_refusals(world.vf(0), Refusal::ReadTooShort), 1);
}

#[test]
fn nothing_that_a_refusing_handler_left_in_the_buffer_reaches_the_guest() {
    let schema = Schema::answered(BlockId::new(2)).length(4).build().unwrap();
    let world = World::start(1, &[(schema, Some(&Refusing(NtStatus::ACCESS_DENIED)))]);
    assert_eq!(world.read(0, 2, 4), (NtStatus::ACCESS_DENIED, vec![0; 4]));
}

#[test]
fn bytes_of_an_earlier_call_never_appear_in_a_read() {
    let write = Schema::written(BlockId::new(1)).length(128).build().unwrap();
    let schema = Schema::answered(BlockId::new(2)).lengths(1, 128, 1).build().unwrap();
    let world = World::start(1, &[(write, None), (schema, Some(Recording::leak()))]);
    assert_eq!(world.write(0, 1, &[0xFF; 128]), NtStatus::SUCCESS);
    assert_eq!(world.read(0, 2, 128), (NtStatus::SUCCESS, vec![0; 128]));
}

#[test]
fn vf_never_reads_back_its_own_write_unless_the_schema_says_echo() {
    let both = Schema::exchanged(BlockId::new(1), ReadSource::Published).length(4).build().unwrap();
    let echo = Schema::exchanged(BlockId::new(2), ReadSource::Echo).length(4).build().unwrap();
    let world = World::start(1, &[(both, None), (echo, None)]);
    assert_eq!(world.write(0, 1, &[1; 4]), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 2, &[2; 4]), NtStatus::SUCCESS);
    assert_eq!(world.read(0, 1, 4), (NtStatus::SUCCESS, vec![0; 4]));
    assert_eq!(world.read(0, 2, 4), (NtStatus::SUCCESS, vec![2; 4]));
}

#[test]
fn read_of_a_block_that_is_only_written_is_not_supported() {
    let write = Schema::written(BlockId::new(1)).length(4).build().unwrap();
    let world = World::start(1, &[(write, None)]);
    assert_eq!(world.read(0, 1, 4), (NtStatus::NOT_SUPPORTED, vec![0; 4]));
}

#[test]
fn refused_read_zeroes_exactly_the_stated_length() {
    let world = World::start(1, &[]);
    for length in [1, 64, 128] {
        let mut buffer = Buffer::of_length(length);
        assert_eq!(world.pf.read(0, 9, &mut buffer, &world.host), NtStatus::INVALID_PARAMETER);
        assert_eq!(buffer.filled, Some(vec![0; usize::try_from(length).unwrap()]));
    }
}

#[test]
fn refused_read_touches_nothing_when_the_length_is_none() {
    let world = World::start(1, &[]);
    for length in [0, 129, u32::MAX] {
        let mut buffer = Buffer::of_length(length);
        assert_eq!(world.pf.read(0, 9, &mut buffer, &world.host), NtStatus::INVALID_PARAMETER);
        assert_eq!(buffer.filled, None);
    }
}

#[test]
fn refused_read_touches_no_null_buffer() {
    let world = World::start(1, &[(published(7, 6), None)]);
    let mut buffer = Buffer::null(6);
    assert_eq!(world.pf.read(0, 7, &mut buffer, &world.host), NtStatus::INVALID_PARAMETER);
    assert_eq!(buffer.filled, None);
}

#[test]
fn read_is_zeroed_even_before_the_start_and_for_a_vf_that_does_not_exist() {
    let world = World::stopped(1, &[]);
    assert_eq!(world.read(0, 9, 4), (NtStatus::DEVICE_NOT_READY, vec![0; 4]));
    let world = World::start(1, &[]);
    assert_eq!(world.read(0xFFFF, 9, 4), (NtStatus::INVALID_PARAMETER, vec![0; 4]));
}

#[test]
fn content_that_does_not_fit_its_schema_is_not_published() {
    let world = World::start(1, &[(published(7, 6), None)]);
    assert_eq!(world.publish(0, 7, &[0; 5]), Err(PublishError::Length));
    assert_eq!(world.publish(0, 7, &[0; 300]), Err(PublishError::Length));
    assert_eq!(world.publish(0, 8, &[0; 6]), Err(PublishError::UnknownBlock));
    let answered = Schema::answered(BlockId::new(2)).length(4).build().unwrap();
    let world = World::start(1, &[(answered, Some(&Answering(b"")))]);
    assert_eq!(world.publish(0, 2, &[0; 4]), Err(PublishError::NotPublished));
}
