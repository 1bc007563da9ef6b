/* Wrong: reads a pool block that it has freed. */
#define DURING_CONTROL use_after_free
#include "../right_wdm.h"

static void use_after_free(PDEVICE_OBJECT device, PIRP irp)
{
    volatile char *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    ExFreePoolWithTag((void *)block, TAG);
    (void)block[0];
}
