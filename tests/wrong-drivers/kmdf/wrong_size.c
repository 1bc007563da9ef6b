/* Wrong: the Size of the power callbacks is not the structure's. */
#define BEFORE_DEVICE wrong_size
#include "../right_kmdf.h"

static void wrong_size(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.Size += 8;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
}
