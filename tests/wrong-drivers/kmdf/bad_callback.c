/* Wrong: the callback for entering D0 is no code. */
#define BEFORE_DEVICE bad_callback
#include "../right_kmdf.h"

static void bad_callback(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceD0Entry = (PFN_WDF_DEVICE_D0_ENTRY)(ULONG_PTR)0x1234567890;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
}
