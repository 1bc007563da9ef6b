/* Wrong: has the kernel copy more bytes than the pool block holds. */
#define DURING_CONTROL copy_past_block
#include "../right_wdm.h"

static void copy_past_block(PDEVICE_OBJECT device, PIRP irp)
{
    char source[80] = {0};
    char *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    RtlCopyMemory(block, source, sizeof(source));
    ExFreePoolWithTag(block, TAG);
}
