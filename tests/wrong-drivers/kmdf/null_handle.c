/* Wrong: passes no request at all. */
#define DURING_CONTROL null_handle
#include "../right_kmdf.h"

static void null_handle(WDFDEVICE device, WDFREQUEST request)
{
    WdfRequestComplete(NULL, STATUS_SUCCESS);
}
