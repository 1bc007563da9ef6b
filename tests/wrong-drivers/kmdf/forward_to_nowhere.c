/* Wrong: forwards a request to no queue. */
#define DURING_CONTROL forward_to_nowhere
#include "../right_kmdf.h"

static void forward_to_nowhere(WDFDEVICE device, WDFREQUEST request)
{
    (void)WdfRequestForwardToIoQueue(request, NULL);
}
