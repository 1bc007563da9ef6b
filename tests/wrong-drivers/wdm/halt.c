/* Wrong: runs an instruction that is the kernel's own business. */
#define DURING_CONTROL halt
#include "../right_wdm.h"

static void halt(PDEVICE_OBJECT device, PIRP irp)
{
    __asm__ volatile("hlt");
}
