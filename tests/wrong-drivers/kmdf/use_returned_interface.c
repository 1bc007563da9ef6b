/* Wrong: calls a routine of the bus after it has given the interface back. */
#include "../right_bus_client.h"

static NTSTATUS enter_d0(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    PCI_VIRTUALIZATION_INTERFACE bus = ask_bus(device);
    bus.InterfaceDereference(bus.Context);
    UINT8 buses;
    bus.GetResources(bus.Context, &buses);
    return STATUS_SUCCESS;
}
