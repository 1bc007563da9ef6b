//! Kernel threads: their IRQL, their critical regions, their end.

use parent_partition::judge::{self, Rule};
use parent_partition::machine::{self, irql, thread};
use parent_partition::scenario;

#[test]
fn a_thread_starts_at_passive_level_whatever_its_maker_does() {
    scenario!(|| {
        let seen = irql::at(irql::DISPATCH_LEVEL, || {
            judge::irql_exactly(irql::DISPATCH_LEVEL);
            thread::spawn("lower", irql::current).expect("a thread")
        });
        assert_eq!((seen.join(), irql::current()), (irql::PASSIVE_LEVEL, irql::PASSIVE_LEVEL));
    })
    .expect_clean();
}

#[test]
fn raising_to_a_lower_level_is_refused() {
    let verdict = scenario!(|| {
        irql::raise(irql::DISPATCH_LEVEL);
        irql::raise(irql::APC_LEVEL);
    });
    assert_eq!(verdict.expect_broken(Rule::Irql).detail(), "raised from IRQL 2 to 1");
}

#[test]
fn lowering_to_a_higher_level_is_refused() {
    let verdict = scenario!(|| irql::lower(irql::APC_LEVEL));
    assert_eq!(verdict.expect_broken(Rule::Irql).detail(), "lowered from IRQL 0 to 1");
}

#[test]
fn a_level_that_does_not_exist_is_refused() {
    let verdict = scenario!(|| _ = irql::raise(irql::HIGH_LEVEL + 1));
    verdict.expect_broken(Rule::Irql);
}

#[test]
fn a_routine_called_above_its_level_is_refused() {
    let verdict = scenario!(|| {
        irql::at(irql::APC_LEVEL, || judge::irql_at_most(irql::APC_LEVEL));
        irql::at(irql::DISPATCH_LEVEL, || judge::irql_at_most(irql::APC_LEVEL));
    });
    assert_eq!(verdict.expect_broken(Rule::Irql).detail(), "called at IRQL 2, allowed at most 1");
}

#[test]
fn a_critical_region_is_entered_before_it_is_left() {
    let verdict = scenario!(|| {
        machine::enter_critical_region();
        machine::leave_critical_region();
        assert_eq!(machine::critical_region_depth(), 0);
        machine::leave_critical_region();
    });
    verdict.expect_broken(Rule::CriticalRegion);
}

#[test]
fn a_thread_that_ends_raised_is_a_defect_of_the_simulator() {
    let verdict = scenario!(|| {
        thread::spawn("raised", || _ = irql::raise(irql::DISPATCH_LEVEL)).expect("a thread").join();
    });
    assert_eq!(verdict.exit_code(), 4);
}
