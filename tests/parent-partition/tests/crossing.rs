//! Calls into an image and out of it, nested, with every register and argument where it belongs.

#![expect(non_snake_case, reason = "routines have the names that images import")]

mod image;

use parent_partition::image::{Export, Image};
use parent_partition::judge::Rule;
use parent_partition::machine::{self, deepest_stacks, irql, thread};
use parent_partition::{invoke, scenario};

unsafe extern "win64" fn TenArguments(
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
    i: u64,
    j: u64,
) -> u64 {
    [a, b, c, d, e, f, g, h, i, j].iter().fold(0, |sum, digit| sum * 11 + digit)
}

unsafe extern "win64" fn CallBack(function: usize, argument: u64) -> u64 {
    invoke!(function; argument)
}

unsafe extern "win64" fn RaiseOnly() {
    irql::raise(irql::DISPATCH_LEVEL);
}

unsafe extern "win64" fn EnterOnly() {
    machine::enter_critical_region();
}

fn crossing() -> &'static Image {
    image::loaded("crossing.c", routines())
}

fn routines() -> [Export; 4] {
    [routine!(TenArguments, 6), routine!(CallBack, 0), routine!(RaiseOnly, 0), routine!(EnterOnly, 0)]
}

#[test]
fn a_call_passes_register_and_stack_arguments_in_order() {
    scenario!(|| {
        let image = crossing();
        assert_eq!(invoke!(image.entry(); 3u64, 4u64), 7);
        assert_eq!(run_exported!(image, "Digits", 1, 2, 3, 4, 5, 6, 7), 7_654_321);
    })
    .expect_clean();
}

#[test]
fn a_call_out_passes_ten_arguments_in_order() {
    scenario!(|| {
        let expected = (1..=10).fold(0, |sum, digit| sum * 11 + digit) + 1;
        assert_eq!(run_exported!(crossing(), "CallOut", 1), expected);
    })
    .expect_clean();
}

#[test]
fn nested_calls_return_each_to_its_own_frame() {
    scenario!(|| assert_eq!(run_exported!(crossing(), "Nest", 20), 3 * (20 * 21 / 2))).expect_clean();
}

#[test]
fn threads_cross_at_the_same_time_each_on_its_own_stack() {
    scenario!(|| {
        let nest = crossing().exported("Nest").expect("an export");
        let count_down = move || (0..2000).map(|_| invoke!(nest; 10)).sum::<u64>();
        let threads: Vec<_> =
            (0..8).map(|_| thread::spawn("crosser", count_down).expect("a thread")).collect();
        for crosser in threads {
            assert_eq!(crosser.join(), 2000 * 3 * (10 * 11 / 2));
        }
    })
    .expect_clean();
}

#[test]
fn registers_an_image_keeps_survive_a_call_out() {
    scenario!(|| assert_eq!(run_exported!(crossing(), "KeepsRegisters"), 0)).expect_clean();
}

#[test]
fn the_high_water_mark_counts_the_image_only() {
    scenario!(|| {
        let image = crossing();
        let after = |name: &'static str, argument: u64| {
            let image = image.exported(name).expect(name);
            let ended = thread::spawn(name, move || invoke!(image; argument)).expect("a thread").join();
            let used = deepest_stacks().iter().find(|used| used.thread == name).expect(name).bytes;
            (ended, used)
        };
        let (_, shallow) = after("CurrentThread", 0);
        assert!(shallow <= 64, "{shallow}");
        let (value, deep) = after("DeepFrame", 1999);
        assert_eq!(value, 1999 % 256);
        assert!((2000..2200).contains(&deep), "{deep}");
    })
    .expect_clean();
}

#[test]
fn an_image_finds_its_thread_at_gs_and_each_thread_has_its_own() {
    scenario!(|| {
        let function = crossing().exported("CurrentThread").expect("an export");
        let here = invoke!(function);
        assert_eq!(here, machine::current_thread().addr() as u64);
        let there =
            thread::spawn("other", move || (invoke!(function), machine::current_thread().addr() as u64));
        let (seen, own) = there.expect("a thread").join();
        assert_eq!(seen, own);
        assert_ne!(seen, here);
    })
    .expect_clean();
}

#[test]
fn a_thunk_is_called_alike_from_an_image_and_from_the_simulator() {
    unsafe extern "win64" fn Triple(value: u64) -> u64 {
        value * 3
    }
    scenario!(|| {
        let thunk = machine::thunk::make("Triple", Triple as *const () as usize, 0);
        assert_eq!(thunk, machine::thunk::make("Triple", Triple as *const () as usize, 0));
        assert_eq!(invoke!(thunk; 5), 15);
        assert_eq!(run_exported!(crossing(), "ThroughPointer", thunk, 5), 16);
    })
    .expect_clean();
}

#[test]
fn a_callback_that_returns_raised_is_named() {
    let verdict = scenario!(|| _ = run_exported!(crossing(), "ReturnsRaised"));
    let report = verdict.expect_broken(Rule::ReturnedIrql);
    assert_eq!(report.at(), Some("ReturnsRaised"));
    assert_eq!(report.detail(), "called at IRQL 0, returned at 2");
}

#[test]
fn a_callback_that_returns_in_a_critical_region_is_named() {
    let verdict = scenario!(|| _ = run_exported!(crossing(), "ReturnsInCriticalRegion"));
    assert_eq!(verdict.expect_broken(Rule::CriticalRegion).at(), Some("ReturnsInCriticalRegion"));
}

#[test]
fn a_pointer_that_is_no_code_is_not_called() {
    let verdict = scenario!(|| _ = invoke!(0x1234_5678_0000_usize));
    assert_eq!(verdict.expect_broken(Rule::BadCallback).at(), None);
}

#[test]
fn a_pointer_that_is_no_code_is_the_only_images() {
    let verdict = scenario!(|| {
        crossing();
        invoke!(0x1234_5678_0000_usize);
    });
    assert_eq!(verdict.expect_broken(Rule::BadCallback).to_json()["image"], "crossing.sys");
}
