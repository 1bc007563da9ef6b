/* Wrong: frees an IRP twice. */
#define DURING_CONTROL free_irp_twice
#include "../right_wdm.h"

static void free_irp_twice(PDEVICE_OBJECT device, PIRP irp)
{
    PIRP own = IoAllocateIrp(1, FALSE);
    IoFreeIrp(own);
    IoFreeIrp(own);
}
