//! The machine's processors: how many threads are at DISPATCH_LEVEL at once, and what becomes of those below.

mod driver;

use std::sync::atomic::{AtomicU32, Ordering};

use parent_partition::judge::Rule;
use parent_partition::machine::{irql, processor, thread, wait};
use parent_partition::nt::system;
use parent_partition::pnp::{self, DriverRef};
use parent_partition::{invoke, scenario};

fn loaded() -> DriverRef {
    pnp::boot();
    pnp::load_driver("processors", &driver::build("processors.c")).expect("a loadable image")
}

/// Lets eight threads be at DISPATCH_LEVEL as often as they can, and says how many were at once at most.
fn most_at_once() -> u32 {
    static THERE: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    let visit = || {
        for _ in 0..50 {
            irql::at(irql::DISPATCH_LEVEL, || {
                MOST.fetch_max(THERE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // SAFETY: no place for the number is given.
                let number = unsafe { system::KeGetCurrentProcessorNumberEx(std::ptr::null_mut()) };
                assert!(number < processor::count(), "processor {number}");
                wait::sleep(std::time::Duration::from_micros(50));
                THERE.fetch_sub(1, Ordering::SeqCst);
            });
        }
    };
    let threads: Vec<_> = (0..8).map(|_| thread::spawn("visitor", visit).expect("a thread")).collect();
    threads.into_iter().for_each(thread::JoinHandle::join);
    MOST.load(Ordering::SeqCst)
}

#[test]
fn two_threads_are_at_dispatch_level_at_once_and_no_third() {
    scenario!(|| assert_eq!(most_at_once(), 2)).expect_clean();
}

#[test]
fn machine_of_one_processor_has_one_thread_at_dispatch_level() {
    scenario!(|| {
        processor::limit(1);
        assert_eq!(most_at_once(), 1);
    })
    .expect_clean();
}

#[test]
fn lock_that_is_held_at_dispatch_level_comes_to_all() {
    scenario!(|| {
        let driver = loaded();
        let turns = invoke!(driver.image().exported("HoldsTheLockRaised").expect("exported")) as u32;
        assert_eq!(turns, 3);
        pnp::unload(driver);
    })
    .expect_clean();
}

#[test]
fn thread_that_holds_a_lock_below_dispatch_level_is_preempted_by_those_who_wait_for_it() {
    let verdict = scenario!(|| {
        invoke!(loaded().image().exported("HoldsTheLockUnraised").expect("exported"));
    });
    let report = verdict.expect_broken(Rule::Deadlock);
    assert_eq!(report.at(), Some("wait_for_the_lock"), "{}", report.to_json());
}
