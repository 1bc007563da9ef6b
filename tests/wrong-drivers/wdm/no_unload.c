/* Wrong: has no unload routine, so that it can never go. */
#define AFTER_ENTRY forget_unload
#include "../right_wdm.h"

static NTSTATUS forget_unload(PDRIVER_OBJECT driver)
{
    driver->DriverUnload = NULL;
    return STATUS_SUCCESS;
}
