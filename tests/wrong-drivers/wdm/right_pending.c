/* Right: pends an IRP until it is cancelled. */
#define CONTROL pend
#include "../right_wdm.h"

static void cancel(PDEVICE_OBJECT device, PIRP irp)
{
    IoReleaseCancelSpinLock(irp->CancelIrql);
    complete(irp, STATUS_CANCELLED);
}

static NTSTATUS pend(PDEVICE_OBJECT device, PIRP irp)
{
    IoMarkIrpPending(irp);
    (void)IoSetCancelRoutine(irp, cancel);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) {
        complete(irp, STATUS_CANCELLED);
    }
    return STATUS_PENDING;
}
