/* Wrong: reads the status out of an IRP that it has completed. */
#define CONTROL touch_completed_irp
#include "../right_wdm.h"

static NTSTATUS touch_completed_irp(PDEVICE_OBJECT device, PIRP irp)
{
    complete(irp, STATUS_SUCCESS);
    return irp->IoStatus.Status;
}
