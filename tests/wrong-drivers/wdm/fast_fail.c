/* Wrong: gives up by __fastfail. */
#define DURING_CONTROL fast_fail
#include "../right_wdm.h"

static void fast_fail(PDEVICE_OBJECT device, PIRP irp)
{
    __asm__ volatile("int $0x29" : : "c"(7));
}
