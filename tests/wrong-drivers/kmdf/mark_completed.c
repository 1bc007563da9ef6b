/* Wrong: makes a request cancelable after it has completed it. */
#define CONTROL mark_completed
#include "../right_kmdf.h"

static void cancel(WDFREQUEST request)
{
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static void mark_completed(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
    WdfObjectReference(request);
    WdfRequestComplete(request, STATUS_SUCCESS);
    WdfRequestMarkCancelable(request, cancel);
    WdfObjectDereference(request);
}
