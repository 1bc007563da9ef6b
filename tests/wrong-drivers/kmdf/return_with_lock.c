/* Wrong: returns with a spin lock held, and so at DISPATCH_LEVEL. */
#define CONTROL return_with_lock
#include "../right_kmdf.h"

static void return_with_lock(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
    WDFSPINLOCK lock;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = WdfIoQueueGetDevice(queue);
    WdfRequestComplete(request, STATUS_SUCCESS);
    if (NT_SUCCESS(WdfSpinLockCreate(&attributes, &lock))) {
        WdfSpinLockAcquire(lock);
    }
}
