/* Wrong: writes its own code. */
#define DURING_CONTROL write_code
#include "../right_wdm.h"

static void write_code(PDEVICE_OBJECT device, PIRP irp)
{
    *(volatile char *)(ULONG_PTR)pass_down = 0;
}
