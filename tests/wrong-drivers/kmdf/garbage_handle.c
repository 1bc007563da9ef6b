/* Wrong: passes a number that is no handle. */
#define DURING_CONTROL garbage_handle
#include "../right_kmdf.h"

static void garbage_handle(WDFDEVICE device, WDFREQUEST request)
{
    (void)WdfIoQueueGetDevice((WDFQUEUE)(ULONG_PTR)0x12345678);
}
