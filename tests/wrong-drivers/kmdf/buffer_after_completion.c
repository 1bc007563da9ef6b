/* Wrong: asks for the buffer of a request that it has completed. */
#define CONTROL buffer_after_completion
#include "../right_kmdf.h"

static void buffer_after_completion(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length,
    ULONG code)
{
    PVOID buffer;
    WdfObjectReference(request);
    WdfRequestComplete(request, STATUS_SUCCESS);
    (void)WdfRequestRetrieveOutputBuffer(request, 1, &buffer, NULL);
    WdfObjectDereference(request);
}
