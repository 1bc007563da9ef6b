/* Wrong: frees a pool block with another tag. */
#define DURING_CONTROL free_with_other_tag
#include "../right_wdm.h"

static void free_with_other_tag(PDEVICE_OBJECT device, PIRP irp)
{
    void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    ExFreePoolWithTag(block, 'rehO');
}
