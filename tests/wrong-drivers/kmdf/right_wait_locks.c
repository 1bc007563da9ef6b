/* Right: has two wait locks in both orders, but only tries to acquire one while it has the other out of order; a lock that is
 * made after one was deleted is another lock. */
#define DURING_CONTROL acquire_wait_locks
#include "../right_kmdf.h"

static void acquire_wait_locks(WDFDEVICE device, WDFREQUEST request)
{
    LONGLONG at_once = 0;
    for (int round = 0; round < 2; round++) {
        WDFWAITLOCK locks[2];
        if (!NT_SUCCESS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &locks[round]))
            || !NT_SUCCESS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &locks[1 - round]))) {
            return;
        }
        (void)WdfWaitLockAcquire(locks[0], NULL);
        (void)WdfWaitLockAcquire(locks[1], NULL);
        WdfWaitLockRelease(locks[0]);
        if (NT_SUCCESS(WdfWaitLockAcquire(locks[0], &at_once))) {
            WdfWaitLockRelease(locks[0]);
        }
        WdfWaitLockRelease(locks[1]);
        WdfObjectDelete(locks[0]);
        WdfObjectDelete(locks[1]);
    }
}
