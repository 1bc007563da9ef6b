/* Wrong: forgets the first block when there is no second. */
#define DURING_CONTROL keep_the_first
#include "../right_wdm.h"

static void keep_the_first(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG *first = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*first), TAG);
    if (first == NULL) {
        return;
    }
    ULONG *second = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*second), TAG);
    if (second == NULL) {
        return;
    }
    ExFreePoolWithTag(second, TAG);
    ExFreePoolWithTag(first, TAG);
}
