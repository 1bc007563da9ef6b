/* Wrong: never closes the handle of a registry key. */
#define DURING_CONTROL leak_handle
#include "../right_wdm.h"

static void leak_handle(PDEVICE_OBJECT device, PIRP irp)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    (void)ZwOpenKey(&key, KEY_READ, &attributes);
}
