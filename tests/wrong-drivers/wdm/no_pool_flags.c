/* Wrong: names no pool to allocate from. */
#define DURING_CONTROL no_pool_flags
#include "../right_wdm.h"

static void no_pool_flags(PDEVICE_OBJECT device, PIRP irp)
{
    (void)ExAllocatePool2(POOL_FLAG_UNINITIALIZED, 64, TAG);
}
