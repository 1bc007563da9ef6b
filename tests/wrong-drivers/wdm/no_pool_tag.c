/* Wrong: allocates a pool block without a tag. */
#define DURING_CONTROL no_pool_tag
#include "../right_wdm.h"

static void no_pool_tag(PDEVICE_OBJECT device, PIRP irp)
{
    (void)ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 0);
}
