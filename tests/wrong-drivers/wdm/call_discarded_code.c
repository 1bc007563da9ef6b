/* Wrong: calls a function of the section that goes away when DriverEntry has returned. */
#define DURING_CONTROL call_discarded_code
#include "../right_wdm.h"

INITIALIZATION static __attribute__((noinline)) int start_value(void)
{
    return 1;
}

static void call_discarded_code(PDEVICE_OBJECT device, PIRP irp)
{
    (void)start_value();
}
