/* Wrong: leaves a critical region that it never entered. */
#define DURING_CONTROL leave_region
#include "../right_wdm.h"

static void leave_region(PDEVICE_OBJECT device, PIRP irp)
{
    KeLeaveCriticalRegion();
    KeLeaveCriticalRegion();
}
