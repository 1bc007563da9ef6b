/* Wrong: its cancel routine returns without having released the cancel spin lock, and so at DISPATCH_LEVEL. */
#define CONTROL pend
#include "../right_wdm.h"

static void cancel_keeps_lock(PDEVICE_OBJECT device, PIRP irp)
{
}

static NTSTATUS pend(PDEVICE_OBJECT device, PIRP irp)
{
    IoMarkIrpPending(irp);
    (void)IoSetCancelRoutine(irp, cancel_keeps_lock);
    return STATUS_PENDING;
}
