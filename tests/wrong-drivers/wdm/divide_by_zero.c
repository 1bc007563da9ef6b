/* Wrong: divides by zero. */
#define DURING_CONTROL divide_by_zero
#include "../right_wdm.h"

static void divide_by_zero(PDEVICE_OBJECT device, PIRP irp)
{
    volatile int divisor = 0;
    volatile int quotient = 1 / divisor;
    (void)quotient;
}
