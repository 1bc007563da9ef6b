/* Wrong: returns from its dispatch routine inside a critical region. */
#define DURING_CONTROL return_in_region
#include "../right_wdm.h"

static void return_in_region(PDEVICE_OBJECT device, PIRP irp)
{
    KeEnterCriticalRegion();
}
