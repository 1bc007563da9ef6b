//! Rules of the framework: handles, requests, locks and callbacks of KMDF.
//!
//! A framework image says most of them itself, by its own verifier: WDF_VIOLATION (0x10D) with the kind of mistake first, a
//! breakpoint, or an access through what it was handed; the report says which function of the driver had called it.

use parent_partition::judge::Rule::{
    Access, Bugcheck, CriticalRegion, Exception, Irql, Leak, RequestNotCompleted, SpinLock,
};

use crate::wrong::OnAnImage::{Called, Later, RequestEnds, Skipped};

crate::wrong::wrong_drivers! {
    a_device_is_no_queue:
        Kmdf "handle_of_other_type" breaks HandleType
            calling "WdfIoQueueGetDevice" in "handle_of_other_type"
            on an image Called(Bugcheck, "0x0000010d (0x5, ");
    a_request_is_named:
        Kmdf "null_handle" breaks HandleType calling "WdfRequestComplete" in "null_handle"
            on an image Called(Bugcheck, "0x0000010d (0x5, 0x0, 0x1008, ");
    a_number_is_no_handle:
        Kmdf "garbage_handle" breaks HandleType calling "WdfIoQueueGetDevice" in "garbage_handle"
            on an image Called(Access, "read at ");
    a_deleted_object_has_no_handle:
        Kmdf "deleted_handle" breaks HandleType calling "WdfMemoryGetBuffer" in "deleted_handle"
            on an image Called(Access, "read at ");
    deleted_memory_is_not_writable:
        Kmdf "deleted_memory" breaks Access calling "" in "deleted_memory";
    a_device_is_the_frameworks_to_delete:
        Kmdf "delete_device" breaks ObjectState calling "WdfObjectDelete" in "delete_device"
            on an image Called(Exception, "breakpoint");
    a_request_is_completed_once:
        Kmdf "complete_twice" breaks DoubleCompletion calling "WdfRequestComplete" in "complete_twice"
            on an image Called(Exception, "breakpoint");
    a_request_is_completed_before_the_device_goes:
        Kmdf "never_complete" breaks RequestNotCompleted calling "" in "never_complete"
            on an image Later(RequestNotCompleted, "the IRP ");
    a_parallel_queue_may_present_requests:
        Kmdf "present_none" breaks BadParameter calling "WdfIoQueueCreate" in "add_device"
            on an image RequestEnds("0xc0000120");
    a_request_is_made_cancelable_while_the_driver_has_it:
        Kmdf "mark_completed" breaks ObjectState calling "WdfRequestMarkCancelable" in "mark_completed"
            on an image Called(Exception, "breakpoint");
    a_request_returns_what_its_buffer_holds:
        Kmdf "too_much_information" breaks BadParameter
            calling "WdfRequestCompleteWithInformation" in "too_much_information"
            on an image Called(Bugcheck, "0x0000010d (0x6, ");
    a_queues_routine_returns_at_the_level_of_its_call:
        Kmdf "return_raised" breaks ReturnedIrql calling "" in "return_raised"
            on an image Later(Irql, "called at IRQL 2");
    a_queues_routine_leaves_its_critical_regions:
        Kmdf "return_in_region" breaks CriticalRegion calling "" in "return_in_region"
            on an image Later(CriticalRegion, "called in 0 critical regions, returned in 1");
    a_power_callback_returns_at_the_level_of_its_call:
        Kmdf "enter_d0_raised" breaks ReturnedIrql calling "" in "enter_d0_raised"
            on an image Later(Irql, "called at IRQL 1");
    a_power_callback_is_code:
        Kmdf "bad_callback" breaks BadCallback calling "" in ""
            on an image Later(Access, "jump at 0x1234567890");
    a_queue_is_stopped_below_dispatch_level:
        Kmdf "stop_queue_at_dispatch" breaks Irql
            calling "WdfIoQueueStopSynchronously" in "stop_queue_at_dispatch"
            on an image Called(Exception, "breakpoint");
    a_registry_key_is_opened_at_passive_level:
        Kmdf "key_at_dispatch" breaks Irql calling "WdfDeviceOpenRegistryKey" in "key_at_dispatch"
            on an image Called(Exception, "breakpoint");
    a_wait_lock_is_acquired_below_dispatch_level:
        Kmdf "wait_lock_at_dispatch" breaks Irql calling "WdfWaitLockAcquire" in "wait_lock_at_dispatch"
            on an image Called(Exception, "breakpoint");
    a_framework_spin_lock_is_acquired_once:
        Kmdf "acquire_twice" breaks SpinLock calling "WdfSpinLockAcquire" in "acquire_twice"
            on an image Called(SpinLock, "the spin lock ");
    a_framework_spin_lock_is_held_before_it_is_released:
        Kmdf "release_free_lock" breaks SpinLock calling "WdfSpinLockRelease" in "release_free_lock"
            on an image Called(Bugcheck, "0x0000010d (0xb, ");
    an_object_ends_by_deletion:
        Kmdf "dereference_too_often" breaks Reference
            calling "WdfObjectDereferenceActual" in "dereference_too_often"
            on an image Called(Bugcheck, "0x0000010d (0x7, ");
    a_reference_to_an_object_is_given_back:
        Kmdf "leak_reference" breaks Leak calling "" in "leak_reference"
            on an image Later(Exception, "breakpoint");
    a_block_of_a_framework_driver_is_freed:
        Kmdf "leak_pool" breaks Leak calling "" in "leak_pool";
    a_device_is_made_of_something:
        Kmdf "null_device_init" breaks BadParameter calling "WdfDeviceCreate" in "null_device_init"
            on an image Called(Bugcheck, "0x0000010d (0x4, 0x0, ");
    a_structure_has_its_size:
        Kmdf "wrong_size" breaks BadParameter
            calling "WdfDeviceInitSetPnpPowerEventCallbacks" in "wrong_size"
            on an image Called(Exception, "breakpoint");
    a_function_that_is_not_simulated_ends_the_run_by_name:
        Kmdf "not_served" breaks NotServed calling "WdfWmiInstanceRegister" in "not_served"
            on an image Called(Bugcheck, "0x0000010d (0x5, 0x0, 0x1034, ");
    vfs_are_off_when_the_device_stops:
        Kmdf "leave_vfs_on" breaks VfsEnabled calling "EnableVirtualization" in "enter_d0";
    a_bus_interface_is_given_back:
        Kmdf "keep_bus_interface" breaks Leak calling "" in "ask_bus"
            on an image Later(Leak, "left behind: 2 references of bus interfaces");
    a_bus_interface_that_was_given_back_is_not_called:
        Kmdf "use_returned_interface" breaks Reference calling "GetResources" in "enter_d0";
    a_default_queue_is_the_frameworks_to_delete:
        Kmdf "delete_default_queue" breaks ObjectState calling "WdfObjectDelete" in "delete_default_queue"
            on an image Called(Exception, "breakpoint");
    a_request_is_forwarded_to_some_queue:
        Kmdf "forward_to_nowhere" breaks HandleType
            calling "WdfRequestForwardToIoQueue" in "forward_to_nowhere"
            on an image Called(Bugcheck, "0x0000010d (0x5, 0x0, 0x1003, ");
    a_result_has_a_place_to_be_stored:
        Kmdf "null_out_pointer" breaks BadParameter
            calling "WdfRequestRetrieveOutputBuffer" in "null_out_pointer"
            on an image Called(Bugcheck, "0x0000010d (0x4, 0x0, ");
    a_stop_is_acknowledged_when_it_is_asked_for:
        Kmdf "acknowledge_outside_stop" breaks ObjectState
            calling "WdfRequestStopAcknowledge" in "acknowledge_outside_stop"
            on an image Called(Exception, "breakpoint");
    a_completed_request_has_no_buffer:
        Kmdf "buffer_after_completion" breaks ObjectState
            calling "WdfRequestRetrieveOutputBuffer" in "buffer_after_completion"
            on an image Called(Access, "read at ");
    a_completed_requests_buffer_is_not_writable:
        Kmdf "touch_system_buffer" breaks Access calling "" in "touch_system_buffer";
    a_requests_buffer_ends_where_it_says:
        Kmdf "overrun_system_buffer" breaks Access calling "" in "overrun_system_buffer";
    a_wait_lock_is_acquired_once:
        Kmdf "wait_lock_twice" breaks ObjectState calling "WdfWaitLockAcquire" in "wait_lock_twice"
            on an image Skipped("a wait lock of an image is an event: who waits for its own waits for ever");
    two_wait_locks_are_acquired_in_one_order:
        Kmdf "wait_locks_in_both_orders" breaks LockOrder calling "WdfWaitLockAcquire" in "acquire_both"
            on an image Skipped("a wait lock of an image is an event, and events have no order");
    a_wait_lock_and_a_mutex_are_taken_in_one_order:
        Kmdf "wait_lock_and_mutex" breaks LockOrder calling "WdfWaitLockAcquire" in "wait_lock_and_mutex"
            on an image Skipped("a wait lock of an image is an event, and events have no order");
    a_request_is_not_completed_under_a_spin_lock:
        Kmdf "complete_with_lock" breaks SpinLock calling "WdfRequestComplete" in "complete_with_lock"
            on an image Called(SpinLock, "an IRP is completed while the spin lock ");
    a_queues_routine_releases_its_spin_locks:
        Kmdf "return_with_lock" breaks ReturnedIrql calling "" in "return_with_lock"
            on an image Later(Irql, "called at IRQL 2");
}
