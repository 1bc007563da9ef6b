/* Wrong: frees an address in the middle of a pool block. */
#define DURING_CONTROL free_middle
#include "../right_wdm.h"

static void free_middle(PDEVICE_OBJECT device, PIRP irp)
{
    char *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    ExFreePoolWithTag(block + 16, TAG);
}
