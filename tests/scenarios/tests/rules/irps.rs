//! IRPs: completed once, by somebody, with the locations they have.

crate::wrong::wrong_drivers! {
    an_irp_is_completed_once:
        Wdm "complete_twice" breaks DoubleCompletion calling "IofCompleteRequest" in "complete_twice";
    an_irp_is_completed_or_passed_on_or_pended:
        Wdm "forget_irp" breaks RequestNotCompleted calling "" in "forget_irp";
    a_pended_irp_is_completed_when_it_is_cancelled:
        Wdm "never_complete" breaks RequestNotCompleted calling "" in "never_complete";
    a_pended_irp_is_marked:
        Wdm "pend_unmarked" breaks IrpPending calling "" in "pend_unmarked";
    a_marked_irp_is_pended:
        Wdm "mark_and_return" breaks IrpPending calling "" in "mark_and_return";
    an_irp_is_not_completed_as_pending:
        Wdm "complete_pending" breaks IrpPending calling "IofCompleteRequest" in "complete_pending";
    an_irp_has_a_location_for_each_device:
        Wdm "no_stack_location" breaks IrpStack calling "IofCallDriver" in "pass_on";
    a_completion_routine_is_code:
        Wdm "bad_completion_routine" breaks BadCallback calling "IofCallDriver" in "bad_completion_routine";
    an_irp_is_completed_without_its_cancel_routine:
        Wdm "complete_with_cancel_routine" breaks CancelRoutine
            calling "IofCompleteRequest" in "complete_with_cancel_routine";
    an_irp_is_freed_before_the_driver_goes:
        Wdm "leak_irp" breaks Leak calling "" in "leak_irp";
    a_cancel_routine_releases_the_lock_it_is_called_with:
        Wdm "cancel_keeps_lock" breaks ReturnedIrql calling "" in "cancel_keeps_lock";
    an_irp_is_freed_once:
        Wdm "free_irp_twice" breaks ObjectState calling "IoFreeIrp" in "free_irp_twice";
    an_irp_is_not_freed_by_who_serves_it:
        Wdm "free_callers_irp" breaks ObjectState calling "IoFreeIrp" in "free_callers_irp";
}
