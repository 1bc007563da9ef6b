/* Wrong: completes a request twice. */
#define CONTROL complete_twice
#include "../right_kmdf.h"

static void complete_twice(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
    WdfObjectReference(request);
    WdfRequestComplete(request, STATUS_SUCCESS);
    WdfRequestComplete(request, STATUS_SUCCESS);
    WdfObjectDereference(request);
}
