//! Kernel objects: handles, references, devices, and what is still there at unload.

crate::wrong::wrong_drivers! {
    a_mutex_is_no_event:
        Wdm "set_event_of_mutex" breaks HandleType calling "KeSetEvent" in "set_event_of_mutex";
    an_event_is_initialized_before_it_is_waited_for:
        Wdm "wait_for_nothing" breaks HandleType calling "KeWaitForSingleObject" in "wait_for_nothing";
    a_handle_is_closed_once:
        Wdm "close_twice" breaks HandleType calling "ZwClose" in "close_twice";
    a_mutex_is_released_by_its_owner:
        Wdm "release_other_mutex" breaks ObjectState calling "KeReleaseMutex" in "release_other_mutex";
    a_device_is_detached_before_it_is_deleted:
        Wdm "delete_attached_device" breaks ObjectState
            calling "IoDeleteDevice" in "delete_attached_device";
    references_are_given_back_as_often_as_taken:
        Wdm "drop_reference_twice" breaks Reference
            calling "ObfDereferenceObject" in "drop_reference_twice";
    an_unknown_routine_is_named_when_the_image_is_loaded:
        Wdm "unknown_import" breaks UnknownImport calling "KeInventedRoutine" in "";
    a_handle_is_closed_before_the_driver_goes:
        Wdm "leak_handle" breaks Leak calling "" in "leak_handle";
    a_work_item_is_freed_before_the_driver_goes:
        Wdm "leak_work_item" breaks Leak calling "" in "leak_work_item";
    a_device_is_deleted_before_the_driver_goes:
        Wdm "leak_device" breaks Leak calling "" in "leak_device";
    a_link_is_deleted_before_the_driver_goes:
        Wdm "leak_link" breaks Leak calling "" in "leak_link";
    a_reference_is_given_back_before_the_driver_goes:
        Wdm "leak_reference" breaks Leak calling "" in "add_device";
    a_timer_is_cancelled_before_the_driver_goes:
        Wdm "work_after_unload" breaks Leak calling "" in "start_timer";
    a_dpc_is_initialized_before_it_is_queued:
        Wdm "queue_unmade_dpc" breaks ObjectState calling "KeInsertQueueDpc" in "queue_unmade_dpc";
    a_thread_ends_before_its_driver_goes:
        Wdm "leave_thread_running" breaks Leak calling "" in "leave_thread_running";
    a_driver_can_be_unloaded:
        Wdm "no_unload" breaks ObjectState calling "" in "";
    a_driver_that_fails_to_load_leaves_nothing_behind:
        Wdm "fail_and_leak" breaks Leak calling "" in "fail_and_leak";
    a_device_is_done_initializing_when_it_has_been_added:
        Wdm "keep_initializing" breaks ObjectState calling "" in "add_device";
    a_removed_device_leaves_the_stack:
        Wdm "stay_attached" breaks Leak calling "" in "";
}
