/* Wrong: releases a spin lock that nobody holds. */
#define DURING_CONTROL release_free_lock
#include "../right_kmdf.h"

static void release_free_lock(WDFDEVICE device, WDFREQUEST request)
{
    WDFSPINLOCK lock;
    if (NT_SUCCESS(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock))) {
        WdfSpinLockRelease(lock);
        WdfObjectDelete(lock);
    }
}
