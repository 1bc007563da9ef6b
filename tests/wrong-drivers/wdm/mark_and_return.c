/* Wrong: marks an IRP pending and returns another status. */
#define CONTROL mark_and_return
#include "../right_wdm.h"

static NTSTATUS mark_and_return(PDEVICE_OBJECT device, PIRP irp)
{
    IoMarkIrpPending(irp);
    return complete(irp, STATUS_SUCCESS);
}
