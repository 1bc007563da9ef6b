/* Wrong: writes into a request's buffer after it has completed the request. */
#define CONTROL touch_system_buffer
#include "../right_kmdf.h"

static void touch_system_buffer(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length,
    ULONG code)
{
    PVOID buffer;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, 1, &buffer, NULL);
    WdfRequestCompleteWithInformation(request, status, output_length);
    *(volatile char *)buffer = 1;
}
