/* Wrong: stops its queue, and waits for that, at DISPATCH_LEVEL. */
#define DURING_CONTROL stop_queue_at_dispatch
#include "../right_kmdf.h"

static void stop_queue_at_dispatch(WDFDEVICE device, WDFREQUEST request)
{
    KIRQL level;
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    WdfIoQueueStopSynchronously(WdfDeviceGetDefaultQueue(device));
    KeLowerIrql(level);
}
