/* Wrong: uses its device's extension after it has deleted the device. */
#define REMOVE touch_freed_device
#include "../right_wdm.h"

static NTSTATUS touch_freed_device(PDEVICE_OBJECT device, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass_down(device, irp);
    IoDetachDevice(lower_device(device));
    IoDeleteDevice(device);
    return lower_device(device) == NULL ? STATUS_SUCCESS : status;
}
