/* Wrong: acquires a spin lock that it holds. */
#define DURING_CONTROL acquire_twice
#include "../right_kmdf.h"

static void acquire_twice(WDFDEVICE device, WDFREQUEST request)
{
    WDFSPINLOCK lock;
    if (NT_SUCCESS(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock))) {
        WdfSpinLockAcquire(lock);
        WdfSpinLockAcquire(lock);
        WdfSpinLockRelease(lock);
        WdfSpinLockRelease(lock);
        WdfObjectDelete(lock);
    }
}
