/* Wrong: writes the byte before a pool block. */
#define DURING_CONTROL write_before_block
#include "../right_wdm.h"

static void write_before_block(PDEVICE_OBJECT device, PIRP irp)
{
    volatile char *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    block[-1] = 1;
    ExFreePoolWithTag((void *)block, TAG);
}
