//! Lists, timers, callback objects and interrupts of the kernel, used by an image, and used wrongly.

mod driver;

use std::ptr::null_mut;

use parent_partition::judge::Rule;
use parent_partition::nt::{callback_object, device, interrupt};
use parent_partition::pnp::{self, DriverRef};
use parent_partition::sys::DEVICE_OBJECT;
use parent_partition::{invoke, scenario};

fn executive() -> DriverRef {
    pnp::boot();
    pnp::load_driver("executive", &driver::build("executive.c")).expect("a loadable image")
}

/// Calls an exported function and returns the line of the first expectation that did not hold, 0 for none.
macro_rules! line_of {
    ($driver:expr, $name:literal $(, $argument:expr)*) => {
        invoke!($driver.image().exported($name).expect($name); $($argument),*) as u32
    };
}

macro_rules! works {
    ($($sentence:ident: $name:literal;)+) => { $(
        #[test]
        fn $sentence() {
            scenario!(|| {
                let driver = executive();
                assert_eq!(line_of!(driver, $name), 0);
                pnp::unload(driver);
            })
            .expect_clean();
        }
    )+ };
}

works! {
    a_sequenced_list_is_last_in_first_out: "UsesASequencedList";
    a_lookaside_list_keeps_blocks_and_frees_the_rest: "UsesALookasideList";
    a_lookaside_list_calls_its_drivers_routines: "GivesALookasideListItsOwnRoutines";
    an_allocated_timer_calls_back_at_dispatch_level: "UsesAnAllocatedTimer";
    an_allocated_timer_can_be_waited_for: "WaitsForAnAllocatedTimer";
    the_deletion_of_a_timer_is_told: "IsToldThatATimerIsDeleted";
    a_callback_object_calls_who_registered_in_order: "UsesACallbackObject";
}

macro_rules! breaks {
    ($($sentence:ident: $name:literal breaks $rule:ident calling $call:literal;)+) => { $(
        #[test]
        fn $sentence() {
            let verdict = scenario!(|| _ = line_of!(executive(), $name));
            let report = verdict.expect_broken(Rule::$rule);
            assert_eq!((report.call(), report.at()), ($call, Some($name)), "{}", report.to_json());
        }
    )+ };
}

breaks! {
    an_entry_is_aligned: "PushesAnEntryThatIsNotAligned" breaks BadParameter calling "ExpInterlockedPushEntrySList";
    a_lookaside_list_is_deleted_once:
        "DeletesALookasideListTwice" breaks ObjectState calling "ExDeleteNPagedLookasideList";
    a_deleted_timer_is_not_set: "SetsADeletedTimer" breaks ObjectState calling "ExSetTimer";
    a_callback_is_unregistered_once:
        "UnregistersACallbackTwice" breaks ObjectState calling "ExUnregisterCallback";
}

macro_rules! leaks {
    ($($sentence:ident: $name:literal leaves $what:literal;)+) => { $(
        #[test]
        fn $sentence() {
            let verdict = scenario!(|| {
                let driver = executive();
                line_of!(driver, $name);
                pnp::unload(driver);
            });
            let report = verdict.expect_broken(Rule::Leak);
            assert_eq!(report.at(), Some($name), "{}", report.to_json());
            assert!(report.detail().contains($what), "{}", report.to_json());
        }
    )+ };
}

leaks! {
    a_lookaside_list_is_deleted_before_unload: "LeavesALookasideList" leaves "lookaside list";
    an_allocated_timer_is_deleted_before_unload: "LeavesATimer" leaves "allocated timer";
    a_callback_is_unregistered_before_unload: "ListensForPower" leaves "registered callback";
}

#[test]
fn who_listens_is_told_of_the_systems_power() {
    scenario!(|| {
        let driver = executive();
        assert_eq!(line_of!(driver, "ListensForPower"), 0);
        callback_object::notify_power_state(false);
        assert_eq!(line_of!(driver, "WasTold"), 10);
        callback_object::notify_power_state(true);
        assert_eq!(line_of!(driver, "WasTold"), 111);
        assert_eq!(line_of!(driver, "StopsListening"), 0);
        callback_object::notify_power_state(false);
        assert_eq!(line_of!(driver, "WasTold"), 111);
    })
    .expect_clean();
}

#[test]
fn a_service_routine_runs_at_its_devices_level_under_its_lock() {
    scenario!(|| {
        let driver = executive();
        assert_eq!(line_of!(driver, "ConnectsAnInterrupt", any_device(&driver), DEVICE_LEVEL), 0);
        assert!(!interrupt::arrive(0x61), "nobody listens to that vector");
        assert!(interrupt::arrive(0x60));
        assert_eq!(line_of!(driver, "WasInterrupted"), 0);
        assert_eq!(line_of!(driver, "Disconnects"), 0);
        assert!(!interrupt::arrive(0x60), "it is disconnected");
    })
    .expect_clean();
}

#[test]
fn a_service_routine_runs_above_dispatch_level() {
    let verdict = scenario!(|| {
        let driver = executive();
        line_of!(driver, "ConnectsAnInterrupt", any_device(&driver), 2_u8);
    });
    assert_eq!(verdict.expect_broken(Rule::BadParameter).call(), "IoConnectInterruptEx");
}

fn any_device(driver: &DriverRef) -> *mut DEVICE_OBJECT {
    let mut made = null_mut();
    // SAFETY: the driver object is live and the pointer writable.
    let status = unsafe { device::IoCreateDevice(driver.object(), 0, null_mut(), 0x22, 0, 0, &raw mut made) };
    assert_eq!(status, 0);
    made
}

const DEVICE_LEVEL: u8 = 9;
