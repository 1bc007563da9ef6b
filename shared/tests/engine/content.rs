//! What the PF side sees of the blocks of a VF.

use std::sync::atomic::{AtomicBool, Ordering};

use backchannel::{BlockId, NtStatus, Owner, RateClass, ReadSource, Schema, Unclaimed, VfCount};

use super::host::{Refusing, World};

const ECHO: BlockId = BlockId::new(1);
const PUBLISHED: BlockId = BlockId::new(2);
const KEPT: BlockId = BlockId::new(3);

fn world() -> World {
    let echo = Schema::exchanged(ECHO, ReadSource::Echo).lengths(1, 128, 1).build().unwrap();
    let published = Schema::published(PUBLISHED).lengths(1, 128, 1).build().unwrap();
    let kept =
        Schema::published(KEPT).lengths(1, 128, 1).owner(Owner::Operator).keep_on_reset().build().unwrap();
    World::start(2, &[(echo, None), (published, None), (kept, None)])
}

#[test]
fn written_content_is_described_whole() {
    let world = world();
    let mut bytes = [0xA5; 8];
    assert_eq!(world.pf.written_content(world.vf(0), ECHO, &mut bytes), None, "nothing was written");
    assert_eq!(world.write(0, 1, b"one"), NtStatus::SUCCESS);
    assert_eq!(world.write(0, 1, b"second"), NtStatus::SUCCESS);
    let content = world.pf.written_content(world.vf(0), ECHO, &mut bytes).unwrap();
    assert_eq!(&bytes, b"second\0\0");
    assert_eq!((content.length, content.version, content.by_operator), (6, 2, false));
    assert_eq!(content.generation, world.pf.vf_identity(world.vf(0)).unwrap().generation);
    let served = world.pf.block_statistics(world.vf(0), ECHO).unwrap();
    assert_eq!(content.time, served.last);
    assert_eq!(world.pf.written_content(world.vf(1), ECHO, &mut bytes), None, "it is another VF's");
}

#[test]
fn content_longer_than_the_place_for_it_is_cut_short_and_says_so() {
    let world = world();
    assert_eq!(world.write(0, 1, &[7; 100]), NtStatus::SUCCESS);
    let mut bytes = [0xA5; 4];
    assert_eq!(world.pf.written_content(world.vf(0), ECHO, &mut bytes).unwrap().length, 100);
    assert_eq!(bytes, [7; 4]);
}

#[test]
fn written_and_published_content_are_never_taken_for_each_other() {
    let world = world();
    let mut bytes = [0; 8];
    assert_eq!(world.write(0, 1, b"written"), NtStatus::SUCCESS);
    world.publish(0, 2, b"public").unwrap();
    assert_eq!(world.pf.published_content(world.vf(0), ECHO, &mut bytes), None);
    assert_eq!(world.pf.written_content(world.vf(0), PUBLISHED, &mut bytes), None);
    assert_eq!(world.pf.published_content(world.vf(0), PUBLISHED, &mut bytes).unwrap().length, 6);
    assert_eq!(&bytes, b"public\0\0");
}

#[test]
fn content_says_whether_the_operator_published_it() {
    let world = world();
    world.publish(0, 2, b"driver").unwrap();
    world.pf.publish_as_operator(world.vf(0), KEPT, b"operator", 77).unwrap();
    let described = |block| world.pf.published_content(world.vf(0), block, &mut [0; 8]).unwrap();
    assert_eq!((described(PUBLISHED).by_operator, described(KEPT).by_operator), (false, true));
    assert_eq!(described(KEPT).time, 77);
}

#[test]
fn refused_write_is_no_content() {
    let echo = Schema::exchanged(ECHO, ReadSource::Echo).length(4).build().unwrap();
    let world = World::start(1, &[(echo, Some(&Refusing(NtStatus::REVISION_MISMATCH)))]);
    assert_eq!(world.write(0, 1, &[9; 4]), NtStatus::REVISION_MISMATCH);
    assert_eq!(world.pf.written_content(world.vf(0), ECHO, &mut [0; 4]), None);
}

#[test]
fn content_of_an_earlier_life_is_not_shown_even_before_it_is_wiped() {
    let world = world();
    assert_eq!(world.write(1, 1, b"tenant"), NtStatus::SUCCESS);
    world.publish(1, 2, b"public").unwrap();
    world.publish(1, 3, b"kept").unwrap();
    assert!(world.pf.stop(u64::MAX, &world.host));
    // VF 1 is not served any more, so nobody goes into its gate to wipe it.
    world.pf.start(VfCount::new(1), &world.host).unwrap();
    let mut bytes = [0; 8];
    assert_eq!(world.pf.written_content(world.vf(1), ECHO, &mut bytes), None);
    assert_eq!(world.pf.published_content(world.vf(1), PUBLISHED, &mut bytes), None);
    assert_eq!(world.pf.published_content(world.vf(1), KEPT, &mut bytes).unwrap().length, 4);
}

#[test]
fn content_of_a_block_that_does_not_exist_is_none() {
    let world = world();
    assert_eq!(world.pf.written_content(world.vf(0), BlockId::new(9), &mut [0; 4]), None);
    assert_eq!(world.pf.published_content(world.vf(0), BlockId::new(9), &mut [0; 4]), None);
}

#[test]
fn reader_never_sees_half_of_a_write_while_the_vf_writes() {
    let echo = Schema::exchanged(ECHO, ReadSource::Echo).lengths(1, 128, 1).rate(RateClass::Unlimited);
    let world = World::start_with(1, &[(echo.build().unwrap(), None)], Unclaimed::Refuse);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for write in 0..10_000_u32 {
                let length = usize::try_from(write % 128 + 1).unwrap();
                assert_eq!(world.write(0, 1, &vec![write.to_le_bytes()[0]; length]), NtStatus::SUCCESS);
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut last = 0;
        while !done.load(Ordering::Relaxed) {
            let mut bytes = [0; 128];
            let Some(content) = world.pf.written_content(world.vf(0), ECHO, &mut bytes) else { continue };
            let (value, rest) = bytes.split_at(usize::from(content.length));
            assert!(value.iter().all(|byte| *byte == value[0]), "{bytes:?}");
            assert!(rest.iter().all(|byte| *byte == 0), "{bytes:?}");
            assert_eq!(u32::from(content.length), (content.version - 1) % 128 + 1, "length of another write");
            assert!(content.version >= last, "it went back in time");
            last = content.version;
        }
    });
    let content = world.pf.written_content(world.vf(0), ECHO, &mut [0; 128]);
    assert_eq!(content.map(|content| content.version), Some(10_000));
}
