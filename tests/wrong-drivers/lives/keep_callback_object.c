/* Wrong over several lives: each makes a kernel object and never gives its reference back. */
#define DURING_CONTROL keep_callback_object
#include "../right_wdm.h"

NTKERNELAPI NTSTATUS ExCreateCallback(PVOID *object, POBJECT_ATTRIBUTES attributes, BOOLEAN create, BOOLEAN multiple);

static void keep_callback_object(PDEVICE_OBJECT device, PIRP irp)
{
    OBJECT_ATTRIBUTES attributes;
    PVOID object;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    (void)ExCreateCallback(&object, &attributes, TRUE, TRUE);
}
