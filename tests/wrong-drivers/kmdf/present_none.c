/* Wrong: its queue is parallel and may present 0 requests. */
#define QUEUE_CONFIG present_none
#include "../right_kmdf.h"

static void present_none(WDF_IO_QUEUE_CONFIG *config)
{
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(config, WdfIoQueueDispatchParallel);
    config->Settings.Parallel.NumberOfPresentedRequests = 0;
}
