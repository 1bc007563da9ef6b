/* Wrong: answers its removal without taking its device off the stack. */
#define REMOVE stay_attached
#include "../right_wdm.h"

static NTSTATUS stay_attached(PDEVICE_OBJECT device, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    return pass_down(device, irp);
}
