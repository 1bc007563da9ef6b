/* Wrong: lowers the IRQL by the routine that raises it. */
#define DURING_CONTROL lower_by_raising
#include "../right_wdm.h"

static void lower_by_raising(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL level;
    KIRQL ignored;
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    KeRaiseIrql(level, &ignored);
}
