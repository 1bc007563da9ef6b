/* Wrong: never frees a pool block. */
#define DURING_CONTROL leak_pool
#include "../right_kmdf.h"

static void leak_pool(WDFDEVICE device, WDFREQUEST request)
{
    (void)ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
}
