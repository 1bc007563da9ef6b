/* Wrong: asks for a buffer's address and gives no place to store it. */
#define DURING_CONTROL null_out_pointer
#include "../right_kmdf.h"

static void null_out_pointer(WDFDEVICE device, WDFREQUEST request)
{
    (void)WdfRequestRetrieveOutputBuffer(request, 1, NULL, NULL);
}
