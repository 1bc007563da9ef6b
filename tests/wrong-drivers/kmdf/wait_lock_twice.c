/* Wrong: acquires a wait lock that it holds, and waits for itself. */
#define DURING_CONTROL wait_lock_twice
#include "../right_kmdf.h"

static void wait_lock_twice(WDFDEVICE device, WDFREQUEST request)
{
    WDFWAITLOCK lock;
    if (NT_SUCCESS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock))) {
        (void)WdfWaitLockAcquire(lock, NULL);
        (void)WdfWaitLockAcquire(lock, NULL);
    }
}
