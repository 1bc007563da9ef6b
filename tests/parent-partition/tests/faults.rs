//! What an image does wrong is caught, and blamed on the function that did it.

#![expect(non_snake_case, reason = "routines have the names that images import")]

mod image;

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};

use parent_partition::image::{Export, Image};
use parent_partition::judge::{Rule, for_caller, violation};
use parent_partition::memory::{self, Fill as Content, Pool};
use parent_partition::nt::debug::{self, Debugger};
use parent_partition::supervisor::Report;
use parent_partition::{invoke, scenario};

const TAG: u32 = u32::from_le_bytes(*b"TstP");

unsafe extern "win64" fn Allocate(size: usize) -> *mut c_void {
    memory::allocate(size, TAG, Pool::NonPaged, Content::Zero).cast()
}

unsafe extern "win64" fn Free(block: *mut c_void) {
    memory::free(block.addr(), Some(TAG));
}

unsafe extern "win64" fn Fill(to: *mut u8, length: usize) {
    // SAFETY: nobody promises that; the touch is on the image's behalf and faults if the image is wrong.
    for_caller(|| unsafe { to.write_bytes(1, length) });
}

unsafe extern "win64" fn ReadItself(from: *const u64) -> u64 {
    // SAFETY: nobody promises that: this routine plays a simulator with a defect.
    unsafe { from.read_volatile() }
}

unsafe extern "win64" fn CallBack(function: usize, argument: u64) -> u64 {
    invoke!(function; argument)
}

unsafe extern "win64" fn Stop() {
    violation(Rule::Bugcheck, "stopped");
}

fn faults() -> &'static Image {
    let routines: [Export; 6] = [
        routine!(Stop, 0),
        routine!(Allocate, 0),
        routine!(Free, 0),
        routine!(Fill, 0),
        routine!(ReadItself, 0),
        routine!(CallBack, 0),
    ];
    image::loaded("faults.c", routines)
}

#[track_caller]
fn expect(report: &Report, call: &str, at: &str, detail: &str) {
    assert_eq!((report.call(), report.at()), (call, Some(at)), "{}", report.to_json());
    assert!(report.detail().contains(detail), "{}", report.to_json());
}

#[test]
fn a_stack_overflow_is_blamed_on_the_function_that_had_no_room() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "Overflows"));
    expect(verdict.expect_broken(Rule::StackOverflow), "", "Recurse", "below the kernel stack");
}

#[test]
fn a_frame_that_steps_over_a_page_of_the_guard_is_a_stack_overflow() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "StepsOverTheGuard"));
    expect(verdict.expect_broken(Rule::StackOverflow), "", "StepsOverTheGuard", "below the kernel stack");
}

#[test]
fn a_stack_used_up_through_nested_kernel_calls_is_the_images() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "OverflowsThroughTheKernel", 0));
    expect(
        verdict.expect_broken(Rule::StackOverflow),
        "",
        "OverflowsThroughTheKernel",
        "below the kernel stack",
    );
}

#[test]
fn a_write_past_a_pool_block_faults_at_once() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "WritesPastTheEnd", 64, 0));
    let detail = "0 bytes past the end of a pool block of 64 bytes, tag TstP";
    expect(verdict.expect_broken(Rule::Access), "", "WritesPastTheEnd", detail);
}

#[test]
fn a_write_into_the_slack_behind_a_block_is_found_when_it_is_freed() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "WritesPastTheEnd", 60, 3));
    let detail = "3 bytes past the end of a pool block of 60 bytes";
    expect(verdict.expect_broken(Rule::PoolOverrun), "Free", "WritesPastTheEnd", detail);
}

#[test]
fn a_write_before_a_block_is_found_when_it_is_freed() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "WritesBeforeTheStart", 64, 5));
    let detail = "5 bytes before a pool block of 64 bytes";
    expect(verdict.expect_broken(Rule::PoolOverrun), "Free", "WritesBeforeTheStart", detail);
}

#[test]
fn a_write_before_a_block_of_a_page_faults_at_once() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "WritesBeforeTheStart", 4096, 1));
    expect(verdict.expect_broken(Rule::Access), "", "WritesBeforeTheStart", "write at");
}

#[test]
fn a_read_of_a_freed_block_is_named_as_that() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "ReadsAfterFree"));
    let detail = "8 bytes into a freed pool block of 64 bytes, tag TstP, freed at faults.sys+";
    expect(verdict.expect_broken(Rule::Access), "", "ReadsAfterFree", detail);
}

#[test]
fn a_block_freed_twice_is_refused() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "FreesTwice"));
    let detail = "at the start of a freed pool block";
    expect(verdict.expect_broken(Rule::BadFree), "Free", "FreesTwice", detail);
}

#[test]
fn an_address_inside_a_block_cannot_be_freed() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "FreesTheMiddle"));
    let detail = "16 bytes into a pool block";
    expect(verdict.expect_broken(Rule::BadFree), "Free", "FreesTheMiddle", detail);
}

#[test]
fn constants_cannot_be_written() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "WritesAConstant"));
    expect(verdict.expect_broken(Rule::Access), "", "WritesAConstant", ".rdata of faults.sys");
}

#[test]
fn a_null_pointer_is_named() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "ReadsNull"));
    expect(verdict.expect_broken(Rule::Access), "", "ReadsNull", "read at 0x8, a null pointer");
}

#[test]
fn an_address_that_is_not_canonical_is_an_access() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "ReadsANonCanonicalAddress"));
    expect(verdict.expect_broken(Rule::Access), "", "ReadsANonCanonicalAddress", "not canonical");
}

#[test]
fn a_call_through_a_null_pointer_is_blamed_on_the_caller() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "CallsNull"));
    expect(verdict.expect_broken(Rule::Access), "", "CallsNull", "jump at 0x0");
}

#[test]
fn a_bad_pointer_given_to_a_routine_is_the_images() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "PassesABadPointer"));
    expect(verdict.expect_broken(Rule::Access), "Fill", "PassesABadPointer", "a null pointer");
}

#[test]
fn a_report_names_the_callers_of_a_call() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "FreesDeepInside"));
    let report = verdict.expect_broken(Rule::BadFree);
    expect(report, "Free", "Inner", "0x0 is no pool block");
    assert_eq!(report.frames(), ["Inner", "Middle", "FreesDeepInside"]);
}

#[test]
fn a_report_names_the_callers_of_a_fault() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "FaultsDeepInside"));
    let report = verdict.expect_broken(Rule::Access);
    expect(report, "", "Touch", "a null pointer");
    assert_eq!(report.frames(), ["Touch", "Middle", "FaultsDeepInside"]);
}

#[test]
fn a_call_that_does_not_return_is_blamed_on_its_own_function() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "StopsAtItsEnd"));
    expect(verdict.expect_broken(Rule::Bugcheck), "Stop", "StopsAtItsEnd", "stopped");
}

#[test]
fn a_block_too_short_for_a_routine_is_the_images() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "PassesAShortBlock"));
    let detail = "0 bytes past the end of a pool block of 16 bytes";
    expect(verdict.expect_broken(Rule::Access), "Fill", "PassesAShortBlock", detail);
}

#[test]
fn a_fault_of_a_routine_itself_is_the_simulators() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "LetsTheKernelRead"));
    let report = verdict.report().expect("a report");
    assert_eq!((report.rule(), verdict.exit_code()), (None, 4), "{}", report.to_json());
    assert_eq!(report.to_json()["in"], "simulator");
}

#[test]
fn a_panic_of_the_simulator_is_the_simulators() {
    let verdict = scenario!(|| panic!("a defect"));
    let report = verdict.report().expect("a report");
    assert_eq!((report.rule(), verdict.exit_code()), (None, 4));
    assert!(report.detail().contains("a defect"));
}

#[test]
fn a_division_by_zero_is_an_exception() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "Divides", 0));
    expect(verdict.expect_broken(Rule::Exception), "", "Divides", "arithmetic");
}

#[test]
fn a_breakpoint_is_an_exception() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "Breaks"));
    expect(verdict.expect_broken(Rule::Exception), "", "Breaks", "breakpoint");
}

#[test]
fn a_breakpoint_is_a_stop_for_a_debugger_that_is_played() {
    static STOPS: AtomicU32 = AtomicU32::new(0);
    scenario!(|| {
        let stopped = || _ = STOPS.fetch_add(1, Ordering::Relaxed);
        debug::attach(Debugger { printed: |_| (), stopped });
        let image = faults();
        run_exported!(image, "Breaks");
        assert_eq!(run_exported!(image, "Divides", 50), 2, "the image goes on");
        assert_eq!(STOPS.load(Ordering::Relaxed), 1);
    })
    .expect_clean();
}

#[test]
fn an_illegal_instruction_is_an_exception() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "IsIllegal"));
    expect(verdict.expect_broken(Rule::Exception), "", "IsIllegal", "illegal instruction");
}

#[test]
fn a_fast_fail_is_a_bugcheck_with_its_code() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "FailsFast", 7));
    expect(verdict.expect_broken(Rule::Bugcheck), "", "FailsFast", "fast fail, code 7");
}

#[test]
fn a_halt_is_an_exception() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "Halts"));
    expect(verdict.expect_broken(Rule::Exception), "", "Halts", "privileged instruction");
}

#[test]
fn a_control_register_is_not_the_images() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "ReadsAControlRegister"));
    expect(verdict.expect_broken(Rule::Exception), "", "ReadsAControlRegister", "privileged instruction");
}

#[test]
fn data_that_are_run_are_blamed_on_who_called_them() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "RunsData"));
    expect(verdict.expect_broken(Rule::Access), "", "RunsData", ".rdata of faults.sys");
}

#[test]
fn a_pool_block_that_is_run_is_blamed_on_who_called_it() {
    let verdict = scenario!(|| _ = run_exported!(faults(), "RunsPool"));
    expect(verdict.expect_broken(Rule::Access), "", "RunsPool", "at the start of a pool block of 16 bytes");
}

#[test]
fn discarded_code_runs_before_and_not_after() {
    let verdict = scenario!(|| {
        let image = faults();
        assert_eq!(run_exported!(image, "CallsDiscardedCode"), 0);
        assert_eq!(invoke!(image.entry(); 1, 2), 3);
        image.discard();
        run_exported!(image, "CallsDiscardedCode");
    });
    let detail = "INIT of faults.sys, which is discarded";
    expect(verdict.expect_broken(Rule::Access), "", "CallsDiscardedCode", detail);
}

#[test]
fn an_unloaded_image_cannot_be_called() {
    let verdict = scenario!(|| {
        let image = faults();
        let function = image.exported("Divides").expect("an export");
        assert_eq!(invoke!(function; 5), 20);
        image.unload();
        invoke!(function; 5);
    });
    expect(verdict.expect_broken(Rule::BadCallback), "", "Divides", "no code that can run");
}
