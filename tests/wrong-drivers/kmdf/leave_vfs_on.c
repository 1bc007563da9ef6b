/* Wrong: turns its VFs on and stops without turning them off. */
#include "../right_bus_client.h"

static NTSTATUS enter_d0(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    PCI_VIRTUALIZATION_INTERFACE bus = ask_bus(device);
    NTSTATUS status = bus.EnableVirtualization(bus.Context, 2, FALSE, FALSE, TRUE);
    bus.InterfaceDereference(bus.Context);
    return status;
}
