/* Wrong: writes behind the buffer of a request. */
#define DURING_CONTROL overrun_system_buffer
#include "../right_kmdf.h"

static void overrun_system_buffer(WDFDEVICE device, WDFREQUEST request)
{
    PVOID buffer;
    size_t length;
    if (NT_SUCCESS(WdfRequestRetrieveOutputBuffer(request, 1, &buffer, &length))) {
        ((volatile char *)buffer)[length] = 1;
    }
}
