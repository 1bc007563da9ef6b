/* Wrong: has left a breakpoint in. */
#define DURING_CONTROL breakpoint
#include "../right_wdm.h"

static void breakpoint(PDEVICE_OBJECT device, PIRP irp)
{
    __asm__ volatile("int3");
}
