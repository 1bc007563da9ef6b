/* Wrong: its callback for entering D0 returns at a raised IRQL. */
#define BEFORE_DEVICE set_callbacks
#include "../right_kmdf.h"

static NTSTATUS enter_d0_raised(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    KIRQL level;
    KeRaiseIrql(APC_LEVEL, &level);
    return STATUS_SUCCESS;
}

static void set_callbacks(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceD0Entry = enter_d0_raised;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
}
