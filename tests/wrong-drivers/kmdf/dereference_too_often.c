/* Wrong: gives back the reference that it was made with. */
#define DURING_CONTROL dereference_too_often
#include "../right_kmdf.h"

static void dereference_too_often(WDFDEVICE device, WDFREQUEST request)
{
    WDFMEMORY memory;
    PVOID buffer;
    if (NT_SUCCESS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, TAG, 64, &memory, &buffer))) {
        WdfObjectDereference(memory);
    }
}
