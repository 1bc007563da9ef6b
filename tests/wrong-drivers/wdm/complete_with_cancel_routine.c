/* Wrong: completes an IRP whose cancel routine is still set. */
#define CONTROL complete_with_cancel_routine
#include "../right_wdm.h"

static void cancel(PDEVICE_OBJECT device, PIRP irp)
{
    IoReleaseCancelSpinLock(irp->CancelIrql);
    complete(irp, STATUS_CANCELLED);
}

static NTSTATUS complete_with_cancel_routine(PDEVICE_OBJECT device, PIRP irp)
{
    (void)IoSetCancelRoutine(irp, cancel);
    return complete(irp, STATUS_SUCCESS);
}
