/* One misuse of the framework a scenario. */
#include "misuse.h"

/* ---- of a request, in EvtIoDeviceControl */

static void never_marked_cancel(WDFREQUEST request)
{
}

static void succeed(WDFREQUEST request)
{
    complete(request, STATUS_SUCCESS, 0);
}

IN_REQUEST(complete_twice)
{
    WdfObjectReference(request);
    succeed(request);
    CALL("WdfRequestComplete again, the handle is referenced", WdfRequestComplete(request, STATUS_SUCCESS));
}

IN_REQUEST(complete_twice_gone)
{
    succeed(request);
    CALL("WdfRequestComplete again, the handle is gone", WdfRequestComplete(request, STATUS_SUCCESS));
}

IN_REQUEST(wrong_handle)
{
    CALL("WdfRequestComplete of a queue handle", WdfRequestComplete((WDFREQUEST)queue, STATUS_SUCCESS));
    succeed(request);
}

IN_REQUEST(null_handle)
{
    CALL("WdfRequestComplete of NULL", WdfRequestComplete(NULL, STATUS_SUCCESS));
    succeed(request);
}

IN_REQUEST(complete_pending)
{
    complete(request, STATUS_PENDING, 0);
}

IN_REQUEST(complete_at_dispatch)
{
    CALL("WdfRequestCompleteWithInformation at DISPATCH",
        AT_DISPATCH(WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, 0)));
}

IN_REQUEST(information_too_long)
{
    complete(request, STATUS_SUCCESS, 4096);
}

IN_REQUEST(never_completed)
{
    line("'note':'the request is never completed'");
}

IN_REQUEST(delete_request)
{
    CALL("WdfObjectDelete of a request from a queue", WdfObjectDelete(request));
    succeed(request);
}

IN_REQUEST(null_out_pointer)
{
    size_t length;
    CALL_FOR_STATUS("WdfRequestRetrieveOutputBuffer with a NULL buffer pointer",
        WdfRequestRetrieveOutputBuffer(request, 1, NULL, &length));
    succeed(request);
}

IN_REQUEST(stop_ack_outside)
{
    CALL("WdfRequestStopAcknowledge outside EvtIoStop", WdfRequestStopAcknowledge(request, FALSE));
    succeed(request);
}

IN_REQUEST(forward_null)
{
    CALL_FOR_STATUS("WdfRequestForwardToIoQueue to NULL", WdfRequestForwardToIoQueue(request, NULL));
    succeed(request);
}

IN_REQUEST(buffer_after_complete)
{
    PVOID buffer;
    size_t length;
    WdfObjectReference(request);
    succeed(request);
    CALL_FOR_STATUS("WdfRequestRetrieveOutputBuffer after the completion",
        WdfRequestRetrieveOutputBuffer(request, 1, &buffer, &length));
}

IN_REQUEST(mark_after_complete)
{
    WdfObjectReference(request);
    succeed(request);
    CALL_FOR_STATUS("WdfRequestMarkCancelableEx after the completion",
        WdfRequestMarkCancelableEx(request, never_marked_cancel));
}

IN_REQUEST(forward_after_complete)
{
    WdfObjectReference(request);
    succeed(request);
    CALL_FOR_STATUS("WdfRequestForwardToIoQueue after the completion", WdfRequestForwardToIoQueue(request, queue));
}

/* ---- what a callback returns with */

IN_REQUEST(return_raised)
{
    KIRQL before;
    succeed(request);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    line("'note':'returns at IRQL 2'");
}

IN_REQUEST(return_spinlock)
{
    succeed(request);
    WdfSpinLockAcquire(spin_lock);
    line("'note':'returns with a WDFSPINLOCK held'");
}

IN_REQUEST(return_waitlock)
{
    succeed(request);
    WdfWaitLockAcquire(wait_lock, NULL);
    line("'note':'returns with a WDFWAITLOCK held'");
}

IN_REQUEST(return_critical_region)
{
    line("'note':'on entry','KeAreApcsDisabled':%d", KeAreApcsDisabled());
    succeed(request);
    KeEnterCriticalRegion();
    line("'note':'returns in a critical region','KeAreApcsDisabled':%d", KeAreApcsDisabled());
}

IN_D0_ENTRY(d0entry_raised)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    line("'note':'EvtDeviceD0Entry returns at IRQL 2'");
}

IN_D0_ENTRY(d0entry_critical_region)
{
    line("'note':'on entry','KeAreApcsDisabled':%d", KeAreApcsDisabled());
    KeEnterCriticalRegion();
    line("'note':'EvtDeviceD0Entry returns in a critical region'");
}

IN_D0_ENTRY(d0entry_spinlock)
{
    WdfSpinLockAcquire(spin_lock);
    line("'note':'EvtDeviceD0Entry returns with a spin lock held'");
}

/* ---- of objects */

IN_REQUEST(delete_default_queue)
{
    succeed(request);
    CALL("WdfObjectDelete of the default queue", WdfObjectDelete(queue));
}

IN_REQUEST(delete_device)
{
    succeed(request);
    CALL("WdfObjectDelete of the device", WdfObjectDelete(the_device));
}

IN_REQUEST(delete_twice)
{
    succeed(request);
    CALL("WdfObjectDelete twice, referenced",
        (WdfObjectReference(object), WdfObjectDelete(object), WdfObjectDelete(object)));
}

IN_REQUEST(leak_queue_ref)
{
    succeed(request);
    WdfObjectReference(queue);
    line("'note':'leaks a reference on the queue'");
}

IN_REQUEST(leak_device_ref)
{
    succeed(request);
    WdfObjectReference(the_device);
    line("'note':'leaks a reference on the device'");
}

IN_REQUEST(deref_too_many)
{
    succeed(request);
    CALL("WdfObjectDereference without a reference", WdfObjectDereference(object));
}

IN_REQUEST(garbage_handle)
{
    succeed(request);
    CALL("WdfObjectDelete of a garbage handle", WdfObjectDelete((WDFOBJECT)0x1234568));
}

IN_REQUEST(qi_null)
{
    succeed(request);
    CALL_FOR_STATUS("WdfDeviceAddQueryInterface with NULL", WdfDeviceAddQueryInterface(the_device, NULL));
}

/* ---- of locks, and of levels */

IN_REQUEST(spinlock_recursive)
{
    succeed(request);
    WdfSpinLockAcquire(spin_lock);
    CALL("WdfSpinLockAcquire again", WdfSpinLockAcquire(spin_lock));
}

IN_REQUEST(spinlock_release_free)
{
    succeed(request);
    CALL("WdfSpinLockRelease of a free lock", WdfSpinLockRelease(spin_lock));
}

IN_REQUEST(waitlock_recursive)
{
    succeed(request);
    WdfWaitLockAcquire(wait_lock, NULL);
    CALL("WdfWaitLockAcquire again", WdfWaitLockAcquire(wait_lock, NULL));
}

IN_REQUEST(waitlock_release_free)
{
    succeed(request);
    CALL("WdfWaitLockRelease of a free lock", WdfWaitLockRelease(wait_lock));
}

IN_REQUEST(waitlock_dispatch)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    CALL("WdfWaitLockAcquire without a timeout at DISPATCH", WdfWaitLockAcquire(wait_lock, NULL));
    WdfWaitLockRelease(wait_lock);
    KeLowerIrql(before);
    succeed(request);
}

IN_REQUEST(workitem_create_dispatch)
{
    WDF_WORKITEM_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFWORKITEM item;
    KIRQL before;
    WDF_WORKITEM_CONFIG_INIT(&config, never_runs);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = the_device;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    CALL_FOR_STATUS("WdfWorkItemCreate at DISPATCH", WdfWorkItemCreate(&config, &attributes, &item));
    KeLowerIrql(before);
    succeed(request);
}

IN_REQUEST(queue_stop_dispatch)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    CALL("WdfIoQueueStopSynchronously at DISPATCH", WdfIoQueueStopSynchronously(queue));
    KeLowerIrql(before);
    succeed(request);
}

IN_REQUEST(timer_stop_wait_dispatch)
{
    succeed(request);
    CALL("WdfTimerStop with wait at DISPATCH", AT_DISPATCH(WdfTimerStop(timer, TRUE)));
}

#include "misuse_of_configurations.h"

SCENARIOS {
    PLAYED("buffer-after-complete", buffer_after_complete),
    PLAYED("complete-at-dispatch", complete_at_dispatch),
    PLAYED("complete-pending", complete_pending),
    PLAYED("complete-twice", complete_twice),
    PLAYED("complete-twice-gone", complete_twice_gone),
    PLAYED("d0entry-critical-region", d0entry_critical_region),
    PLAYED("d0entry-raised", d0entry_raised),
    PLAYED("d0entry-spinlock", d0entry_spinlock),
    PLAYED("delete-default-queue", delete_default_queue),
    PLAYED("delete-device", delete_device),
    PLAYED("delete-request", delete_request),
    PLAYED("delete-twice", delete_twice),
    PLAYED("deref-too-many", deref_too_many),
    PLAYED("device-null-init", device_null_init),
    PLAYED("driver-twice", driver_twice),
    PLAYED("forward-after-complete", forward_after_complete),
    PLAYED("forward-null", forward_null),
    PLAYED("garbage-handle", garbage_handle),
    PLAYED("information-too-long", information_too_long),
    PLAYED("leak-device-ref", leak_device_ref),
    PLAYED("leak-driver-object", leak_driver_object),
    PLAYED("leak-queue-ref", leak_queue_ref),
    PLAYED("mark-after-complete", mark_after_complete),
    PLAYED("memory-zero", memory_zero),
    PLAYED("never-completed", never_completed),
    PLAYED("null-handle", null_handle),
    PLAYED("null-out-pointer", null_out_pointer),
    PLAYED("object-execution-level", object_execution_level),
    PLAYED("object-null-attributes", object_null_attributes),
    PLAYED("qi-null", qi_null),
    PLAYED("queue-null-config", queue_null_config),
    PLAYED("queue-stop-dispatch", queue_stop_dispatch),
    PLAYED("return-critical-region", return_critical_region),
    PLAYED("return-raised", return_raised),
    PLAYED("return-spinlock", return_spinlock),
    PLAYED("return-waitlock", return_waitlock),
    PLAYED("size-attributes", size_attributes),
    PLAYED("size-queue", size_queue),
    PLAYED("size-timer", size_timer),
    PLAYED("spinlock-recursive", spinlock_recursive),
    PLAYED("spinlock-release-free", spinlock_release_free),
    PLAYED("stop-ack-outside", stop_ack_outside),
    PLAYED("timer-driver-parent", timer_driver_parent),
    PLAYED("timer-no-parent", timer_no_parent),
    PLAYED("timer-stop-wait-dispatch", timer_stop_wait_dispatch),
    PLAYED("waitlock-dispatch", waitlock_dispatch),
    PLAYED("waitlock-recursive", waitlock_recursive),
    PLAYED("waitlock-release-free", waitlock_release_free),
    PLAYED("workitem-create-dispatch", workitem_create_dispatch),
    PLAYED("wrong-handle", wrong_handle),
    END_OF_SCENARIOS,
};
