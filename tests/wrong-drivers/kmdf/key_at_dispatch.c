/* Wrong: opens the device's registry key at DISPATCH_LEVEL. */
#define DURING_CONTROL key_at_dispatch
#include "../right_kmdf.h"

static void key_at_dispatch(WDFDEVICE device, WDFREQUEST request)
{
    WDFKEY key;
    KIRQL level;
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    NTSTATUS status = WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key);
    if (NT_SUCCESS(status)) {
        WdfRegistryClose(key);
    }
    KeLowerIrql(level);
}
