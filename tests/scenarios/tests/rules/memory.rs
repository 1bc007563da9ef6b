//! Memory that is not the driver's, code that is none, stacks that end.

crate::wrong::wrong_drivers! {
    a_byte_written_behind_a_block_faults:
        Wdm "write_past_block" breaks Access calling "" in "write_past_block";
    a_byte_written_before_a_block_of_pages_faults:
        Wdm "write_before_page" breaks Access calling "" in "write_before_page";
    a_byte_written_into_what_alignment_left_is_found_when_freed:
        Wdm "write_behind_block" breaks PoolOverrun calling "ExFreePoolWithTag" in "write_behind_block";
    a_byte_written_before_a_block_is_found_when_freed:
        Wdm "write_before_block" breaks PoolOverrun calling "ExFreePoolWithTag" in "write_before_block";
    a_copy_past_a_block_is_blamed_on_who_asked_for_it:
        Wdm "copy_past_block" breaks Access calling "memcpy" in "copy_past_block";
    a_freed_block_is_not_readable:
        Wdm "use_after_free" breaks Access calling "" in "use_after_free";
    a_null_pointer_is_not_readable:
        Wdm "read_null" breaks Access calling "" in "read_null";
    a_constant_is_not_writable:
        Wdm "write_constant" breaks Access calling "" in "write_constant";
    code_is_not_writable:
        Wdm "write_code" breaks Access calling "" in "write_code";
    a_variable_is_not_code:
        Wdm "run_data" breaks Access calling "" in "run_data";
    a_pool_block_is_not_code:
        Wdm "run_pool" breaks Access calling "" in "run_pool";
    initialization_code_is_gone_after_the_start:
        Wdm "call_discarded_code" breaks Access calling "" in "call_discarded_code";
    a_completed_irp_is_not_readable:
        Wdm "touch_completed_irp" breaks Access calling "" in "touch_completed_irp";
    a_dispatch_routine_in_discarded_code_is_no_code:
        Wdm "discarded_dispatch" breaks BadCallback calling "" in "discarded_dispatch";
    endless_recursion_ends_at_the_stack:
        Wdm "endless_recursion" breaks StackOverflow calling "" in "endless_recursion";
    a_breakpoint_stops_the_run:
        Wdm "breakpoint" breaks Exception calling "" in "breakpoint";
    an_instruction_that_does_not_exist_stops_the_run:
        Wdm "illegal_instruction" breaks Exception calling "" in "illegal_instruction";
    a_division_by_zero_stops_the_run:
        Wdm "divide_by_zero" breaks Exception calling "" in "divide_by_zero";
    a_halted_processor_is_the_drivers_fault:
        Wdm "halt" breaks Exception calling "" in "halt";
    a_bugcheck_ends_the_run:
        Wdm "bugcheck" breaks Bugcheck calling "KeBugCheckEx" in "bugcheck";
    a_fast_fail_is_a_bugcheck:
        Wdm "fast_fail" breaks Bugcheck calling "" in "fast_fail";
    a_block_is_freed_with_its_own_tag:
        Wdm "free_with_other_tag" breaks BadFree calling "ExFreePoolWithTag" in "free_with_other_tag";
    a_block_is_freed_once:
        Wdm "free_twice" breaks BadFree calling "ExFreePoolWithTag" in "free_twice";
    a_block_is_freed_by_its_first_byte:
        Wdm "free_middle" breaks BadFree calling "ExFreePoolWithTag" in "free_middle";
    a_variable_on_the_stack_is_no_block:
        Wdm "free_stack" breaks BadFree calling "ExFreePoolWithTag" in "free_stack";
    a_block_is_of_some_pool:
        Wdm "no_pool_flags" breaks BadParameter calling "ExAllocatePool2" in "no_pool_flags";
    a_block_has_a_tag:
        Wdm "no_pool_tag" breaks BadParameter calling "ExAllocatePool2" in "no_pool_tag";
    a_block_is_freed_before_the_driver_goes:
        Wdm "leak_pool" breaks Leak calling "" in "leak_pool";
    the_extension_of_a_deleted_device_is_not_readable:
        Wdm "touch_freed_device" breaks Access calling "" in "touch_freed_device";
}
