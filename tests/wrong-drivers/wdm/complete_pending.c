/* Wrong: completes an IRP with STATUS_PENDING. */
#define CONTROL complete_pending
#include "../right_wdm.h"

static NTSTATUS complete_pending(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_PENDING);
}
