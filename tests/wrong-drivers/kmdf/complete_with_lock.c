/* Wrong: completes a request while it holds a spin lock. */
#define CONTROL complete_with_lock
#include "../right_kmdf.h"

static void complete_with_lock(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length,
    ULONG code)
{
    WDFSPINLOCK lock;
    if (NT_SUCCESS(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock))) {
        WdfSpinLockAcquire(lock);
        WdfRequestComplete(request, STATUS_SUCCESS);
        WdfSpinLockRelease(lock);
        WdfObjectDelete(lock);
    }
}
