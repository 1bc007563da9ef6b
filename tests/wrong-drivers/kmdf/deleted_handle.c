/* Wrong: uses an object after it has deleted it. */
#define DURING_CONTROL deleted_handle
#include "../right_kmdf.h"

static void deleted_handle(WDFDEVICE device, WDFREQUEST request)
{
    WDFMEMORY memory;
    PVOID buffer;
    if (NT_SUCCESS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, TAG, 64, &memory, &buffer))) {
        WdfObjectDelete(memory);
        (void)WdfMemoryGetBuffer(memory, NULL);
    }
}
