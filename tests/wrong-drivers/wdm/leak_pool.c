/* Wrong: never frees a pool block. */
#define DURING_CONTROL leak_pool
#include "../right_wdm.h"

static void leak_pool(PDEVICE_OBJECT device, PIRP irp)
{
    (void)ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
}
