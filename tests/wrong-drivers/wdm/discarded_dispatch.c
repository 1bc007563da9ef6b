/* Wrong: a dispatch routine lies in the section that goes away when DriverEntry has returned. */
#define INTERNAL_CONTROL discarded_dispatch
#include "../right_wdm.h"

INITIALIZATION static NTSTATUS discarded_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS);
}
