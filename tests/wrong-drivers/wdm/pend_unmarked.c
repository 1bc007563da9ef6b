/* Wrong: returns STATUS_PENDING for an IRP that it did not mark pending. */
#define CONTROL pend_unmarked
#include "../right_wdm.h"

static NTSTATUS pend_unmarked(PDEVICE_OBJECT device, PIRP irp)
{
    return STATUS_PENDING;
}
