/* Wrong: asks for a bugcheck. */
#define DURING_CONTROL bugcheck
#include "../right_wdm.h"

static void bugcheck(PDEVICE_OBJECT device, PIRP irp)
{
    KeBugCheckEx(0xDEAD, 1, 2, 3, 4);
}
