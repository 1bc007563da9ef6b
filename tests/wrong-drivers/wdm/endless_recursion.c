/* Wrong: calls itself until the kernel stack is used up. */
#define DURING_CONTROL endless_recursion
#include "../right_wdm.h"

#pragma clang diagnostic ignored "-Winfinite-recursion"

static void endless_recursion(PDEVICE_OBJECT device, PIRP irp)
{
    volatile char frame[512];
    frame[0] = 0;
    endless_recursion(device, irp);
    frame[1] = 0;
}
