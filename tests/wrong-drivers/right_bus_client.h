/* A right KMDF driver whose D0 entry callback has the bus's SR-IOV routines at hand. A wrong one defines the callback:
 *
 *     #include "../right_bus_client.h"
 *
 *     static NTSTATUS enter_d0(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) { ... }
 */
#ifndef RIGHT_BUS_CLIENT_H
#define RIGHT_BUS_CLIENT_H

#define BEFORE_DEVICE set_callbacks
#include "right_kmdf.h"
#include <initguid.h>
#include <wdmguid.h>

static EVT_WDF_DEVICE_D0_ENTRY enter_d0;

static PCI_VIRTUALIZATION_INTERFACE ask_bus(WDFDEVICE device)
{
    PCI_VIRTUALIZATION_INTERFACE bus;
    RtlZeroMemory(&bus, sizeof(bus));
    (void)WdfFdoQueryForInterface(
        device, &GUID_PCI_VIRTUALIZATION_INTERFACE, (PINTERFACE)&bus, sizeof(bus), 1, NULL);
    return bus;
}

static void set_callbacks(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceD0Entry = enter_d0;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
}

#endif
