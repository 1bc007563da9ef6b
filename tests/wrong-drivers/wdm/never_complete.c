/* Wrong: pends an IRP and never completes it, not even when it is cancelled. */
#define CONTROL never_complete
#include "../right_wdm.h"

static NTSTATUS never_complete(PDEVICE_OBJECT device, PIRP irp)
{
    IoMarkIrpPending(irp);
    return STATUS_PENDING;
}
