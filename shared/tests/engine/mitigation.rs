//! Mitigated registers: the ranges that are handed out, and the accesses that reach the IHV.

use std::sync::{Condvar, Mutex};

use backchannel::{
    BARS, BlockHandler, BlockId, Call, MOST_RANGES, Mitigated, MitigatedRange, Mitigation, NtStatus,
    Register, RegisterAccess, Schema,
};

use super::host::{Buffer, Recording, World};

/// Registers 0 (four pages) and 2 (two pages) have ranges as listed; each access is kept.
struct Supplied {
    ranges: [Vec<MitigatedRange>; BARS],
    answer: Result<(), NtStatus>,
    log: Mutex<Vec<(u16, Register, Vec<u8>)>>,
    /// `Some(false)` while accesses are held.
    open: (Mutex<bool>, Condvar),
}

const SIZES: [u64; BARS] = [4 * 4096, 0, 2 * 4096, 0, 0, 100];

impl Supplied {
    fn new(ranges: &[(usize, MitigatedRange)]) -> Self {
        let mut supplied = Self {
            ranges: Default::default(),
            answer: Ok(()),
            log: Mutex::default(),
            open: (Mutex::new(true), Condvar::new()),
        };
        for (bar, range) in ranges {
            supplied.ranges[*bar].push(*range);
        }
        supplied
    }

    fn by(&self) -> Mitigated<'_> {
        Mitigated::new(self, Some(SIZES))
    }

    fn log(&self) -> Vec<(u16, Register, Vec<u8>)> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn keep(&self, access: &RegisterAccess<'_>, bytes: &[u8]) -> Result<(), NtStatus> {
        self.log.lock().unwrap().push((access.vf().index.value(), access.register(), bytes.to_vec()));
        let open = self.open.0.lock().unwrap();
        drop(self.open.1.wait_while(open, |open| !*open).unwrap());
        self.answer
    }
}

impl Mitigation for Supplied {
    fn range(&self, _vf: backchannel::Vf, bar: u8, number: u32) -> Option<MitigatedRange> {
        self.ranges[usize::from(bar)].get(usize::try_from(number).unwrap()).copied()
    }

    fn read(&self, access: &RegisterAccess<'_>, out: &mut [u8]) -> Result<(), NtStatus> {
        assert!(out.iter().all(|byte| *byte == 0), "zeros to begin with");
        out.fill(0x5A);
        self.keep(access, &[])
    }

    fn write(&self, access: &RegisterAccess<'_>, data: &[u8]) -> Result<(), NtStatus> {
        if data == [0xDD] {
            access.update_mitigated_ranges();
        }
        self.keep(access, data)
    }
}

const fn range(first_page: u64, pages: u32, reads: bool, writes: bool) -> MitigatedRange {
    MitigatedRange { first_page, pages, reads, writes }
}

const fn at(bar: u16, offset: u64) -> Register {
    Register { bar, offset }
}

/// Page 0 of register 0 both ways, pages 1 and 2 for writes; page 1 of register 2 for reads.
fn usual() -> Supplied {
    Supplied::new(&[
        (0, range(0, 1, true, true)),
        (0, range(1, 2, false, true)),
        (2, range(1, 1, true, false)),
    ])
}

fn read(world: &World, supplied: &Supplied, vf: u16, at: Register, length: usize) -> (NtStatus, Vec<u8>) {
    let mut bytes = vec![0xA5; length];
    let status = world.pf.read_register(&supplied.by(), vf, at, &mut &mut bytes[..], &world.host);
    (status, bytes)
}

fn write(world: &World, supplied: &Supplied, vf: u16, at: Register, data: &[u8]) -> NtStatus {
    world.pf.write_register(&supplied.by(), vf, at, &data, &world.host)
}

#[test]
fn each_register_of_each_vf_has_a_count_of_its_own() {
    let (world, supplied) = (World::start(2, &[]), usual());
    assert_eq!(world.pf.mitigated_range_counts(&supplied.by(), 1), Ok([2, 0, 1, 0, 0, 0]));
    assert_eq!(world.pf.mitigated_range_counts(&supplied.by(), 2), Err(NtStatus::INVALID_PARAMETER));
    assert!(world.pf.stop(u64::MAX, &world.host));
    assert_eq!(world.pf.mitigated_range_counts(&supplied.by(), 1), Err(NtStatus::DEVICE_NOT_READY));
}

#[test]
fn ranges_are_given_in_order() {
    let (world, supplied) = (World::start(1, &[]), usual());
    let ranges = |bar| {
        let mut given = Vec::new();
        world.pf.mitigated_ranges(&supplied.by(), 0, bar, &mut |range| given.push(range)).map(|()| given)
    };
    assert_eq!(ranges(0), Ok(vec![range(0, 1, true, true), range(1, 2, false, true)]));
    assert_eq!(ranges(1), Ok(vec![]), "a register that is not there has none");
    assert_eq!(ranges(5), Ok(vec![]));
    assert_eq!(ranges(6), Err(NtStatus::INVALID_PARAMETER));
}

#[test]
fn wrong_ranges_are_not_handed_out() {
    let world = World::start(1, &[]);
    let wrong = [
        vec![range(0, 0, true, true)],
        vec![range(0, 1, false, false)],
        vec![range(3, 2, true, true)],
        vec![range(4, 1, true, true)],
        vec![range(u64::MAX, 1, true, true)],
        vec![range(0, 2, true, true), range(1, 1, true, true)],
        vec![range(2, 1, true, true), range(0, 1, true, true)],
    ];
    for ranges in wrong {
        let listed: Vec<_> = ranges.iter().map(|range| (0, *range)).collect();
        let supplied = Supplied::new(&listed);
        let counted = world.pf.mitigated_range_counts(&supplied.by(), 0);
        assert_eq!(counted, Err(NtStatus::INTERNAL_ERROR), "{ranges:?}");
        assert_eq!(read(&world, &supplied, 0, at(0, 0), 1).0, NtStatus::INTERNAL_ERROR, "{ranges:?}");
        assert_eq!(supplied.log(), []);
    }
    let small = Supplied::new(&[(5, range(0, 1, true, true))]);
    assert_eq!(
        world.pf.mitigated_range_counts(&small.by(), 0),
        Err(NtStatus::INTERNAL_ERROR),
        "a register below a page has no page"
    );
}

#[test]
fn a_register_has_64_ranges_at_most() {
    let world = World::start(1, &[]);
    let pages = |count: u32| {
        let ranges: Vec<_> = (0..count).map(|page| (0, range(page.into(), 1, true, true))).collect();
        let supplied = Supplied::new(&ranges);
        world.pf.mitigated_range_counts(&Mitigated::new(&supplied, Some([1 << 20, 0, 0, 0, 0, 0])), 0)
    };
    assert_eq!(pages(MOST_RANGES), Ok([64, 0, 0, 0, 0, 0]));
    assert_eq!(pages(MOST_RANGES + 1), Err(NtStatus::INTERNAL_ERROR));
}

#[test]
fn ranges_are_not_known_while_the_hardware_is_not_there() {
    let (world, supplied) = (World::start(1, &[]), usual());
    let unknown = Mitigated::new(&supplied, None);
    assert_eq!(world.pf.mitigated_range_counts(&unknown, 0), Err(NtStatus::DEVICE_NOT_READY));
    let status = world.pf.write_register(&unknown, 0, at(0, 0), &&[0][..], &world.host);
    assert_eq!((status, supplied.log()), (NtStatus::DEVICE_NOT_READY, vec![]));
}

#[test]
fn access_in_a_range_reaches_the_ihv() {
    let (world, supplied) = (World::start(2, &[]), usual());
    assert_eq!(write(&world, &supplied, 1, at(0, 0x2FFC), &[1, 2, 3, 4]), NtStatus::SUCCESS);
    assert_eq!(read(&world, &supplied, 0, at(2, 0x1FF8), 8), (NtStatus::SUCCESS, vec![0x5A; 8]));
    assert_eq!(supplied.log(), [(1, at(0, 0x2FFC), vec![1, 2, 3, 4]), (0, at(2, 0x1FF8), vec![])]);
}

#[test]
fn access_outside_the_ranges_of_its_direction_is_refused() {
    let (world, supplied) = (World::start(1, &[]), usual());
    let refused = (NtStatus::INVALID_PARAMETER, vec![0; 4]);
    for place in [
        at(0, 0x1000),
        at(0, 0x0FFE),
        at(0, 0x3000),
        at(1, 0),
        at(2, 0x0FFE),
        at(2, 0x1FFE),
        at(6, 0),
        at(256, 0),
        at(0, u64::MAX - 1),
    ] {
        assert_eq!(read(&world, &supplied, 0, place, 4), refused, "{place:?}");
    }
    for place in [at(0, 0x0FFE), at(0, 0x2FFE), at(2, 0x1000), at(0, u64::MAX)] {
        assert_eq!(write(&world, &supplied, 0, place, &[0; 4]), NtStatus::INVALID_PARAMETER, "{place:?}");
    }
    assert_eq!(supplied.log(), []);
}

#[test]
fn access_has_1_to_8_bytes() {
    let (world, supplied) = (World::start(1, &[]), usual());
    for length in [0, 9, 4096] {
        let untouched = (NtStatus::INVALID_PARAMETER, vec![0xA5; length]);
        assert_eq!(read(&world, &supplied, 0, at(0, 0), length), untouched);
        assert_eq!(write(&world, &supplied, 0, at(0, 0), &vec![0; length]), NtStatus::INVALID_PARAMETER);
    }
    assert_eq!(supplied.log(), []);
    assert_eq!(read(&world, &supplied, 0, at(0, 0), 1), (NtStatus::SUCCESS, vec![0x5A]));
}

#[test]
fn access_without_a_buffer_is_refused_and_none_is_touched() {
    let (world, supplied) = (World::start(1, &[]), usual());
    for mut buffer in [Buffer::null(4), Buffer::null(0), Buffer::of_length(0), Buffer::of_length(9)] {
        let answer = world.pf.write_register(&supplied.by(), 0, at(0, 0), &buffer, &world.host);
        assert_eq!(answer, NtStatus::INVALID_PARAMETER);
        let answer = world.pf.read_register(&supplied.by(), 0, at(0, 0), &mut buffer, &world.host);
        assert_eq!(answer, NtStatus::INVALID_PARAMETER);
        assert_eq!((buffer.copies.get(), buffer.filled), (0, None));
    }
    assert_eq!(supplied.log(), []);
}

#[test]
fn access_of_a_vf_that_is_not_there_or_off_is_refused() {
    let (world, supplied) = (World::start(1, &[]), usual());
    assert_eq!(write(&world, &supplied, 1, at(0, 0), &[0]), NtStatus::INVALID_PARAMETER);
    world.pf.set_vf_power(0, 4, &world.host).unwrap();
    assert_eq!(write(&world, &supplied, 0, at(0, 0), &[0]), NtStatus::INVALID_DEVICE_STATE);
    assert_eq!(read(&world, &supplied, 0, at(0, 0), 2), (NtStatus::INVALID_DEVICE_STATE, vec![0; 2]));
    world.pf.set_vf_power(0, 1, &world.host).unwrap();
    assert_eq!(write(&world, &supplied, 0, at(0, 0), &[0]), NtStatus::SUCCESS);
    assert!(world.pf.stop(u64::MAX, &world.host));
    assert_eq!(write(&world, &supplied, 0, at(0, 0), &[0]), NtStatus::DEVICE_NOT_READY);
}

#[test]
fn ihvs_error_is_the_answer_and_what_is_no_answer_is_an_internal_error() {
    let world = World::start(1, &[]);
    for (answer, expected) in [
        (NtStatus::ACCESS_DENIED, NtStatus::ACCESS_DENIED),
        (NtStatus::PENDING, NtStatus::INTERNAL_ERROR),
        (NtStatus::SUCCESS, NtStatus::INTERNAL_ERROR),
    ] {
        let supplied = Supplied { answer: Err(answer), ..usual() };
        assert_eq!(write(&world, &supplied, 0, at(0, 0), &[0]), expected);
        assert_eq!(read(&world, &supplied, 0, at(0, 0), 2), (expected, vec![0; 2]), "no bytes of a failure");
    }
}

#[test]
fn access_of_an_earlier_life_has_no_answer() {
    let (world, supplied) = (World::start(1, &[]), usual());
    *supplied.open.0.lock().unwrap() = false;
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| read(&world, &supplied, 0, at(0, 0), 4));
        while supplied.log.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        world.pf.reset_vf(0, &world.host).unwrap();
        *supplied.open.0.lock().unwrap() = true;
        supplied.open.1.notify_all();
        assert_eq!(inside.join().unwrap(), (NtStatus::DEVICE_NOT_READY, vec![0; 4]));
    });
}

#[test]
fn access_waits_for_a_block_call_of_its_vf_no_longer_than_the_time_budget() {
    let blocking = super::host::Blocking::leak();
    let block = Schema::written(BlockId::new(1)).length(4).build().unwrap();
    let (world, supplied) = (World::start(1, &[(block, Some(blocking))]), usual());
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| world.write(0, 1, &[1; 4]));
        blocking.await_inside(1);
        let answer = world.out_of_time(|| write(&world, &supplied, 0, at(0, 0), &[0]));
        assert_eq!(answer, NtStatus::IO_TIMEOUT);
        blocking.open();
        assert_eq!(inside.join().unwrap(), NtStatus::SUCCESS);
    });
    assert_eq!(supplied.log(), [], "it never got in");
}

#[test]
fn stop_awaits_an_access_that_is_inside_and_no_longer_than_told() {
    let (world, supplied) = (World::start(1, &[]), usual());
    *supplied.open.0.lock().unwrap() = false;
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| write(&world, &supplied, 0, at(0, 0), &[7]));
        while supplied.log.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        assert!(!world.pf.stop(0, &world.host), "one access is inside");
        *supplied.open.0.lock().unwrap() = true;
        supplied.open.1.notify_all();
        assert!(world.pf.stop(u64::MAX, &world.host));
        assert_eq!(inside.join().unwrap(), NtStatus::SUCCESS);
    });
}

/// Says for each write that the ranges of VF 1 have changed.
struct Announcing;

impl BlockHandler for Announcing {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        if let [1] = block {
            call.update_mitigated_ranges(call.vf().index);
        }
        Ok(())
    }
}

#[test]
fn change_of_ranges_is_a_mark_of_its_vf_that_is_taken_once() {
    let block = Schema::written(BlockId::new(1)).length(1).build().unwrap();
    let (world, supplied) = (World::start(2, &[(block, Some(&Announcing))]), usual());
    assert!(!world.pf.has_range_updates());
    assert_eq!(world.write(1, 1, &[1]), NtStatus::SUCCESS);
    assert!(world.pf.has_range_updates());
    world.pf.begin_range_updates();
    assert!(!world.pf.has_range_updates());
    assert!(!world.pf.take_range_update(world.vf(0)));
    assert!(world.pf.take_range_update(world.vf(1)));
    assert!(!world.pf.take_range_update(world.vf(1)));
    assert_eq!(write(&world, &supplied, 0, at(0, 0), &[0xDD]), NtStatus::SUCCESS);
    assert!(world.pf.has_range_updates(), "an access can change them too");
    assert!(world.pf.take_range_update(world.vf(0)));
}

#[test]
fn detach_drops_the_marks() {
    let world = World::start(
        1,
        &[(Schema::written(BlockId::new(1)).length(1).build().unwrap(), Some(Recording::leak()))],
    );
    world.pf.update_mitigated_ranges(world.vf(0));
    world.pf.drop_range_updates();
    assert!(!world.pf.take_range_update(world.vf(0)));
}
