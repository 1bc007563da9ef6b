/* Wrong: never gives back the interface that it asked the bus for. */
#include "../right_bus_client.h"

static NTSTATUS enter_d0(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    (void)ask_bus(device);
    return STATUS_SUCCESS;
}
