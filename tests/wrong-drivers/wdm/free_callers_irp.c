/* Wrong: frees the IRP that it was given to serve. */
#define DURING_CONTROL free_callers_irp
#include "../right_wdm.h"

static void free_callers_irp(PDEVICE_OBJECT device, PIRP irp)
{
    IoFreeIrp(irp);
}
