/* Wrong: deletes the default queue, which is the framework's to delete. */
#define DURING_CONTROL delete_default_queue
#include "../right_kmdf.h"

static void delete_default_queue(WDFDEVICE device, WDFREQUEST request)
{
    WdfObjectDelete(WdfDeviceGetDefaultQueue(device));
}
