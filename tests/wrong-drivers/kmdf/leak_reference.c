/* Wrong: never gives back a reference to an object of the device. */
#define DURING_CONTROL leak_reference
#include "../right_kmdf.h"

static void leak_reference(WDFDEVICE device, WDFREQUEST request)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory;
    PVOID buffer;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    if (NT_SUCCESS(WdfMemoryCreate(&attributes, NonPagedPoolNx, TAG, 64, &memory, &buffer))) {
        WdfObjectReference(memory);
    }
}
