/* Wrong: the completion routine it sets is no code. */
#define CONTROL bad_completion_routine
#include "../right_wdm.h"

static NTSTATUS bad_completion_routine(PDEVICE_OBJECT device, PIRP irp)
{
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, (PIO_COMPLETION_ROUTINE)(ULONG_PTR)0x1234567890, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(lower_device(device), irp);
}
