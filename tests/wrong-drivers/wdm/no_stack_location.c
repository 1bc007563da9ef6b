/* Wrong: sends an IRP down a stack of two devices with one stack location. */
#define DURING_CONTROL no_stack_location
#define INTERNAL_CONTROL pass_on
#include "../right_wdm.h"

static NTSTATUS pass_on(PDEVICE_OBJECT device, PIRP irp)
{
    return IoCallDriver(lower_device(device), irp);
}

static NTSTATUS keep(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void no_stack_location(PDEVICE_OBJECT device, PIRP irp)
{
    PIRP own = IoAllocateIrp(1, FALSE);
    IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoSetCompletionRoutine(own, keep, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(device, own);
    IoFreeIrp(own);
}
