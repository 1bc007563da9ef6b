//! Exceptions of an image: raised, filtered, handled, and what ends a run all the same.

mod driver;

use parent_partition::judge::Rule;
use parent_partition::pnp::{self, DriverRef};
use parent_partition::{invoke, scenario};

fn image() -> DriverRef {
    pnp::boot();
    pnp::load_driver("exceptions", &driver::build("exceptions.c")).expect("a loadable image")
}

macro_rules! run {
    ($name:literal $(, $argument:expr)*) => {{
        let driver = image();
        invoke!(driver.image().exported($name).expect($name); $($argument),*) as u32
    }};
}

macro_rules! answers {
    ($($sentence:ident: $name:literal $(($argument:expr))? answers $answer:expr;)+) => { $(
        #[test]
        fn $sentence() {
            scenario!(|| assert_eq!(run!($name $(, $argument)?), $answer)).expect_clean();
        }
    )+ };
}

answers! {
    a_raise_reaches_its_handler: "RaisesAStatus" answers UNSUCCESSFUL;
    a_raise_passes_frames_without_a_handler: "RaisesDeepInside" answers NOT_FOUND;
    a_filter_that_refuses_passes_it_on: "PassesToTheOuterHandler" answers NOT_FOUND;
    the_end_of_an_inner_block_runs_before_the_handler: "RunsFinallyBeforeTheHandler" answers 12;
    the_end_of_a_block_runs_without_an_exception: "RunsFinallyWithoutAnException" answers 34;
    a_function_goes_on_after_its_handler: "GoesOnAfterTheHandler" answers 4950;
    a_read_of_a_user_address_is_an_access_violation: "ReadsAUserAddress" answers 1;
    a_write_to_a_user_address_is_an_access_violation: "WritesAUserAddress" answers 1;
    a_copy_from_a_user_address_is_an_access_violation: "CopiesFromAUserAddress" answers 1;
    a_division_by_zero_reaches_its_handler: "Divides"(0_u32) answers 0xC000_0094;
    a_division_that_succeeds_raises_nothing: "Divides"(5_u32) answers 20;
    a_filter_can_mend_and_continue: "MendsAndContinues" answers 7;
    a_probe_of_what_is_not_aligned_raises: "ProbesWhatIsNotAligned" answers MISALIGNMENT;
    a_probe_of_a_kernel_address_raises: "ProbesAKernelAddress" answers ACCESS_VIOLATION;
    a_probe_to_write_where_nothing_is_raises: "ProbesToWriteWhereNothingIs" answers ACCESS_VIOLATION;
    an_access_violation_can_be_raised: "RaisesTheKernelsOwn"(0_u32) answers ACCESS_VIOLATION;
    a_misalignment_can_be_raised: "RaisesTheKernelsOwn"(1_u32) answers MISALIGNMENT;
}

#[test]
fn optimised_code_is_handled_too() {
    scenario!(|| {
        pnp::boot();
        let image = driver::build_with("exceptions.c", &["-O2"], &[]);
        let driver = pnp::load_driver("optimised", &image).expect("a loadable image");
        let run = |name| invoke!(driver.image().exported(name).expect(name); 0_u32) as u32;
        assert_eq!(run("RaisesDeepInside"), NOT_FOUND);
        assert_eq!(run("PassesToTheOuterHandler"), NOT_FOUND);
        assert_eq!(run("RunsFinallyBeforeTheHandler"), 12);
        assert_eq!(run("GoesOnAfterTheHandler"), 4950);
        assert_eq!(run("ReadsAUserAddress"), 1);
        assert_eq!(run("MendsAndContinues"), 7);
    })
    .expect_clean();
}

macro_rules! ends {
    ($($sentence:ident: $name:literal breaks $rule:ident calling $call:literal in $at:literal;)+) => { $(
        #[test]
        fn $sentence() {
            let verdict = scenario!(|| _ = run!($name));
            let report = verdict.expect_broken(Rule::$rule);
            assert_eq!((report.call(), report.at()), ($call, Some($at)), "{}", report.to_json());
        }
    )+ };
}

ends! {
    a_status_that_nothing_handles: "RaisesForNobody" breaks Exception calling "ExRaiseStatus" in "raise";
    a_status_that_every_filter_refuses: "RaisesPastARefusal" breaks Exception calling "ExRaiseStatus" in "raise";
    a_raised_status_that_is_continued:
        "ContinuesWhatCannotBe" breaks Exception calling "ExRaiseStatus" in "raise";
    a_handler_does_not_hide_a_read_of_freed_pool:
        "HandlesABadReadOfThePool" breaks Access calling "" in "read";
    a_handler_does_not_help_at_dispatch_level:
        "HandlesABadReadAtDispatchLevel" breaks Access calling "" in "read";
}

const UNSUCCESSFUL: u32 = 0xC000_0001;
const NOT_FOUND: u32 = 0xC000_0225;
const ACCESS_VIOLATION: u32 = 0xC000_0005;
const MISALIGNMENT: u32 = 0x8000_0002;
