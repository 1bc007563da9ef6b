/* Wrong: returns from its queue's routine inside a critical region. */
#define CONTROL return_in_region
#include "../right_kmdf.h"

static void return_in_region(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
    WdfRequestComplete(request, STATUS_SUCCESS);
    KeEnterCriticalRegion();
}
