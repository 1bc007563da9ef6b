/* Wrong: calls a variable as if it were a function. */
#define DURING_CONTROL run_data
#include "../right_wdm.h"

static void run_data(PDEVICE_OBJECT device, PIRP irp)
{
    static volatile UCHAR code[16] = {0xC3};
    void (*volatile function)(void) = (void (*)(void))(ULONG_PTR)code;
    function();
}
