/* Wrong: frees a pool block twice. */
#define DURING_CONTROL free_twice
#include "../right_wdm.h"

static void free_twice(PDEVICE_OBJECT device, PIRP irp)
{
    void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    ExFreePoolWithTag(block, TAG);
    ExFreePoolWithTag(block, TAG);
}
