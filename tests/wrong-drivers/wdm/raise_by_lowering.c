/* Wrong: raises the IRQL by the routine that lowers it. */
#define DURING_CONTROL raise_by_lowering
#include "../right_wdm.h"

static void raise_by_lowering(PDEVICE_OBJECT device, PIRP irp)
{
    KeLowerIrql(DISPATCH_LEVEL);
}
