//! What an image built with the WDK relies on: shared data, CR8, a security cookie, control flow guard.

mod driver;

use std::path::PathBuf;

use parent_partition::judge::Rule;
use parent_partition::pnp::{self, DriverRef};
use parent_partition::{invoke, scenario};

fn plain() -> PathBuf {
    driver::build("kernel_only.c")
}

fn guarded() -> PathBuf {
    driver::build_with("guarded.c", &["-fstack-protector-all", "-Xclang", "-cfguard"], &["/guard:cf"])
}

fn loaded(image: PathBuf) -> DriverRef {
    pnp::boot();
    pnp::load_driver("image", &image).expect("a loadable image")
}

macro_rules! run {
    ($driver:expr, $name:literal $(, $argument:expr)*) => {
        invoke!($driver.image().exported($name).expect($name); $($argument),*)
    };
}

macro_rules! answers {
    ($($sentence:ident: $build:ident $name:literal $(($argument:expr))? answers $answer:expr;)+) => { $(
        #[test]
        fn $sentence() {
            scenario!(|| assert_eq!(run!(loaded($build()), $name $(, $argument)?) as u32, $answer)).expect_clean();
        }
    )+ };
}

answers! {
    shared_data_have_the_systems_version: plain "ReadsTheVersion" answers 100_022_621;
    shared_data_are_read_in_every_size: plain "ReadsByEachSize" answers 1;
    shared_data_are_compared_and_tested: plain "ComparesAndTests" answers 1;
    shared_data_have_the_kernels_clocks: plain "ReadsTheClocks" answers 1;
    the_processor_has_a_number: plain "ReadsTheProcessorsNumber" answers 0;
    cr8_is_the_level: plain "MovesTheLevel" answers 1;
    a_dpc_runs_when_cr8_lowers_the_level: plain "RunsADpcWhenItLowers" answers 1;
    a_buffer_that_is_not_overrun_passes_its_check: guarded "FillsABuffer"(32_u32) answers 16;
    a_listed_function_is_called_with_its_arguments: guarded "CallsAFunction" answers 54_324;
    a_kernel_routine_is_called_through_a_pointer: guarded "CallsAKernelRoutine" answers 0;
    a_checked_function_keeps_the_callers_registers: guarded "ChecksAFunction"(0_u64) answers 77;
}

macro_rules! ends {
    ($($sentence:ident: $build:ident $name:literal $(($argument:expr))? breaks $rule:ident in $at:literal, $detail:literal;)+) => { $(
        #[test]
        fn $sentence() {
            let verdict = scenario!(|| _ = run!(loaded($build()), $name $(, $argument)?));
            let report = verdict.expect_broken(Rule::$rule);
            assert_eq!((report.call(), report.at()), ("", Some($at)), "{}", report.to_json());
            assert!(report.detail().contains($detail), "{}", report.to_json());
        }
    )+ };
}

ends! {
    shared_data_are_not_written: plain "WritesSharedData" breaks Access in "WritesSharedData", "write";
    shared_data_end_where_they_end: plain "ReadsBehindSharedData" breaks Access in "ReadsBehindSharedData", "read";
    cr8_takes_four_bits: plain "SetsNoLevel" breaks Exception in "set_level", "0x10 is moved to CR8";
    cr8_is_not_lowered_with_a_lock: plain "LowersWithALock" breaks SpinLock in "set_level", "spin lock";
    a_level_set_by_cr8_is_taken_back: plain "ReturnsRaised" breaks ReturnedIrql in "ReturnsRaised", "returned at 1";
    an_overrun_is_found_by_the_cookie: guarded "FillsABuffer"(72_u32) breaks Bugcheck in "report_failure", "code 2";
    a_call_into_the_middle_of_a_function_is_stopped:
        guarded "CallsIntoAFunction" breaks BadCallback in "CallsIntoAFunction", "no function that it lists";
    a_call_of_data_is_stopped: guarded "CallsData" breaks BadCallback in "CallsData", "no code";
    a_check_of_the_middle_of_a_function_stops:
        guarded "ChecksAFunction"(4_u64) breaks BadCallback in "ChecksAFunction", "no function that it lists";
}

#[test]
fn every_image_has_a_cookie_of_its_own() {
    scenario!(|| {
        let image = guarded();
        pnp::boot();
        let drivers =
            ["first", "second"].map(|name| pnp::load_driver(name, &image).expect("a loadable image"));
        let [first, second] = drivers.each_ref().map(|driver| run!(driver, "Cookie"));
        assert_ne!(first, second);
        assert!([first, second].iter().all(|cookie| *cookie != 0 && *cookie >> 48 == 0));
    })
    .expect_clean();
}
