/* Wrong: passes a device where a queue is asked for. */
#define DURING_CONTROL handle_of_other_type
#include "../right_kmdf.h"

static void handle_of_other_type(WDFDEVICE device, WDFREQUEST request)
{
    (void)WdfIoQueueGetDevice((WDFQUEUE)(PVOID)device);
}
