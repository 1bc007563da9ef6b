/* Wrong: writes the byte behind a pool block, into what alignment left over. */
#define DURING_CONTROL write_behind_block
#include "../right_wdm.h"

static void write_behind_block(PDEVICE_OBJECT device, PIRP irp)
{
    volatile char *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 60, TAG);
    block[60] = 1;
    ExFreePoolWithTag((void *)block, TAG);
}
