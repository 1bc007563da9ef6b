//! The NT seam under a WDM driver without a framework: stack, IRPs, cancellation, power, removal, and mistakes of each kind.

#[path = "../driver/mod.rs"]
mod driver;
mod imports;
mod machine;
mod power;

use machine::{CLASS, FUNCTION, METHOD_NEITHER, METHOD_OUT_DIRECT, Machine, SOON, code, control};
use parent_partition::judge::Rule;
use parent_partition::nt::control::Control;
use parent_partition::nt::{device_interface, file, status};
use parent_partition::pnp;
use parent_partition::scenario;

#[test]
fn a_driver_lives_from_load_to_unload_and_leaves_nothing() {
    scenario!(|| Machine::started().end()).expect_clean();
}

#[test]
fn a_buffered_request_brings_its_output_back() {
    scenario!(|| {
        let machine = Machine::started();
        let (outcome, data) = control(0, &[1, 2, 3], 2).run(machine.file);
        assert_eq!((outcome.status, outcome.information), (status::SUCCESS, 3));
        assert_eq!(data, [2, 3]);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_request_nobody_knows_is_refused() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(machine.story(0x7F), (status::INVALID_DEVICE_REQUEST, Vec::new()));
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_pended_request_ends_when_the_driver_completes_it() {
    scenario!(|| {
        let machine = Machine::started();
        let (parked, _) = control(2, &[], 0).send(machine.file);
        assert_eq!((parked.dispatched(), parked.outcome()), (status::PENDING, None));
        assert_eq!(machine.story(3).0, status::SUCCESS);
        assert_eq!(parked.finish_within(SOON).status, status::SUCCESS);
        assert!(!parked.cancel(), "an ended request cannot be cancelled");
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_pended_request_ends_when_it_is_cancelled() {
    scenario!(|| {
        let machine = Machine::started();
        let (parked, _) = control(2, &[], 0).send(machine.file);
        assert!(parked.cancel());
        assert_eq!(parked.finish_within(SOON).status, status::CANCELLED);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_request_cancelled_before_it_is_sent_is_not_kept() {
    scenario!(|| {
        let machine = Machine::started();
        let prepared = control(2, &[], 0).prepare(machine.file);
        let sent = prepared.request.cancelled().send();
        assert_eq!(sent.finish_within(SOON).status, status::CANCELLED);
        machine.end();
    })
    .expect_clean();
}

macro_rules! stories {
    ($($name:ident: $story:literal answers $answer:expr;)+) => { $(
        #[test]
        fn $name() {
            scenario!(|| {
                let machine = Machine::started();
                assert_eq!(machine.story($story), (status::SUCCESS, Vec::from($answer)));
                machine.end();
            })
            .expect_clean();
        }
    )+ };
}

stories! {
    the_hardware_key_holds_the_number_of_vfs: 1 answers [5, 0, 0, 0];
    a_system_thread_runs_and_is_waited_for: 4 answers [0; 4];
    a_system_thread_can_end_itself: 22 answers [1, 0, 0, 0];
    a_work_item_runs_on_a_thread_of_its_own: 5 answers [0; 4];
    a_timer_queues_its_dpc_at_dispatch_level: 6 answers [0; 4];
    mutexes_hold_off_apcs: 7 answers [0; 4];
    a_driver_asks_its_own_stack_with_a_built_irp: 8 answers [5, 0, 0, 0];
    a_driver_asks_the_bus_with_its_own_irp: 9 answers [1, 0, 0, 0];
    a_driver_reuses_an_irp_of_its_own_memory: 10 answers [2, 0, 0, 0];
    a_power_irp_asked_for_at_dispatch_level_is_sent_below_it: 11 answers [0; 4];
    a_rundown_waits_for_the_last_use: 12 answers [1, 0, 0, 0];
    strings_are_converted_and_back: 13 answers [0x67, 0x12, 0, 0];
    a_key_is_made_filled_emptied_and_deleted: 14 answers [8, 0, 0, 0];
    a_device_is_found_by_its_interface: 15 answers [0; 4];
}

#[test]
fn a_direct_request_has_its_output_described() {
    scenario!(|| {
        let machine = Machine::started();
        let request = Control { code: code(16) | METHOD_OUT_DIRECT, ..control(16, &[5], 3) };
        let (outcome, data) = request.run(machine.file);
        assert_eq!((outcome.status, data), (status::SUCCESS, vec![5, 6, 7]));
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_neither_request_has_both_buffers_as_they_are() {
    scenario!(|| {
        let machine = Machine::started();
        let request = Control { code: code(17) | METHOD_NEITHER, ..control(17, &[9, 8, 7], 3) };
        let (outcome, data) = request.run(machine.file);
        assert_eq!((outcome.status, data), (status::SUCCESS, vec![9, 8, 7]));
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_device_stops_and_starts_while_its_file_is_open() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(pnp::query_stop(&machine.device), status::SUCCESS);
        assert_eq!(pnp::cancel_stop(&machine.device), status::SUCCESS);
        assert_eq!(pnp::query_stop(&machine.device), status::SUCCESS);
        assert_eq!(pnp::stop(&machine.device), status::SUCCESS);
        assert!(status::is_success(pnp::start(&machine.device)));
        assert_eq!(machine.story(1), (status::SUCCESS, vec![5, 0, 0, 0]));
        machine.end();
    })
    .expect_clean();
}

#[test]
fn an_open_device_is_not_asked_whether_it_can_be_removed() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(pnp::query_remove(&machine.device), status::DEVICE_BUSY);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_device_that_is_gone_is_removed_after_its_last_file() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(pnp::surprise_remove(&machine.device), status::SUCCESS);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_driver_can_be_loaded_again_and_again() {
    scenario!(|| {
        let image = driver::build("wdm.c");
        for _ in 0..50 {
            Machine::of(&image).end();
        }
    })
    .expect_clean();
}

#[test]
fn two_drivers_share_a_stack() {
    scenario!(|| {
        pnp::boot();
        let image = driver::build("wdm.c");
        let drivers = ["lower", "upper"].map(|name| pnp::load_driver(name, &image).expect("it loads"));
        let device = pnp::add_device_stack(&drivers.each_ref(), FUNCTION).expect("both add a device");
        assert!(status::is_success(pnp::start(&device)));
        let path = device_interface::enabled_of(&CLASS).pop().expect("the interface is enabled");
        let file = file::open_path(&path).expect("the device opens");
        let (outcome, data) = control(0, &[1], 1).run(file);
        assert_eq!((outcome.status, data), (status::SUCCESS, vec![2]));
        file::close_handle(file);
        pnp::remove(device);
        drivers.into_iter().for_each(pnp::unload);
    })
    .expect_clean();
}

macro_rules! mistakes {
    ($($name:ident: $story:literal breaks $rule:ident calling $call:literal in $at:expr;)+) => { $(
        #[test]
        fn $name() {
            let verdict = scenario!(|| {
                let machine = Machine::started();
                let (sent, _) = control($story, &[0; 16], 4).send(machine.file);
                sent.cancel();
                sent.finish_within(SOON);
                machine.end();
            });
            let report = verdict.expect_broken(Rule::$rule);
            let at: Option<&str> = $at;
            assert_eq!((report.call(), report.at()), ($call, at), "{}", report.to_json());
        }
    )+ };
}

mistakes! {
    an_irp_is_not_freed_while_a_driver_has_it:
        0x20 breaks ObjectState calling "IoFreeIrp" in Some("free_in_flight");
    a_dispatch_routine_returns_the_status_it_completed_with:
        0x21 breaks IrpPending calling "" in Some("control");
    an_irp_is_sent_without_its_cancel_routine:
        0x22 breaks CancelRoutine calling "IofCallDriver" in Some("pass_down_with_cancel_routine");
    a_drivers_own_irp_is_taken_back:
        0x23 breaks IrpStack calling "IofCallDriver" in Some("never_taken_back");
    an_event_stays_where_it_was_made:
        0x24 breaks HandleType calling "KeSetEvent" in Some("move_event");
    an_interface_is_disabled_before_the_device_goes:
        0x25 breaks Leak calling "" in None;
    a_cancel_routine_releases_the_cancel_lock:
        0x26 breaks ReturnedIrql calling "" in Some("keep_cancel_lock");
    a_work_item_is_freed_once:
        0x27 breaks ObjectState calling "IoFreeWorkItem" in Some("free_item_twice");
    a_remove_lock_is_released_once:
        0x28 breaks Reference calling "IoReleaseRemoveLockEx" in Some("release_lock_twice");
    a_use_of_a_remove_lock_is_given_back:
        0x30 breaks Reference calling "IoReleaseRemoveLockAndWaitEx" in Some("remove_device");
    a_file_object_is_given_back:
        0x29 breaks Leak calling "" in None;
    a_file_object_stays_while_it_is_open:
        0x2A breaks Reference calling "ObfDereferenceObject" in Some("drop_file_object");
    a_device_is_detached_once:
        0x2B breaks ObjectState calling "IoDetachDevice" in Some("detach_twice");
    wide_text_is_printed_at_passive_level:
        0x2C breaks Irql calling "DbgPrint" in Some("print_wide_at_dispatch");
    a_device_extension_ends_where_it_ends:
        0x2D breaks Access calling "" in Some("write_past_extension");
    a_system_buffer_ends_where_it_ends:
        0x2E breaks Access calling "" in Some("write_past_system_buffer");
    an_irp_is_sent_before_it_is_completed:
        0x2F breaks DoubleCompletion calling "IofCompleteRequest" in Some("complete_while_lower_has_it");
    an_irp_is_completed_once:
        0x31 breaks DoubleCompletion calling "IofCompleteRequest" in Some("complete_twice");
    an_irp_has_a_stack_location_for_each_driver:
        0x32 breaks IrpStack calling "IofCallDriver" in Some("send_without_a_location");
    a_power_sequence_cannot_be_asked_for:
        0x33 breaks BadParameter calling "PoRequestPowerIrp" in Some("ask_for_a_power_sequence");
}
