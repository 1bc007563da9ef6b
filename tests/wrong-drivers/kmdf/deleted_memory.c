/* Wrong: touches the buffer of a memory object that it has deleted. */
#define DURING_CONTROL deleted_memory
#include "../right_kmdf.h"

static void deleted_memory(WDFDEVICE device, WDFREQUEST request)
{
    WDFMEMORY memory;
    PVOID buffer;
    if (NT_SUCCESS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, TAG, 64, &memory, &buffer))) {
        WdfObjectDelete(memory);
        *(volatile char *)buffer = 1;
    }
}
