/* Wrong: runs code that it wrote into a pool block. */
#define DURING_CONTROL run_pool
#include "../right_wdm.h"

static void run_pool(PDEVICE_OBJECT device, PIRP irp)
{
    UCHAR *code = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, TAG);
    code[0] = 0xC3;
    ((void (*)(void))(ULONG_PTR)code)();
    ExFreePoolWithTag(code, TAG);
}
