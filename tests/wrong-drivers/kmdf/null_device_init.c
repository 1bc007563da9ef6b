/* Wrong: makes a device of nothing. */
#define DURING_ADD null_device_init
#include "../right_kmdf.h"

static void null_device_init(WDFDEVICE device)
{
    PWDFDEVICE_INIT init = NULL;
    WDFDEVICE second;
    (void)WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &second);
}
