/* Right: looks whether it got its memory, and frees the first block when there is no second. */
#define DURING_CONTROL use_two_blocks
#include "../right_wdm.h"

static void use_two_blocks(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG *first = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*first), TAG);
    if (first == NULL) {
        return;
    }
    ULONG *second = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*second), TAG);
    if (second != NULL) {
        *second = *first;
        ExFreePoolWithTag(second, TAG);
    }
    ExFreePoolWithTag(first, TAG);
}
