/* Wrong: writes to memory without looking whether it got it. */
#define DURING_CONTROL use_without_looking
#include "../right_wdm.h"

static void use_without_looking(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*block), TAG);
    *block = 1;
    ExFreePoolWithTag(block, TAG);
}
