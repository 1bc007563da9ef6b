/* Wrong: fails to load and leaves a pool block behind. */
#define AFTER_ENTRY fail_and_leak
#include "../right_wdm.h"

static NTSTATUS fail_and_leak(PDRIVER_OBJECT driver)
{
    (void)ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    return STATUS_INSUFFICIENT_RESOURCES;
}
