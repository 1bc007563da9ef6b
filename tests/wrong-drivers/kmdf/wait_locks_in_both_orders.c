/* Wrong: acquires two wait locks in one order, and later in the other. */
#define DURING_CONTROL wait_locks_in_both_orders
#include "../right_kmdf.h"

static void acquire_both(WDFWAITLOCK outer, WDFWAITLOCK inner)
{
    (void)WdfWaitLockAcquire(outer, NULL);
    (void)WdfWaitLockAcquire(inner, NULL);
    WdfWaitLockRelease(inner);
    WdfWaitLockRelease(outer);
}

static void wait_locks_in_both_orders(WDFDEVICE device, WDFREQUEST request)
{
    WDFWAITLOCK first, second;
    if (NT_SUCCESS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &first))
        && NT_SUCCESS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &second))) {
        acquire_both(first, second);
        acquire_both(second, first);
    }
}
