/* Wrong: waits for a mutex while it has a wait lock, and later for the wait lock while it has the mutex. */
#define DURING_CONTROL wait_lock_and_mutex
#include "../right_kmdf.h"

static KMUTEX mutex;

static void wait_lock_and_mutex(WDFDEVICE device, WDFREQUEST request)
{
    WDFWAITLOCK lock;
    KeInitializeMutex(&mutex, 0);
    if (NT_SUCCESS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock))) {
        (void)WdfWaitLockAcquire(lock, NULL);
        (void)KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
        (void)KeReleaseMutex(&mutex, FALSE);
        WdfWaitLockRelease(lock);
        (void)KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
        (void)WdfWaitLockAcquire(lock, NULL);
        WdfWaitLockRelease(lock);
        (void)KeReleaseMutex(&mutex, FALSE);
    }
}
