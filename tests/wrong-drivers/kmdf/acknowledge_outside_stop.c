/* Wrong: acknowledges a stop that nobody has asked for. */
#define DURING_CONTROL acknowledge_outside_stop
#include "../right_kmdf.h"

static void acknowledge_outside_stop(WDFDEVICE device, WDFREQUEST request)
{
    WdfRequestStopAcknowledge(request, FALSE);
}
