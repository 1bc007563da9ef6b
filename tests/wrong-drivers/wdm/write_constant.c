/* Wrong: writes a constant. */
#define DURING_CONTROL write_constant
#include "../right_wdm.h"

static void write_constant(PDEVICE_OBJECT device, PIRP irp)
{
    static const int constant = 1;
    *(volatile int *)&constant = 2;
}
