/* Wrong: never frees an IRP. */
#define DURING_CONTROL leak_irp
#include "../right_wdm.h"

static void leak_irp(PDEVICE_OBJECT device, PIRP irp)
{
    (void)IoAllocateIrp(1, FALSE);
}
