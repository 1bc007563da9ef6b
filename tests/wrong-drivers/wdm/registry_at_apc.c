/* Wrong: opens a registry key at APC_LEVEL. */
#define DURING_CONTROL registry_at_apc
#include "../right_wdm.h"

static void registry_at_apc(PDEVICE_OBJECT device, PIRP irp)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Registry\\Machine");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    KIRQL level;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    KeRaiseIrql(APC_LEVEL, &level);
    (void)ZwOpenKey(&key, KEY_READ, &attributes);
    KeLowerIrql(level);
}
