/* Wrong: acquires a wait lock at DISPATCH_LEVEL. */
#define DURING_CONTROL wait_lock_at_dispatch
#include "../right_kmdf.h"

static void wait_lock_at_dispatch(WDFDEVICE device, WDFREQUEST request)
{
    WDFWAITLOCK lock;
    KIRQL level;
    if (NT_SUCCESS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock))) {
        KeRaiseIrql(DISPATCH_LEVEL, &level);
        (void)WdfWaitLockAcquire(lock, NULL);
        WdfWaitLockRelease(lock);
        KeLowerIrql(level);
        WdfObjectDelete(lock);
    }
}
