/* Wrong: allocates paged pool at DISPATCH_LEVEL. */
#define DURING_CONTROL paged_pool_at_dispatch
#include "../right_wdm.h"

static void paged_pool_at_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL level;
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    void *block = ExAllocatePool2(POOL_FLAG_PAGED, 64, TAG);
    KeLowerIrql(level);
    ExFreePoolWithTag(block, TAG);
}
