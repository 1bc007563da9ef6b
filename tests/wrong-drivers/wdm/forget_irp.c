/* Wrong: returns without having completed, passed on or pended the IRP. */
#define CONTROL forget_irp
#include "../right_wdm.h"

static NTSTATUS forget_irp(PDEVICE_OBJECT device, PIRP irp)
{
    return STATUS_SUCCESS;
}
