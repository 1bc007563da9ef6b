/* Wrong: writes the byte before a pool block of whole pages. */
#define DURING_CONTROL write_before_page
#include "../right_wdm.h"

static void write_before_page(PDEVICE_OBJECT device, PIRP irp)
{
    volatile char *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * PAGE_SIZE, TAG);
    block[-1] = 1;
    ExFreePoolWithTag((void *)block, TAG);
}
