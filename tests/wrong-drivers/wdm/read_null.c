/* Wrong: reads through a null pointer. */
#define DURING_CONTROL read_null
#include "../right_wdm.h"

static void read_null(PDEVICE_OBJECT device, PIRP irp)
{
    volatile int *volatile pointer = NULL;
    (void)*pointer;
}
