//! IRQL, waits, critical regions and spin locks.

crate::wrong::wrong_drivers! {
    paged_pool_is_allocated_below_dispatch_level:
        Wdm "paged_pool_at_dispatch" breaks Irql calling "ExAllocatePool2" in "paged_pool_at_dispatch";
    the_registry_is_read_at_passive_level:
        Wdm "registry_at_apc" breaks Irql calling "ZwOpenKey" in "registry_at_apc";
    raising_does_not_lower:
        Wdm "lower_by_raising" breaks Irql calling "KfRaiseIrql" in "lower_by_raising";
    lowering_does_not_raise:
        Wdm "raise_by_lowering" breaks Irql calling "KeLowerIrql" in "raise_by_lowering";
    nobody_waits_at_dispatch_level:
        Wdm "wait_at_dispatch" breaks WaitAboveApc calling "KeWaitForSingleObject" in "wait_at_dispatch";
    a_dispatch_routine_returns_at_the_level_of_its_call:
        Wdm "return_raised" breaks ReturnedIrql calling "" in "control";
    a_critical_region_is_entered_before_it_is_left:
        Wdm "leave_region" breaks CriticalRegion calling "KeLeaveCriticalRegion" in "leave_region";
    a_dispatch_routine_leaves_its_critical_regions:
        Wdm "return_in_region" breaks CriticalRegion calling "" in "control";
    a_spin_lock_is_acquired_once:
        Wdm "acquire_twice" breaks SpinLock calling "KeAcquireSpinLockAtDpcLevel" in "acquire_twice";
    a_spin_lock_is_held_before_it_is_released:
        Wdm "release_free_lock" breaks SpinLock
            calling "KeReleaseSpinLockFromDpcLevel" in "release_free_lock";
    two_spin_locks_are_taken_in_one_order:
        Wdm "locks_in_both_orders" breaks LockOrder calling "KeAcquireSpinLockAtDpcLevel" in "take_both";
    two_mutexes_are_waited_for_in_one_order:
        Wdm "mutexes_in_both_orders" breaks LockOrder calling "KeWaitForSingleObject" in "wait_for_both";
    a_level_is_not_lowered_under_a_spin_lock:
        Wdm "lower_with_lock" breaks SpinLock calling "KeLowerIrql" in "lower_with_lock";
    an_irp_is_not_completed_under_a_spin_lock:
        Wdm "complete_with_lock" breaks SpinLock calling "IofCompleteRequest" in "complete_with_lock";
    nobody_waits_in_a_dpc:
        Wdm "wait_in_dpc" breaks WaitAboveApc calling "KeWaitForSingleObject" in "wait_in_dpc";
    a_thread_ends_at_the_level_it_began_at:
        Wdm "thread_returns_raised" breaks ReturnedIrql calling "" in "thread_returns_raised";
    a_lock_that_a_dpc_takes_is_taken_at_dispatch_level:
        Wdm "lock_at_passive" breaks Deadlock calling "" in "spin";
}
