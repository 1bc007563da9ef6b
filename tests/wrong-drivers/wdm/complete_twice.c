/* Wrong: completes an IRP twice. */
#define CONTROL complete_twice
#include "../right_wdm.h"

static NTSTATUS complete_twice(PDEVICE_OBJECT device, PIRP irp)
{
    complete(irp, STATUS_SUCCESS);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
