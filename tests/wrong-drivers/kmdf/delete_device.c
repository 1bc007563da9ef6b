/* Wrong: deletes the device, which is the framework's to delete. */
#define DURING_CONTROL delete_device
#include "../right_kmdf.h"

static void delete_device(WDFDEVICE device, WDFREQUEST request)
{
    WdfObjectDelete(device);
}
