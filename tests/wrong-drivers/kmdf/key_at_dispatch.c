/* Wrong: opens the device's registry key at DISPATCH_LEVEL. */
#define DURING_CONTROL key_at_dispatch
#include "../right_kmdf.h"

static void key_at_dispatch(WDFDEVICE device, WDFREQUEST request)
{
    WDFKEY key;
    KIRQL level;
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    if (NT_SUCCESS(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key))) {
        WdfRegistryClose(key);
    }
    KeLowerIrql(level);
}
