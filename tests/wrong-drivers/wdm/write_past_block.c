/* Wrong: writes the byte behind a pool block that ends where its memory ends. */
#define DURING_CONTROL write_past_block
#include "../right_wdm.h"

static void write_past_block(PDEVICE_OBJECT device, PIRP irp)
{
    volatile char *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    block[64] = 1;
    ExFreePoolWithTag((void *)block, TAG);
}
